namespace Ciba.AspNetCore.Callbacks;

/// <summary>What a try to do something for a request came to.</summary>
internal readonly record struct WorkResult(WorkResultKind Kind, string Reason = "", TimeSpan? RetryAfter = null)
{
    /// <summary>Somebody was told, or nobody needed to be.</summary>
    public static readonly WorkResult Done = new(WorkResultKind.Done);

    /// <summary>The client has its tokens.</summary>
    public static readonly WorkResult TokensSent = new(WorkResultKind.TokensSent);

    /// <summary>It was not tried, for want of a place or of time; no failure.</summary>
    public static readonly WorkResult NotTried = new(WorkResultKind.NotTried);

    /// <summary>It was not tried, and there is hardly a place before some time has passed; no failure.</summary>
    public static WorkResult NotTriedFor(TimeSpan wait) => new(WorkResultKind.NotTried, RetryAfter: wait);

    /// <summary>This node cannot do it, and another one may; no failure.</summary>
    public static WorkResult LeftToOthers(string reason) => new(WorkResultKind.Later, reason);

    /// <summary>It failed and is worth another try.</summary>
    public static WorkResult Failed(string reason, TimeSpan? retryAfter = null) => new(WorkResultKind.Failed, reason, retryAfter);

    /// <summary>It was not tried, and must not be before some time has passed; no failure.</summary>
    public static WorkResult Later(string reason, TimeSpan wait) => new(WorkResultKind.Later, reason, wait);

    /// <summary>It failed for good.</summary>
    public static WorkResult GivenUp(string reason) => new(WorkResultKind.GivenUp, reason);
}

internal enum WorkResultKind
{
    Done,
    TokensSent,
    NotTried,
    Failed,
    Later,
    GivenUp,
}
