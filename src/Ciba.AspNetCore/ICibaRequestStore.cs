namespace Ciba.AspNetCore;

/// <summary>
/// The state of the pending requests. Every method is one atomic step, complete before the next one on the same request
/// begins, on whichever node: an implementation never reads, decides outside and then writes.
/// <see cref="MemoryCibaRequestStore"/> is the ready one for a single node.
/// </summary>
/// <remarks>
/// The time is always the caller's. Completing, releasing and removing go by what is stored and need none; past
/// <see cref="CibaRequest.RetainedUntil"/> both of their answers are right. A request is kept until
/// <see cref="CibaRequest.RetainedUntil"/> and then forgotten without anybody asking for it. A store that cannot be reached
/// throws <see cref="CibaStoreUnavailableException"/>, which the endpoints answer with 503, and never hangs.
/// </remarks>
public interface ICibaRequestStore : ICibaOutbox
{
    /// <summary>
    /// Stores a new request, pending, whose first poll may come at once. The user's pending requests are counted in the same
    /// step, at <see cref="CibaRequest.CreatedAt"/>. With a <see cref="CibaRequest.DueAt"/> the request is put into the outbox,
    /// again in the same step. Nothing is written where a <see cref="CibaQuiet"/> lasts, where the same client's request with the
    /// same <see cref="CibaRequest.Fingerprint"/> waits for the same user and has at least half of the new one's lifetime left (of
    /// several the one that ends last), or beyond a limit; the first of these that holds is the answer. What is stored counts as one
    /// notification for <see cref="CibaNotificationLimits.Window"/>, whatever becomes of it.
    /// </summary>
    /// <remarks>
    /// With a <see cref="CibaRequest.LimitGroup"/> only the limits are told that hold for the requests of this group. Where a
    /// <see cref="CibaQuiet"/> lasts, or the user's own limits are reached, the request is stored as
    /// <see cref="CibaRequest.IsConcealed"/> instead.
    /// </remarks>
    ValueTask<CibaAddResult> AddAsync(CibaRequest request, CibaRequestLimits limits, CancellationToken cancellationToken);

    /// <summary>
    /// One poll of a client (CIBA Core section 11). The first of these that holds is the answer: unknown (also another
    /// client's, which stays as it is); redeemed; expired; denied; failed; approved, and then leased to this caller alone for
    /// <paramref name="leaseTime"/>; pending while somebody else holds the lease; slow_down before the next poll time, which
    /// makes the interval longer by <see cref="CibaRequest.SlowDownIncrement"/>; pending. The last two set the next poll time
    /// to now plus the interval. A lease that nobody ends returns by itself.
    /// </summary>
    ValueTask<CibaPollResult> PollAsync(string id, string clientKey, DateTimeOffset now, TimeSpan leaseTime, CancellationToken cancellationToken);

    /// <summary>
    /// The same poll again after <see cref="WaitForDecisionAsync"/> (section 10.1, long polling): as
    /// <see cref="PollAsync"/>, but never slow_down; and after pending, the client's next poll may come at once.
    /// </summary>
    ValueTask<CibaPollResult> PollAfterWaitAsync(string id, string clientKey, DateTimeOffset now, TimeSpan leaseTime, CancellationToken cancellationToken);

    /// <summary>
    /// Waits until the request is decided, withdrawn or expired, on whichever node; or less long: the caller looks again by
    /// <see cref="PollAfterWaitAsync"/>. Listens from the moment of the call, and where there is nothing to wait for it
    /// returns. A store whose wake-ups can get lost looks for them by itself. Does not fail, other than by cancellation.
    /// </summary>
    Task WaitForDecisionAsync(string id, CancellationToken cancellationToken);

    /// <summary>
    /// Ends a lease with success: the request is redeemed, and remembered as such until its end. False where the lease has
    /// gone to somebody else or the request is gone; then the tokens must not be handed out. The same lease may be ended so again,
    /// and is true again. Where it throws, nobody knows whether the step was taken, and the tokens must not be handed out either: call
    /// <see cref="ReleaseAsync"/>. Until then, and at most until the lease runs out, the request is pending to others; then it is
    /// approved again.
    /// </summary>
    ValueTask<bool> CompleteAsync(string id, string lease, CancellationToken cancellationToken);

    /// <summary>Gives a leased approval back, so that the next poll may have it. False where the lease was no longer the caller's.</summary>
    ValueTask<bool> ReleaseAsync(string id, string lease, CancellationToken cancellationToken);

    /// <summary>
    /// Records the answer to a request: the first one counts, and none counts after <see cref="CibaRequest.ExpiresAt"/>. The one
    /// that counts is done again where it is repeated with the same <see cref="CibaDecision.Id"/>. In the
    /// same step the request is put into the outbox, due at once, in ping and push mode; in poll mode it is taken out; and a
    /// <see cref="CibaDecision.Quiet"/> begins.
    /// </summary>
    ValueTask<CibaDecideResult> DecideAsync(string id, string userKey, CibaDecision decision, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>The request, where it is this user's; else null.</summary>
    ValueTask<CibaRequestState?> GetAsync(string id, string userKey, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>The user's requests that wait for an answer, in the order of <see cref="CibaRequest.CreatedAt"/>.</summary>
    ValueTask<IReadOnlyList<CibaRequest>> ListPendingAsync(string userKey, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Withdraws this user's request that is still pending, as if it had never been, from the outbox too. False where it is not pending.</summary>
    ValueTask<bool> RemoveAsync(string id, string userKey, CancellationToken cancellationToken);

    /// <summary>
    /// Counts one more notification of a pending request, a resend or a retry. Nothing is counted while a <see cref="CibaQuiet"/>
    /// lasts, or beyond a limit; the first of these that holds is the answer.
    /// </summary>
    /// <param name="request">The request. With a <see cref="CibaRequest.LimitGroup"/> see <see cref="AddAsync"/>.</param>
    /// <param name="limits">The limits.</param>
    /// <param name="byClient">Whether the client asked for it: only then it counts for the <see cref="CibaRequest.LimitGroup"/>.</param>
    /// <param name="now">The time.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<CibaNotificationResult> CountNotificationAsync(CibaRequest request, CibaNotificationLimits limits, bool byClient, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>The request, where it is this client's; else null.</summary>
    ValueTask<CibaRequestState?> GetForClientAsync(string id, string clientKey, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>
    /// Waits until one of the user's requests is added, decided or withdrawn, on whichever node; or less long: the caller looks
    /// again. On other nodes, only a user who is present (<see cref="MarkPresentAsync(string, DateTimeOffset, DateTimeOffset, CancellationToken)"/>)
    /// is sure to be heard of at once. Listens from the moment of the call. A store whose wake-ups can get lost looks for them by
    /// itself. Does not fail, other than by cancellation.
    /// </summary>
    Task WaitForChangeAsync(string userKey, CancellationToken cancellationToken);

    /// <summary>Notes that a device of the user listens, on whichever node, until this time. A time that is not in the future ends it.</summary>
    ValueTask MarkPresentAsync(string userKey, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken);

    /// <summary>
    /// The same for many users at once, which a node calls every few seconds for all event streams that are open on it. The default
    /// takes one after another.
    /// </summary>
    async ValueTask MarkPresentAsync(IReadOnlyCollection<string> userKeys, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(userKeys);
        foreach (var userKey in userKeys)
        {
            await MarkPresentAsync(userKey, now, until, cancellationToken);
        }
    }

    /// <summary>Whether a device of the user listens.</summary>
    ValueTask<bool> IsPresentAsync(string userKey, DateTimeOffset now, CancellationToken cancellationToken);
}

/// <summary>What <see cref="ICibaRequestStore.AddAsync"/> came to.</summary>
/// <param name="Status">Whether the request is stored, or why it is not.</param>
/// <param name="Existing">For <see cref="CibaAddStatus.Identical"/> the request that waits already, with its <see cref="CibaRequest.Callback"/>.</param>
/// <param name="Interval">For <see cref="CibaAddStatus.Identical"/> the interval at which that one may be polled now, which <c>slow_down</c> may have made longer.</param>
public readonly record struct CibaAddResult(CibaAddStatus Status, CibaRequest? Existing = null, TimeSpan Interval = default)
{
    /// <summary>Gets when the same request may be stored, unless others come first, for an answer that says no.</summary>
    public TimeSpan RetryAfter { get; init; }

    /// <summary>Gets whether the request is stored as <see cref="CibaRequest.IsConcealed"/>.</summary>
    public bool IsConcealed { get; init; }

    /// <summary>The request is stored.</summary>
    public static CibaAddResult Added => new(CibaAddStatus.Added);

    /// <summary>The request is not stored.</summary>
    public static CibaAddResult Refused(CibaAddStatus status, TimeSpan retryAfter) => new(status) { RetryAfter = retryAfter };

    /// <summary>The same request waits already.</summary>
    public static CibaAddResult Identical(CibaRequest existing, TimeSpan interval) => new(CibaAddStatus.Identical, existing, interval);
}

/// <summary>Whether a request is stored, or why it is not.</summary>
public enum CibaAddStatus
{
    /// <summary>The request is stored.</summary>
    Added,

    /// <summary>The user has too many requests waiting.</summary>
    LimitReached,

    /// <summary>The user wants to be left alone by this client.</summary>
    Quiet,

    /// <summary>The same request waits already.</summary>
    Identical,

    /// <summary>The user was notified too often.</summary>
    NotificationLimitReached,

    /// <summary>The client has too many requests waiting.</summary>
    ClientLimitReached,

    /// <summary>Too many requests wait.</summary>
    TotalLimitReached,
}

/// <summary>How many requests may wait; 0 means no limit.</summary>
/// <param name="PerUser">For one user, of all clients together.</param>
/// <param name="PerUserAndClient">For one user, of the client that asks.</param>
public readonly record struct CibaRequestLimits(int PerUser, int PerUserAndClient)
{
    /// <summary>Gets how many requests of the client may wait, for all users together.</summary>
    public int PerClient { get; init; }

    /// <summary>Gets how many requests may wait, of all clients for all users; not every store counts them.</summary>
    public int Total { get; init; }

    /// <summary>Gets how often the user may be notified.</summary>
    public CibaNotificationLimits Notifications { get; init; }
}

/// <summary>How often a user may be notified; 0 means no limit.</summary>
public readonly record struct CibaNotificationLimits
{
    /// <summary>Gets how often within the window, by all clients together.</summary>
    public int PerUser { get; init; }

    /// <summary>Gets how often within the window, by the client that asks.</summary>
    public int PerUserAndClient { get; init; }

    /// <summary>Gets the time that a notification counts for.</summary>
    public TimeSpan Window { get; init; }
}

/// <summary>What <see cref="ICibaRequestStore.CountNotificationAsync"/> came to.</summary>
public readonly record struct CibaNotificationResult
{
    /// <summary>Gets whether the device may be notified, or why not.</summary>
    public required CibaNotificationStatus Status { get; init; }

    /// <summary>Gets when the device may be notified, for an answer that says no.</summary>
    public TimeSpan RetryAfter { get; init; }
}

/// <summary>Whether a device may be notified, or why not.</summary>
public enum CibaNotificationStatus
{
    /// <summary>The notification is counted: the device may be notified.</summary>
    Counted,

    /// <summary>The user was notified too often.</summary>
    LimitReached,

    /// <summary>The user wants to be left alone by this client.</summary>
    Cooldown,

    /// <summary>The client is answered as if the device were notified, which it must not be.</summary>
    Concealed,
}

/// <summary>What a poll found.</summary>
public enum CibaPollStatus
{
    /// <summary>No such request, or another client's.</summary>
    Unknown,

    /// <summary>The tokens were handed out already.</summary>
    Redeemed,

    /// <summary>The request is past its time.</summary>
    Expired,

    /// <summary>The user said no.</summary>
    Denied,

    /// <summary>The host could not get an answer.</summary>
    Failed,

    /// <summary>The user has not answered yet, or another poll is about to get the tokens.</summary>
    Pending,

    /// <summary>Polled too soon.</summary>
    SlowDown,

    /// <summary>The user said yes, and this caller has the lease.</summary>
    Approved,
}

/// <summary>What a poll found, and for <see cref="CibaPollStatus.Approved"/> the request, the answer and the lease.</summary>
public readonly struct CibaPollResult
{
    /// <summary>What the poll found.</summary>
    public required CibaPollStatus Status { get; init; }

    /// <summary>The interval that is in force after <see cref="CibaPollStatus.Pending"/> and <see cref="CibaPollStatus.SlowDown"/>.</summary>
    public TimeSpan Interval { get; init; }

    /// <summary>
    /// After <see cref="CibaPollStatus.Pending"/> and <see cref="CibaPollStatus.SlowDown"/>, until when the user can answer;
    /// null where the answer is there and another poll has the lease.
    /// </summary>
    public DateTimeOffset? PendingUntil { get; init; }

    /// <summary>The approved request.</summary>
    public CibaRequest? Request { get; init; }

    /// <summary>The user's answer to it.</summary>
    public CibaDecision? Decision { get; init; }

    /// <summary>The lease to complete or to release.</summary>
    public string? Lease { get; init; }
}

/// <summary>What <see cref="ICibaRequestStore.DecideAsync"/> came to.</summary>
public enum CibaDecideResult
{
    /// <summary>The answer is recorded.</summary>
    Done,

    /// <summary>No such request.</summary>
    Unknown,

    /// <summary>The request is for another user.</summary>
    NotYours,

    /// <summary>There was an answer before.</summary>
    AlreadyDecided,

    /// <summary>The request is past its time.</summary>
    Expired,
}

/// <summary>A stored request and where it stands.</summary>
/// <param name="Request">The request.</param>
/// <param name="Status">Where it stands.</param>
public sealed record CibaRequestState(CibaRequest Request, CibaRequestStatus Status);
