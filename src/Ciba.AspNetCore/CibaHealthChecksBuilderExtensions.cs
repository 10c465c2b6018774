using Ciba.AspNetCore.Health;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds CIBA to the health checks of a host.</summary>
public static class CibaHealthChecksBuilderExtensions
{
    private static readonly TimeSpan DefaultDegradedAfter = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// Adds a check that the store answers and takes what is written: unhealthy where it does not, degraded where it is slow.
    /// Each look is two steps of the store, and leaves nothing that lasts.
    /// </summary>
    /// <param name="builder">What <c>AddHealthChecks()</c> returned.</param>
    /// <param name="name">The name of the check. Default <c>ciba</c>.</param>
    /// <param name="degradedAfter">What is slow. Default 500 ms.</param>
    /// <param name="failureStatus">What a store that does not answer is reported as. Default unhealthy.</param>
    /// <param name="tags">Tags to select checks by.</param>
    public static IHealthChecksBuilder AddCibaHealthChecks(
        this IHealthChecksBuilder builder,
        string name = "ciba",
        TimeSpan? degradedAfter = null,
        HealthStatus? failureStatus = null,
        IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var slow = degradedAfter ?? DefaultDegradedAfter;
        return builder.Add(new HealthCheckRegistration(name, services => ActivatorUtilities.CreateInstance<StoreHealthCheck>(services, slow), failureStatus, tags));
    }
}
