using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>
/// Who may send a callback now, so that a slow or dead receiver never delays the callbacks of others. A receiver is a client at an
/// authority: clients that share a host and port have nothing else in common. There is a bound on all, one for each authority, and one
/// for each receiver, which begins at one, grows with quick answers and falls with slow ones and failures. Of all places and of those of
/// an authority, receivers that are not known yet share half at most, and those that failed last a quarter.
/// </summary>
internal sealed class Receivers(IOptions<CibaOptions> options, TimeProvider time)
{
    public const int MostWaiting = 1_000;

    private const int MostKnown = 10_000;

    private static readonly TimeSpan Quick = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Client, string Authority), Receiver> _receivers = [];
    private readonly Dictionary<string, ReceiverAuthority> _authorities = new(StringComparer.Ordinal);

    // Receivers that have something waiting and may begin it, by their standing; each in one queue at most, once.
    private readonly Queue<Receiver>[] _ready = [new(), new(), new()];
    private readonly RunningCalls _running = new();

    private int _turn;
    private bool _stopped;

    private CibaCallbackOptions Limits => options.Value.Callbacks;

    /// <summary>
    /// Waits for a place, which must be left again. None where too many wait for this receiver already, where the time to begin
    /// is over or will be before a place is free, and where the host stops.
    /// </summary>
    /// <param name="client">The client, apart from those of other issuers.</param>
    /// <param name="authority">The host and port.</param>
    /// <param name="until">When the call must have begun.</param>
    public Task<ReceiverEntry> EnterAsync(string client, string authority, DateTimeOffset until)
    {
        lock (_gate)
        {
            var receiver = Find(client, authority);
            var now = time.GetUtcNow();
            if (_stopped || receiver.Waiting.Count >= MostWaiting || now + receiver.Wait > until)
            {
                return Task.FromResult(new ReceiverEntry(null, receiver.SendAway(now)));
            }

            var waiter = new ReceiverWaiter(until);
            receiver.Waiting.Enqueue(waiter);
            MakeReady(receiver);
            Begin();
            return waiter.Entry.Task;
        }
    }

    /// <summary>Frees the place.</summary>
    /// <param name="place">What <see cref="EnterAsync"/> gave.</param>
    /// <param name="answered">Whether the receiver answered, whatever it said; null where it was not called.</param>
    public void Leave(ReceiverPlace place, bool? answered)
    {
        lock (_gate)
        {
            var receiver = place.Receiver;
            receiver.Running--;
            receiver.Authority.Running.End(place.CountedAs);
            _running.End(place.CountedAs);
            if (answered is { } isAnswered)
            {
                receiver.LastCall = time.GetElapsedTime(place.BegunAt);
                receiver.NextTurn = isAnswered && receiver.LastCall <= Quick ? default : receiver.NextTurn;
                (receiver.Standing, receiver.Allowed) = !isAnswered ? (ReceiverStanding.Failing, 1)
                    : receiver.LastCall <= Quick ? (ReceiverStanding.Proven, Math.Min(receiver.Allowed * 2, Limits.MaxConcurrentPerReceiver))
                    : (ReceiverStanding.Proven, Math.Max(1, receiver.Allowed / 2));
            }

            while (receiver.Authority.Blocked.TryDequeue(out var blocked))
            {
                _ready[(int)blocked.Standing].Enqueue(blocked);
            }

            MakeReady(receiver);
            Begin();
        }
    }

    /// <summary>Sends away who has waited too long to begin.</summary>
    public void Sweep()
    {
        lock (_gate)
        {
            var now = time.GetUtcNow();
            foreach (var receiver in _receivers.Values)
            {
                DropLate(receiver, now);
            }
        }
    }

    /// <summary>Sends away who waits, and whoever comes.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopped = true;
            foreach (var receiver in _receivers.Values)
            {
                while (receiver.Waiting.TryDequeue(out var waiter))
                {
                    waiter.Entry.TrySetResult(default);
                }
            }
        }
    }

    private Receiver Find(string client, string authority)
    {
        if (_receivers.TryGetValue((client, authority), out var known))
        {
            return known;
        }

        ForgetIdle();
        if (!_authorities.TryGetValue(authority, out var at))
        {
            _authorities[authority] = at = new ReceiverAuthority(authority);
        }

        at.Receivers++;
        return _receivers[(client, authority)] = new Receiver(at);
    }

    private void MakeReady(Receiver receiver)
    {
        if (!receiver.IsReady && receiver.Waiting.Count > 0 && receiver.Running < receiver.Allowed)
        {
            receiver.IsReady = true;
            _ready[(int)receiver.Standing].Enqueue(receiver);
        }
    }

    private void Begin()
    {
        while (!_running.IsFull(Limits.MaxConcurrent) && NextReady() is { } receiver)
        {
            if (!receiver.Authority.Running.HasPlace(receiver.Standing, Limits.MaxConcurrentPerReceiver))
            {
                // Until somebody leaves the authority.
                receiver.Authority.Blocked.Enqueue(receiver);
                continue;
            }

            receiver.IsReady = false;
            DropLate(receiver, time.GetUtcNow());
            if (receiver.Running < receiver.Allowed && receiver.Waiting.TryDequeue(out var waiter))
            {
                receiver.Running++;
                receiver.Authority.Running.Begin(receiver.Standing);
                _running.Begin(receiver.Standing);
                waiter.Entry.TrySetResult(new(new ReceiverPlace(receiver, receiver.Standing, time.GetTimestamp())));
            }

            MakeReady(receiver);
        }
    }

    private Receiver? NextReady()
    {
        // In turn, or those that come first would leave nothing to the others while they are many.
        _turn = (_turn + 1) % _ready.Length;
        for (var i = 0; i < _ready.Length; i++)
        {
            var standing = (ReceiverStanding)((_turn + i) % _ready.Length);

            // One whose standing has changed while it stood here is taken all the same: it goes to the right queue next time.
            if (_running.HasPlace(standing, Limits.MaxConcurrent) && _ready[(int)standing].TryDequeue(out var receiver))
            {
                return receiver;
            }
        }

        return null;
    }

    // They came in the order of their times, or nearly so.
    private static void DropLate(Receiver receiver, DateTimeOffset now)
    {
        while (receiver.Waiting.TryPeek(out var waiter) && waiter.Until <= now)
        {
            receiver.Waiting.Dequeue().Entry.TrySetResult(new(null, receiver.SendAway(now)));
        }
    }

    // Not those that something is going on with; and a receiver that is met anew begins at one.
    private void ForgetIdle()
    {
        if (_receivers.Count < MostKnown)
        {
            return;
        }

        foreach (var (key, idle) in _receivers.Where(known => known.Value is { Running: 0, Waiting.Count: 0, IsReady: false }).ToList())
        {
            _receivers.Remove(key);
            if (--idle.Authority.Receivers == 0)
            {
                _authorities.Remove(idle.Authority.Name);
            }
        }
    }
}
