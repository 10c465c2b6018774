namespace Ciba.AspNetCore.Authentication;

/// <summary>What a client is told whose request is one too many (section 15): of the user's limits 403, of its own 503.</summary>
internal static class LimitErrors
{
    public static readonly CibaError UserBlocksClient = CibaError.AccessDenied.With("This user takes no requests of this client.");

    private static readonly CibaError Pending = CibaError.AccessDenied.With("Too many requests wait for this user: try again when they are answered or expired.");
    private static readonly CibaError Notified = CibaError.AccessDenied.With("This user was notified as often as is allowed for now: try again later.");
    private static readonly CibaError Cooldown = CibaError.AccessDenied.With("The user denied a request of this client a short while ago: try again later.");
    private static readonly CibaError OfClient = CibaError.TemporarilyUnavailable.With("Too many requests of this client are pending: try again when some are answered or expired.");
    private static readonly CibaError InTotal = CibaError.TemporarilyUnavailable.With("Too many requests are pending here: try again later.");

    public static CibaError Notifications(TimeSpan retryAfter) => Notified.WithRetryAfter(retryAfter);

    public static CibaError InCooldown(TimeSpan retryAfter) => Cooldown.WithRetryAfter(retryAfter);

    /// <summary>Null where the request is stored, or waits already.</summary>
    public static CibaError? Of(CibaAddResult added) => added.Status switch
    {
        CibaAddStatus.LimitReached => Pending.WithRetryAfter(added.RetryAfter),
        CibaAddStatus.NotificationLimitReached => Notifications(added.RetryAfter),
        CibaAddStatus.Quiet => InCooldown(added.RetryAfter),
        CibaAddStatus.ClientLimitReached => OfClient.WithRetryAfter(added.RetryAfter),
        CibaAddStatus.TotalLimitReached => InTotal.WithRetryAfter(added.RetryAfter),
        _ => null,
    };
}
