using System.Collections.Concurrent;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>
/// What this process remembers of entries that it could not end at the first try. Another node that takes one over begins
/// anew.
/// </summary>
internal sealed class OutboxAttempts
{
    // The notification of a device may still be under way when the callback for its answer begins.
    private readonly ConcurrentDictionary<(string Id, CibaRequestStatus Status), OutboxAttempt> _attempts = new();

    public OutboxAttempt Of(CibaOutboxEntry entry) =>
        _attempts.GetOrAdd((entry.Request.Id, entry.Status), static (_, entry) => new OutboxAttempt(entry), entry);

    public void Forget(CibaOutboxEntry entry) => _attempts.TryRemove((entry.Request.Id, entry.Status), out _);

    /// <summary>Forgets what other nodes have ended.</summary>
    public void Sweep(DateTimeOffset now)
    {
        foreach (var known in _attempts.Where(known => known.Value.RetainedUntil <= now))
        {
            _attempts.TryRemove(known);
        }
    }
}

/// <summary>The tries of one entry.</summary>
internal sealed class OutboxAttempt(CibaOutboxEntry entry)
{
    private CibaOutboxEntry? _inWork;

    public DateTimeOffset RetainedUntil { get; } = entry.Request.RetainedUntil;

    public int Failures { get; set; }

    /// <summary>Why this node left it to others last, which is the reason to give when the request ends so.</summary>
    public string? LeftBecause { get; set; }

    /// <summary>Whether the next notification of the device is counted already.</summary>
    public bool IsCounted { get; set; }

    /// <summary>Push mode: every try sends the same tokens.</summary>
    public MintedPush? Push { get; set; }

    /// <summary>Whether the outbox keeps them.</summary>
    public bool IsPushKept { get; set; }

    /// <summary>Whether listeners know that the request expired.</summary>
    public bool IsNoted { get; set; }

    /// <summary>Whether the device was told, or will not be, where the store could not be told yet that only the expiry is waited for.</summary>
    public bool IsTold { get; set; }

    /// <summary>How it ended, where the store could not be told yet.</summary>
    public CibaSettlement? Ended { get; set; }

    /// <summary>False while this process works on the entry as it was handed out before.</summary>
    public bool TryEnter(CibaOutboxEntry entry) => Interlocked.CompareExchange(ref _inWork, entry, null) is null;

    /// <summary>Lets the next one enter; of no effect for who is not in.</summary>
    public void Leave(CibaOutboxEntry entry) => Interlocked.CompareExchange(ref _inWork, null, entry);
}

/// <summary>
/// How long to wait before the next try: 1 s, 2 s, 4 s and so on, at most 30 s. A request that lives for more than an hour is tried less
/// often in the end: at most 120 times in its life, or once in an hour.
/// </summary>
/// <param name="jitter">By which part a wait may be shorter at most, so that many that failed together do not come back together.</param>
internal sealed class RetryWaits(double jitter = 0.25)
{
    private const int MostDoublings = 12;
    private const int TriesInLife = 120;

    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestOfAll = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestAskedFor = TimeSpan.FromMinutes(1);

    public TimeSpan After(int failures, TimeSpan life, TimeSpan? askedFor = null)
    {
        var wait = Vary(First * (1 << Math.Min(failures - 1, MostDoublings)), life);
        var asked = askedFor < LongestAskedFor ? askedFor.Value : askedFor is null ? TimeSpan.Zero : LongestAskedFor;
        return asked > wait ? asked : wait;
    }

    /// <summary>The wait for a turn that is so far away, which comes sooner should the others go faster.</summary>
    public TimeSpan Until(TimeSpan turn, TimeSpan life)
    {
        var wait = Vary(turn, life);
        return wait > First ? wait : First;
    }

    /// <summary>
    /// The wait of one that has not failed, and that another node or a receiver that is back may serve: at most half of what is left of
    /// its time, and at least 1 s.
    /// </summary>
    public static TimeSpan WhileItCounts(TimeSpan wait, TimeSpan left)
    {
        // Nothing is left of a push whose request has expired; it waits as it would have.
        var longest = left <= TimeSpan.Zero ? wait : left / 2 > First ? left / 2 : First;
        return wait < longest ? wait : longest;
    }

    private TimeSpan Vary(TimeSpan wait, TimeSpan life)
    {
        var longest = TimeSpan.FromTicks(Math.Clamp(life.Ticks / TriesInLife, Longest.Ticks, LongestOfAll.Ticks));
        return (wait < longest ? wait : longest) * (1 - (jitter * Random.Shared.NextDouble()));
    }
}
