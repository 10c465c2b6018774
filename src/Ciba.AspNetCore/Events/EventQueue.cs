using System.Threading.Channels;
using Ciba.AspNetCore.Hosting;
using Ciba.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Events;

/// <summary>Carries events from where they happen to the host's listeners, so that nobody waits for a listener.</summary>
internal sealed partial class EventQueue : IHostedLifecycleService, IDisposable
{
    public const int Capacity = 10_000;

    /// <summary>How many calls of one listener may not have ended before it is called no more.</summary>
    public const int MaxUnfinished = 8;

    private static readonly TimeSpan LongestCall = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestBurst = TimeSpan.FromMinutes(1);

    private readonly EventListener[] _listeners;
    private readonly HostThreads _threads;
    private readonly TimeProvider _time;
    private readonly ILogger<EventQueue> _logger;
    private readonly Channel<CibaEvent> _queue = Channel.CreateBounded<CibaEvent>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly CancellationTokenSource _outOfTime = new();
    private readonly CancellationToken _outOfTimeToken;
    private Task _reading = Task.CompletedTask;
    private long _dropped;
    private long _droppingSince;

    public EventQueue(IEnumerable<ICibaEvents> listeners, TimeProvider time, ILogger<EventQueue> logger)
    {
        _listeners = [.. listeners.Select(listener => new EventListener(listener))];
        _threads = new("CIBA events", Math.Max(1, _listeners.Length) * MaxUnfinished * 2);
        _time = time;
        _logger = logger;
        _outOfTimeToken = _outOfTime.Token;
    }

    /// <summary>Whether there is any listener; without one an event need not even be made.</summary>
    public bool IsHeard => _listeners.Length > 0;

    /// <summary>Queues an event, or drops it where the queue is full. Never waits and never fails.</summary>
    public void Raise(CibaEvent occurrence)
    {
        if (IsHeard && !_queue.Writer.TryWrite(occurrence) && Interlocked.Increment(ref _dropped) == 1)
        {
            Volatile.Write(ref _droppingSince, _time.GetTimestamp());
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (IsHeard)
        {
            _reading = Task.Run(ReadAsync, CancellationToken.None);
        }

        return Task.CompletedTask;
    }

    /// <summary>Hands out what is still queued, within the host's time. Only now: whatever stopped before may have raised some more.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        await _reading.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_reading.IsCompleted)
        {
            await _outOfTime.CancelAsync();
            await _reading;
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // A host that is disposed of without having been stopped leaves the reading where it is.
    public void Dispose()
    {
        _queue.Writer.TryComplete();

        // The container knows this object under two names, and disposes of it twice.
        if (!_outOfTimeToken.IsCancellationRequested)
        {
            _outOfTime.Cancel();
        }

        _outOfTime.Dispose();
    }

    private async Task ReadAsync()
    {
        await foreach (var occurrence in _queue.Reader.ReadAllAsync(CancellationToken.None))
        {
            if (_outOfTimeToken.IsCancellationRequested)
            {
                NotHandedOut(_queue.Reader.Count + 1 + Interlocked.Read(ref _dropped));
                return;
            }

            foreach (var listener in _listeners)
            {
                await TellAsync(listener, occurrence);
            }

            TellDropped();
        }
    }

    private async Task TellAsync(EventListener listener, CibaEvent occurrence)
    {
        // One that never ends its calls would hold up the others for the longest call each time, and take a thread each time.
        if (listener.Unfinished >= MaxUnfinished)
        {
            if (listener.Missed++ == 0)
            {
                Stuck(listener.Name, MaxUnfinished);
            }

            return;
        }

        if (listener.Missed > 0)
        {
            Missed(listener.Name, listener.Missed);
            listener.Missed = 0;
        }

        using var tooLong = new CancellationTokenSource(LongestCall, _time);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(tooLong.Token, _outOfTimeToken);
        var token = over.Token;

        listener.Begin();
        Task call = _threads.RunAsync(() => CallAsync(listener, occurrence, token));
        await call.WaitAsync(token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (token.IsCancellationRequested)
        {
            LeftBehind(listener.Name, occurrence.Kind, Name(occurrence));
        }
    }

    /// <summary>Never fails, not even when it is left behind.</summary>
    private async Task<bool> CallAsync(EventListener listener, CibaEvent occurrence, CancellationToken cancellationToken)
    {
        try
        {
            await listener.Target.OnEventAsync(occurrence, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // It has ended as it was asked to, and whoever waited for it has said so.
        }
        catch (Exception exception)
        {
            Failed(listener.Name, occurrence.Kind, Name(occurrence), exception);
        }
        finally
        {
            listener.End();
        }

        return true;
    }

    /// <summary>A burst is over when the queue is empty again, or after a minute.</summary>
    private void TellDropped()
    {
        if (Volatile.Read(ref _dropped) > 0
            && (_queue.Reader.Count == 0 || _time.GetElapsedTime(Volatile.Read(ref _droppingSince)) >= LongestBurst))
        {
            Dropped(Interlocked.Exchange(ref _dropped, 0));
        }
    }

    private static string Name(CibaEvent occurrence) => occurrence.RequestId is { } id ? CibaLog.Short(id) : "none";

    [LoggerMessage(1, LogLevel.Warning, "{Listener} failed to hear of {Kind}, request {Request}")]
    private partial void Failed(string? listener, CibaEventKind kind, string request, Exception exception);

    [LoggerMessage(2, LogLevel.Warning, "{Listener} did not come to an end with {Kind}, request {Request}, in its time: it is left behind")]
    private partial void LeftBehind(string? listener, CibaEventKind kind, string request);

    [LoggerMessage(3, LogLevel.Warning, "{Count} events were dropped: they came faster than the listeners heard them")]
    private partial void Dropped(long count);

    [LoggerMessage(4, LogLevel.Warning, "{Count} events were not handed out before the host stopped")]
    private partial void NotHandedOut(long count);

    [LoggerMessage(5, LogLevel.Warning, "{Listener} has {Count} calls that have not ended; it receives no events until one of them ends")]
    private partial void Stuck(string? listener, int count);

    [LoggerMessage(6, LogLevel.Warning, "{Listener} missed {Count} events while its calls did not end")]
    private partial void Missed(string? listener, long count);

    private sealed class EventListener(ICibaEvents target)
    {
        private int _unfinished;

        public ICibaEvents Target => target;

        public string? Name => target.ToString();

        /// <summary>How many calls have not ended.</summary>
        public int Unfinished => Volatile.Read(ref _unfinished);

        /// <summary>How many events it was not told of since then.</summary>
        public long Missed { get; set; }

        public void Begin() => Interlocked.Increment(ref _unfinished);

        public void End() => Interlocked.Decrement(ref _unfinished);
    }
}
