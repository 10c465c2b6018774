using System.Collections.Concurrent;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>
/// What this process remembers of entries that it could not end at the first try. Another node that takes one over begins
/// anew.
/// </summary>
internal sealed class OutboxAttempts
{
    private readonly ConcurrentDictionary<string, OutboxAttempt> _attempts = new(StringComparer.Ordinal);

    public OutboxAttempt Of(CibaOutboxEntry entry) => _attempts.AddOrUpdate(
        entry.Request.Id,
        static (_, entry) => new OutboxAttempt(entry),
        static (_, known, entry) => known.Status == entry.Status ? known : new OutboxAttempt(entry),
        entry);

    /// <summary>Forgets these tries, and not those of a decision that came meanwhile.</summary>
    public void Forget(string id, OutboxAttempt attempt) => _attempts.TryRemove(new(id, attempt));

    /// <summary>Forgets what other nodes have ended.</summary>
    public void Sweep(DateTimeOffset now)
    {
        foreach (var (id, attempt) in _attempts)
        {
            if (attempt.RetainedUntil <= now)
            {
                Forget(id, attempt);
            }
        }
    }
}

/// <summary>The tries of one entry.</summary>
internal sealed class OutboxAttempt(CibaOutboxEntry entry)
{
    public CibaRequestStatus Status { get; } = entry.Status;

    public DateTimeOffset RetainedUntil { get; } = entry.Request.RetainedUntil;

    public int Failures { get; set; }

    /// <summary>Push mode: a retry in this process sends the same tokens.</summary>
    public IssuedTokens? Tokens { get; set; }

    /// <summary>Whether listeners know that the request expired.</summary>
    public bool IsNoted { get; set; }

    /// <summary>How it ended, where the store could not be told yet.</summary>
    public CibaSettlement? Ended { get; set; }
}

/// <summary>How long to wait before the next try: 1 s, 2 s, 4 s and so on, 30 s at most.</summary>
/// <param name="jitter">By which part a wait may be shorter at most, so that many that failed together do not come back together.</param>
internal sealed class RetryWaits(double jitter = 0.25)
{
    private const int MostDoublings = 5;

    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestAskedFor = TimeSpan.FromMinutes(1);

    public TimeSpan After(int failures, TimeSpan? askedFor = null)
    {
        var wait = First * (1 << Math.Min(failures - 1, MostDoublings));
        wait = (wait < Longest ? wait : Longest) * (1 - (jitter * Random.Shared.NextDouble()));
        var asked = askedFor < LongestAskedFor ? askedFor.Value : askedFor is null ? TimeSpan.Zero : LongestAskedFor;
        return asked > wait ? asked : wait;
    }
}
