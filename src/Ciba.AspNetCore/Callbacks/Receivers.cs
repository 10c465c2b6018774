using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>
/// Who may send a callback now, so that a slow or dead receiver never delays the callbacks of others: a bound on all, and one
/// for each receiver, which begins low, grows with every answer and falls to one at a failure. Receivers that failed last
/// share half of the places at most.
/// </summary>
internal sealed class Receivers(IOptions<CibaOptions> options)
{
    private const int MaxQueued = 10_000;
    private const int MaxKnown = 10_000;
    private const int FirstAllowed = 2;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Receiver> _receivers = new(StringComparer.Ordinal);

    // Receivers that have something waiting and may begin it, each in one queue at most, once.
    private readonly Queue<Receiver> _ready = new();
    private readonly Queue<Receiver> _readyFailing = new();

    private int _running;
    private int _runningFailing;
    private int _queued;
    private bool _stopped;

    private int Most => options.Value.Callbacks.MaxConcurrent;

    private int MostFailing => Math.Max(1, Most / 2);

    /// <summary>Waits for a place; false where too many wait already, or the host stops. With true, <see cref="Leave"/> must follow.</summary>
    public Task<bool> EnterAsync(string name)
    {
        lock (_gate)
        {
            if (_stopped || _queued >= MaxQueued)
            {
                return Task.FromResult(false);
            }

            if (!_receivers.TryGetValue(name, out var receiver))
            {
                Forget();
                _receivers[name] = receiver = new Receiver(name) { Allowed = Math.Min(FirstAllowed, options.Value.Callbacks.MaxConcurrentPerReceiver) };
            }

            var place = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            receiver.Waiting.Enqueue(place);
            _queued++;
            MakeReady(receiver);
            Begin();
            return place.Task;
        }
    }

    /// <summary>Frees the place.</summary>
    /// <param name="name">The receiver.</param>
    /// <param name="answered">Whether the receiver answered, whatever it said.</param>
    public void Leave(string name, bool answered)
    {
        lock (_gate)
        {
            var receiver = _receivers[name];
            _running--;
            receiver.Running--;
            if (receiver.RunningAsFailing > 0)
            {
                receiver.RunningAsFailing--;
                _runningFailing--;
            }

            receiver.IsFailing = !answered;
            receiver.Allowed = answered ? Math.Min(receiver.Allowed * 2, options.Value.Callbacks.MaxConcurrentPerReceiver) : 1;
            MakeReady(receiver);
            Begin();
        }
    }

    /// <summary>Sends away who waits, and whoever comes.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopped = true;
            foreach (var place in _receivers.Values.SelectMany(receiver => receiver.Waiting))
            {
                place.TrySetResult(false);
            }

            _ready.Clear();
            _readyFailing.Clear();
        }
    }

    private void MakeReady(Receiver receiver)
    {
        if (!_stopped && !receiver.IsReady && receiver.Waiting.Count > 0 && receiver.Running < receiver.Allowed)
        {
            receiver.IsReady = true;
            (receiver.IsFailing ? _readyFailing : _ready).Enqueue(receiver);
        }
    }

    private void Begin()
    {
        while (_running < Most)
        {
            if (_ready.TryDequeue(out var receiver))
            {
                receiver.IsReady = false;
                if (receiver.IsFailing)
                {
                    MakeReady(receiver); // It failed while it stood here.
                    continue;
                }
            }
            else if (_runningFailing < MostFailing && _readyFailing.TryDequeue(out receiver))
            {
                receiver.IsReady = false;
                _runningFailing++;
                receiver.RunningAsFailing++;
            }
            else
            {
                return;
            }

            _running++;
            _queued--;
            receiver.Running++;
            receiver.Waiting.Dequeue().TrySetResult(true);
            MakeReady(receiver);
        }
    }

    // Not those that something is going on with; and a receiver that is met anew begins low.
    private void Forget()
    {
        if (_receivers.Count < MaxKnown)
        {
            return;
        }

        foreach (var idle in _receivers.Values.Where(receiver => receiver.Running == 0 && receiver.Waiting.Count == 0).ToList())
        {
            _receivers.Remove(idle.Name);
        }
    }

    private sealed class Receiver(string name)
    {
        public string Name { get; } = name;

        public Queue<TaskCompletionSource<bool>> Waiting { get; } = new();

        public int Allowed { get; set; }

        public int Running { get; set; }

        public int RunningAsFailing { get; set; }

        public bool IsFailing { get; set; }

        public bool IsReady { get; set; }
    }
}
