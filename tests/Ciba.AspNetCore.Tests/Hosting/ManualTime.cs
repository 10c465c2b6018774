using System.Threading.Channels;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A clock that a test moves by hand, with the timers that hang on it.</summary>
public sealed class ManualTime : TimeProvider
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly Lock _gate = new();
    private readonly Channel<TimeSpan> _set = Channel.CreateUnbounded<TimeSpan>();
    private readonly List<ManualTimer> _timers = [];
    private DateTimeOffset _now = new(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
        {
            return _now;
        }
    }

    public override long GetTimestamp() => GetUtcNow().UtcTicks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the clock, and fires what falls due on the way, in its order.</summary>
    public void Advance(TimeSpan by)
    {
        var target = GetUtcNow() + by;
        while (true)
        {
            ManualTimer? next;
            lock (_gate)
            {
                next = _timers.Where(timer => timer.DueAt <= target).MinBy(timer => timer.DueAt);
                _now = next is null ? target : next.DueAt > _now ? next.DueAt : _now;
                if (next is null)
                {
                    return;
                }

                next.Reschedule();
            }

            next.Fire();
        }
    }

    /// <summary>How many timers wait to fire.</summary>
    public int Timers
    {
        get
        {
            lock (_gate)
            {
                return _timers.Count;
            }
        }
    }

    /// <summary>Waits until somebody has set a timer for this time ahead, or did so since the last call.</summary>
    public async Task TimerSetAsync(TimeSpan dueTime)
    {
        while (await _set.Reader.ReadAsync().AsTask().WaitAsync(Bound) != dueTime)
        {
        }
    }

    private sealed class ManualTimer(ManualTime time, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;

        public DateTimeOffset DueAt { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._gate)
            {
                _period = period;
                time._timers.Remove(this);
                if (dueTime != Timeout.InfiniteTimeSpan)
                {
                    DueAt = time._now + dueTime;
                    time._timers.Add(this);
                }
            }

            time._set.Writer.TryWrite(dueTime);
            return true;
        }

        public void Reschedule()
        {
            if (_period > TimeSpan.Zero)
            {
                DueAt += _period;
            }
            else
            {
                time._timers.Remove(this);
            }
        }

        public void Fire() => callback(state);

        public void Dispose()
        {
            lock (time._gate)
            {
                time._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
