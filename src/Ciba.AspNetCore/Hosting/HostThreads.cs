namespace Ciba.AspNetCore.Hosting;

/// <summary>
/// Runs code that may block: the host's classes, or calls of the operating system that cannot be cancelled. It has threads of its
/// own, created when they are needed, up to a bound, and ended when they are idle, so that a blocked call never takes a thread
/// of the pool from the requests. Continuations run here too, because code may block after an <c>await</c> as well.
/// </summary>
internal sealed class HostThreads(string name, int maxCount) : TaskScheduler
{
    private static readonly TimeSpan IdleLifetime = TimeSpan.FromSeconds(10);

    // Whose thread this is.
    [ThreadStatic]
    private static HostThreads? _current;

    private readonly object _gate = new();
    private readonly Queue<Task> _queue = new();
    private int _count;
    private int _idle;

    public override int MaximumConcurrencyLevel => maxCount;

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

            if (_count == maxCount)
            {
                return;
            }

            _count++;
        }

        new Thread(Work) { IsBackground = true, Name = name }.UnsafeStart();
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

            return _queue.Dequeue();
        }
    }
}
