using Ciba.AspNetCore.Callbacks;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Device;

/// <summary>Tells the device again of a request that waits, because user or client ask for it, and not too often.</summary>
internal sealed class Resends(ICibaUserCodeLimiter limiter, RepeatedNotifications repeated, OutboxWorker outbox, IOptions<CibaOptions> options)
{
    public const string ToldOften = "The device was told again as often as is allowed: there is no more of it for this request.";

    /// <summary>What is said to who comes too soon.</summary>
    public static string WaitFirst(TimeSpan wait) => $"The device was told again a moment ago: wait {Http.CibaResults.Seconds(wait)} seconds.";

    public async ValueTask<(CibaResendStatus Status, TimeSpan RetryAfter)> TryAsync(CibaRequest request, bool byClient, ICibaClientBlocks? blocks, CancellationToken cancellationToken)
    {
        var limits = options.Value;
        var (count, last) = ($"resends\n{request.Id}", $"resent\n{request.Id}");
        var attempt = Guid.NewGuid().ToString("N");

        // The count first: who has none left shall not wait for nothing.
        if (limits.MaxResends == 0 || !await limiter.TryBeginAsync(count, attempt, limits.MaxResends, request.RetainedUntil - request.CreatedAt, cancellationToken))
        {
            return (CibaResendStatus.TooManyResends, default);
        }

        var isTold = false;
        try
        {
            if (!await limiter.TryBeginAsync(last, attempt, 1, limits.ResendInterval, cancellationToken))
            {
                return (CibaResendStatus.TooSoon, await limiter.GetRemainingTimeAsync(last, cancellationToken));
            }

            var (status, wait) = await repeated.TryResendAsync(request, byClient, blocks, cancellationToken);
            isTold = status is RepeatStatus.Allowed or RepeatStatus.Concealed;
            if (!isTold)
            {
                return (Refused(status), wait);
            }

            if (status == RepeatStatus.Allowed)
            {
                outbox.NotifyAgain(request);
            }

            return (CibaResendStatus.Success, default);
        }
        finally
        {
            // What was refused or failed has told the device nothing.
            if (!isTold)
            {
                await limiter.SucceededAsync(last, attempt, CancellationToken.None);
                await limiter.SucceededAsync(count, attempt, CancellationToken.None);
            }
        }
    }

    private static CibaResendStatus Refused(RepeatStatus status) => status switch
    {
        RepeatStatus.LimitReached => CibaResendStatus.NotificationLimitReached,
        RepeatStatus.Cooldown => CibaResendStatus.ClientInCooldown,
        _ => CibaResendStatus.ClientBlocked,
    };
}
