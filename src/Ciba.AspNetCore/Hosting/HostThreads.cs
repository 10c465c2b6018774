namespace Ciba.AspNetCore.Hosting;

/// <summary>
/// Runs code that may block: the host's classes, or calls of the operating system that cannot be cancelled. It has threads of its
/// own, up to a bound, so that a blocked call never takes a thread of the pool from the requests. A few serve what does not block;
/// more are created while tasks wait, and end when they are idle. Continuations run here too, because code may block after an
/// <c>await</c> as well.
/// </summary>
internal sealed class HostThreads : TaskScheduler
{
    private static readonly TimeSpan IdleLifetime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan GrowEvery = TimeSpan.FromMilliseconds(10);
    private static readonly int FirstThreads = Math.Max(8, Environment.ProcessorCount * 4);

    // Whose thread this is.
    [ThreadStatic]
    private static HostThreads? _current;

    private readonly string _name;
    private readonly int _maxCount;
    private readonly object _gate = new();
    private readonly Queue<Task> _queue = new();

    // Of the machine, whatever the clock of the host is: it measures whether threads are blocked.
    private readonly ITimer _growth;

    private int _count;
    private int _idle;
    private bool _isGrowing;
    private long _taken;
    private long _takenBefore;

    public HostThreads(string name, int maxCount)
    {
        (_name, _maxCount) = (name, maxCount);
        _growth = TimeProvider.System.CreateTimer(static self => ((HostThreads)self!).Grow(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public override int MaximumConcurrencyLevel => _maxCount;

    public Task<T> RunAsync<T>(Func<Task<T>> call) =>
        Task.Factory.StartNew(call, CancellationToken.None, TaskCreationOptions.DenyChildAttach, this).Unwrap();

    public Task<T> RunAsync<T>(Func<T> call) =>
        Task.Factory.StartNew(call, CancellationToken.None, TaskCreationOptions.DenyChildAttach, this);

    protected override void QueueTask(Task task)
    {
        lock (_gate)
        {
            _queue.Enqueue(task);
            if (_idle >= _queue.Count)
            {
                Monitor.Pulse(_gate);
                return;
            }

            if (_count >= Math.Min(FirstThreads, _maxCount))
            {
                GrowLater();
                return;
            }

            _count++;
        }

        Start(1);
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        _current == this && !taskWasPreviouslyQueued && TryExecuteTask(task);

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_gate)
        {
            return [.. _queue];
        }
    }

    private void GrowLater()
    {
        if (!_isGrowing && _count < _maxCount)
        {
            (_isGrowing, _takenBefore) = (true, _taken);
            _growth.Change(GrowEvery, Timeout.InfiniteTimeSpan);
        }
    }

    private void Grow()
    {
        int added;
        lock (_gate)
        {
            // Twice as many if all are blocked, one more if they are only slow.
            added = Math.Min(_taken == _takenBefore ? _count : 1, Math.Min(_queue.Count - _idle, _maxCount - _count));
            added = Math.Max(0, added);
            _count += added;
            _isGrowing = false;
            if (_queue.Count > 0)
            {
                GrowLater();
            }
        }

        Start(added);
    }

    private void Start(int count)
    {
        for (; count > 0; count--)
        {
            new Thread(Work) { IsBackground = true, Name = _name }.UnsafeStart();
        }
    }

    private void Work()
    {
        _current = this;
        while (Take() is { } task)
        {
            TryExecuteTask(task);
        }
    }

    private Task? Take()
    {
        lock (_gate)
        {
            while (_queue.Count == 0)
            {
                _idle++;
                var isWoken = Monitor.Wait(_gate, IdleLifetime);
                _idle--;
                if (!isWoken && _queue.Count == 0)
                {
                    _count--;
                    return null;
                }
            }

            _taken++;
            return _queue.Dequeue();
        }
    }
}
