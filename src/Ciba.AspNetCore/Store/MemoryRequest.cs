namespace Ciba.AspNetCore.Store;

/// <summary>A request in memory and what changes about it; a link of the list of its user's pending requests.</summary>
internal sealed class MemoryRequest(CibaRequest request) : ICounted
{
    private TaskCompletionSource? _whenDecided;

    string ICounted.Client => Request.ClientKey;

    string? ICounted.Group => Request.LimitGroup;

    bool ICounted.IsConcealed => Request.IsConcealed;

    DateTimeOffset ICounted.EndsAt => Request.ExpiresAt;

    public CibaRequest Request { get; } = request;

    public CibaRequestStatus Status { get; set; }

    public CibaDecision? Decision { get; set; }

    public TimeSpan Interval { get; set; } = request.Interval;

    public DateTimeOffset NextPollAt { get; set; }

    public long Lease { get; set; }

    public DateTimeOffset LeaseEndsAt { get; set; }

    /// <summary>When the outbox hands the request out next; null while it is not in the outbox.</summary>
    public DateTimeOffset? DueAt { get; set; }

    /// <summary>The tokens of a push, until it is ended.</summary>
    public ReadOnlyMemory<byte> Tokens { get; set; }

    public PendingRequests? Pending { get; set; }

    public MemoryRequest? Previous { get; set; }

    public MemoryRequest? Next { get; set; }

    /// <summary>Done when somebody calls <see cref="WakeUp"/>.</summary>
    public Task WhenDecided() => (_whenDecided ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public void WakeUp() => _whenDecided?.TrySetResult();

    public CibaRequestStatus StatusAt(DateTimeOffset now) =>
        Status == CibaRequestStatus.Pending && Request.ExpiresAt <= now ? CibaRequestStatus.Expired : Status;

    /// <summary>Whether a poll had the lease and did not end it in time.</summary>
    public bool LeaseRanOut(DateTimeOffset now) => Status == CibaRequestStatus.Redeeming && LeaseEndsAt <= now;

    /// <summary>Section 11: what a poll finds. The order of the arms is the order of precedence.</summary>
    public CibaPollStatus Judge(DateTimeOffset now) => Status switch
    {
        CibaRequestStatus.Redeemed => CibaPollStatus.Redeemed,
        _ when Request.ExpiresAt <= now || Status == CibaRequestStatus.Expired => CibaPollStatus.Expired,
        CibaRequestStatus.Denied => CibaPollStatus.Denied,
        CibaRequestStatus.Failed => CibaPollStatus.Failed,
        CibaRequestStatus.Approved => CibaPollStatus.Approved,
        CibaRequestStatus.Redeeming => LeaseRanOut(now) ? CibaPollStatus.Approved : CibaPollStatus.Pending,
        _ when now < NextPollAt => CibaPollStatus.SlowDown,
        _ => CibaPollStatus.Pending,
    };
}
