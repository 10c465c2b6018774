namespace Ciba.AspNetCore.Store;

/// <summary>The wrong user codes that this node has seen.</summary>
internal sealed class MemoryUserCodeLimiter(TimeProvider time) : ICibaUserCodeLimiter
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Tries> _tries = new(StringComparer.Ordinal);
    private readonly PriorityQueue<string, long> _due = new();

    public ValueTask<bool> TryBeginAsync(string subject, string attempt, int maxFailures, TimeSpan window, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        lock (_gate)
        {
            Forget(now.UtcTicks);
            if (!_tries.TryGetValue(subject, out var tries))
            {
                _tries[subject] = tries = new Tries(now + window);
                _due.Enqueue(subject, tries.EndsAt.UtcTicks);
            }

            if (tries.Failed.Count >= maxFailures && !tries.Failed.Contains(attempt))
            {
                return new(false);
            }

            tries.Failed.Add(attempt);
            return new(true);
        }
    }

    public ValueTask SucceededAsync(string subject, string attempt, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_tries.TryGetValue(subject, out var tries))
            {
                tries.Failed.Remove(attempt);
            }
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask<TimeSpan> GetRemainingTimeAsync(string subject, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        lock (_gate)
        {
            Forget(now.UtcTicks);
            return new(_tries.TryGetValue(subject, out var tries) ? tries.EndsAt - now : TimeSpan.Zero);
        }
    }

    private void Forget(long now)
    {
        while (_due.TryPeek(out var subject, out var dueAt) && dueAt <= now)
        {
            _due.Dequeue();
            _tries.Remove(subject);
        }
    }

    private sealed class Tries(DateTimeOffset endsAt)
    {
        public DateTimeOffset EndsAt { get; } = endsAt;

        public HashSet<string> Failed { get; } = new(StringComparer.Ordinal);
    }
}
