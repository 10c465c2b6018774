namespace Ciba.AspNetCore.Store;

/// <summary>What is known of users beside their requests: whose devices listen, and which clients they are to be left alone by.</summary>
internal sealed partial class MemoryShard
{
    private readonly Dictionary<string, Listeners> _listening = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> _present = new(StringComparer.Ordinal);

    // In the order in which it ends.
    private readonly Dictionary<(string User, string Client), DateTimeOffset> _quiet = [];
    private readonly PriorityQueue<(string User, string Client), long> _quietEnds = new();

    public async Task WaitForChangeAsync(string userKey, CancellationToken cancellationToken)
    {
        var listeners = Join(userKey);
        try
        {
            await listeners.Changed.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            Leave(userKey, listeners);
        }
    }

    public void MarkPresent(string userKey, DateTimeOffset until)
    {
        lock (_gate)
        {
            _present[userKey] = until;
        }
    }

    public bool IsPresent(string userKey, DateTimeOffset now)
    {
        lock (_gate)
        {
            return _present.TryGetValue(userKey, out var until) && until > now;
        }
    }

    private Listeners Join(string userKey)
    {
        lock (_gate)
        {
            if (!_listening.TryGetValue(userKey, out var listeners))
            {
                _listening[userKey] = listeners = new Listeners();
            }

            listeners.Count++;
            return listeners;
        }
    }

    private void Leave(string userKey, Listeners listeners)
    {
        lock (_gate)
        {
            if (--listeners.Count == 0 && _listening.TryGetValue(userKey, out var known) && known == listeners)
            {
                _listening.Remove(userKey);
            }
        }
    }

    private void Tell(string userKey)
    {
        if (_listening.Remove(userKey, out var listeners))
        {
            listeners.Changed.TrySetResult();
        }
    }

    private void ForgetAbsent(DateTimeOffset now)
    {
        foreach (var (userKey, until) in _present)
        {
            if (until <= now)
            {
                _present.Remove(userKey);
            }
        }
    }

    private DateTimeOffset? QuietUntil(string userKey, string clientKey, DateTimeOffset now) =>
        _quiet.TryGetValue((userKey, clientKey), out var until) && until > now ? until : null;

    private void BeQuiet(string userKey, CibaQuiet? quiet)
    {
        if (quiet is not null)
        {
            _quiet[(userKey, quiet.ClientKey)] = quiet.Until;
            _quietEnds.Enqueue((userKey, quiet.ClientKey), quiet.Until.UtcTicks);
        }
    }

    private void ForgetQuiet(DateTimeOffset now)
    {
        while (_quietEnds.TryPeek(out var pair, out var end) && end <= now.UtcTicks)
        {
            _quietEnds.Dequeue();
            if (_quiet.TryGetValue(pair, out var until) && until <= now)
            {
                _quiet.Remove(pair);
            }
        }
    }

    private sealed class Listeners
    {
        public TaskCompletionSource Changed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Count { get; set; }
    }
}
