using Ciba.AspNetCore.Callbacks;
using Ciba.AspNetCore.Store;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Device;

/// <summary>Tells the device again of a request that waits, because user or client ask for it, and not too often.</summary>
internal sealed class Resends(ICibaUserCodeLimiter limiter, OutboxWorker outbox, AuthReqIds ids, IOptions<CibaOptions> options)
{
    /// <summary>False where the device was told often enough, or a moment ago.</summary>
    public async ValueTask<bool> TryAsync(CibaRequest request, CancellationToken cancellationToken)
    {
        var limits = options.Value;
        if (limits.MaxResends == 0
            || !await limiter.TryBeginAsync($"resent\n{request.Id}", 1, limits.ResendInterval, cancellationToken)
            || !await limiter.TryBeginAsync($"resends\n{request.Id}", limits.MaxResends, limits.MaxRequestLifetime, cancellationToken))
        {
            return false;
        }

        // Nobody has no device, which a client must not notice.
        if (!ids.IsDecoy(request.Subject))
        {
            outbox.NotifyAgain(request);
        }

        return true;
    }
}
