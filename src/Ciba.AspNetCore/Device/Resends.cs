using Ciba.AspNetCore.Callbacks;
using Ciba.AspNetCore.Store;
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
        await using var attempt = new CountedAttempt(limiter);

        // The count first: who has none left shall not wait for nothing.
        if (limits.MaxResends == 0 || !await attempt.TryBeginAsync(count, limits.MaxResends, request.RetainedUntil - request.CreatedAt, cancellationToken))
        {
            return (CibaResendStatus.TooManyResends, default);
        }

        if (!await attempt.TryBeginAsync(last, 1, limits.ResendInterval, cancellationToken))
        {
            return (CibaResendStatus.TooSoon, await limiter.GetRemainingTimeAsync(last, cancellationToken));
        }

        // What was refused or failed has told the device nothing.
        var (status, wait) = await repeated.TryResendAsync(request, byClient, blocks, cancellationToken);
        attempt.Counts = status is RepeatStatus.Allowed or RepeatStatus.Concealed;
        if (!attempt.Counts)
        {
            return (Refused(status), wait);
        }

        if (status == RepeatStatus.Allowed)
        {
            outbox.NotifyAgain(request);
        }

        return (CibaResendStatus.Success, default);
    }

    private static CibaResendStatus Refused(RepeatStatus status) => status switch
    {
        RepeatStatus.LimitReached => CibaResendStatus.NotificationLimitReached,
        RepeatStatus.Cooldown => CibaResendStatus.ClientInCooldown,
        _ => CibaResendStatus.ClientBlocked,
    };
}
