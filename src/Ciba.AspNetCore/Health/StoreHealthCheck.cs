using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Ciba.AspNetCore.Health;

/// <summary>
/// Polls a request that nobody made, and uses a JWT that nobody signed: a store that answers and does not write is no good. A probe of
/// the store tries the rest.
/// </summary>
internal sealed class StoreHealthCheck(ICibaRequestStore store, ICibaReplayCache replayCache, IEnumerable<ICibaStoreProbe> probes, TimeProvider time, TimeSpan degradedAfter) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var nobody = Guid.NewGuid().ToString("N");
        var id = CibaRequestId.FromAuthReqId(CibaRequestId.NewAuthReqId(nobody))!;
        var began = time.GetTimestamp();
        try
        {
            await store.PollAsync(id, nobody, time.GetUtcNow(), TimeSpan.FromSeconds(1), cancellationToken);
            await replayCache.TryUseAsync($"health {nobody}", nobody, time.GetUtcNow().AddSeconds(1), cancellationToken);
            var took = time.GetElapsedTime(began);
            foreach (var probe in probes)
            {
                if (await probe.FindProblemAsync(cancellationToken) is { } problem)
                {
                    return HealthCheckResult.Degraded(problem);
                }
            }

            var description = string.Create(CultureInfo.InvariantCulture, $"The request store answered in {took.TotalMilliseconds:0} ms.");
            return took < degradedAfter ? HealthCheckResult.Healthy(description) : HealthCheckResult.Degraded(description);
        }
        catch (CibaStoreUnavailableException exception)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, exception.Message);
        }
    }
}
