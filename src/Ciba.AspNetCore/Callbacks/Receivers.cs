using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>
/// Who may send a callback now, so that a slow or dead receiver never delays the callbacks of others. There is a bound on all,
/// and one for each receiver, which begins at one, grows with quick answers and falls with slow ones and failures. Receivers
/// that are not known yet share half of the places at most, and those that failed last a quarter.
/// </summary>
internal sealed class Receivers(IOptions<CibaOptions> options, TimeProvider time)
{
    public const int MostWaiting = 1_000;

    private const int MostKnown = 10_000;

    private static readonly TimeSpan Quick = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Receiver> _receivers = new(StringComparer.Ordinal);

    // Receivers that have something waiting and may begin it, by their standing; each in one queue at most, once.
    private readonly Queue<Receiver>[] _ready = [new(), new(), new()];
    private readonly int[] _running = new int[3];

    private int _turn;
    private bool _stopped;

    private CibaCallbackOptions Limits => options.Value.Callbacks;

    /// <summary>
    /// Waits for a place, which must be left again. Null where too many wait for this receiver already, where the time to begin
    /// is over, and where the host stops.
    /// </summary>
    public Task<ReceiverPlace?> EnterAsync(string name, DateTimeOffset until)
    {
        lock (_gate)
        {
            if (!_receivers.TryGetValue(name, out var receiver))
            {
                ForgetIdle();
                _receivers[name] = receiver = new Receiver(name);
            }

            if (_stopped || receiver.Waiting.Count >= MostWaiting)
            {
                return Task.FromResult<ReceiverPlace?>(null);
            }

            var waiter = new ReceiverWaiter(until);
            receiver.Waiting.Enqueue(waiter);
            MakeReady(receiver);
            Begin();
            return waiter.Place.Task;
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
            _running[(int)place.CountedAs]--;
            if (answered is false)
            {
                (receiver.Standing, receiver.Allowed) = (ReceiverStanding.Failing, 1);
            }
            else if (answered is true)
            {
                var isQuick = time.GetElapsedTime(place.BegunAt) <= Quick;
                receiver.Standing = ReceiverStanding.Proven;
                receiver.Allowed = isQuick ? Math.Min(receiver.Allowed * 2, Limits.MaxConcurrentPerReceiver) : Math.Max(1, receiver.Allowed / 2);
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
                DropLate(receiver, DateTimeOffset.MaxValue);
            }
        }
    }

    private int Most(ReceiverStanding standing) => standing switch
    {
        ReceiverStanding.Proven => Limits.MaxConcurrent,
        ReceiverStanding.Unknown => Math.Max(1, Limits.MaxConcurrent / 2),
        _ => Math.Max(1, Limits.MaxConcurrent / 4),
    };

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
        while (_running.Sum() < Limits.MaxConcurrent && NextReady() is { } receiver)
        {
            receiver.IsReady = false;
            DropLate(receiver, time.GetUtcNow());
            if (receiver.Running < receiver.Allowed && receiver.Waiting.TryDequeue(out var waiter))
            {
                receiver.Running++;
                _running[(int)receiver.Standing]++;
                waiter.Place.TrySetResult(new ReceiverPlace(receiver, receiver.Standing, time.GetTimestamp()));
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
            if (_running[(int)standing] < Most(standing) && _ready[(int)standing].TryDequeue(out var receiver))
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
            receiver.Waiting.Dequeue().Place.TrySetResult(null);
        }
    }

    // Not those that something is going on with; and a receiver that is met anew begins at one.
    private void ForgetIdle()
    {
        if (_receivers.Count < MostKnown)
        {
            return;
        }

        foreach (var idle in _receivers.Values.Where(receiver => receiver is { Running: 0, Waiting.Count: 0, IsReady: false }).ToList())
        {
            _receivers.Remove(idle.Name);
        }
    }
}
