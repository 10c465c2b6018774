using Ciba.AspNetCore.Redis.Store;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>
/// Wakes the polls of this node that wait for a decision and the devices that wait for news of their user, which may have come
/// on any node. Messages are hints: one that is lost costs a wait of <see cref="CibaRedisOptions.LookAgainAfter"/> and nothing else.
/// </summary>
internal sealed partial class DecisionSignals : IDisposable
{
    private readonly RedisMultiplexer _multiplexer;
    private readonly RedisConnection _connection;
    private readonly RedisChannel _channel;
    private readonly IOptions<CibaRedisOptions> _options;
    private readonly TimeProvider _time;
    private readonly ILogger<DecisionSignals> _logger;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Waiters> _waiting = new(StringComparer.Ordinal);

    private readonly Action<RedisChannel, RedisValue> _heard;

    private Task<bool>? _subscribing;
    private bool _saidNotListening;

    public DecisionSignals(RedisMultiplexer multiplexer, RedisConnection connection, RedisKeys keys, IOptions<CibaRedisOptions> options, TimeProvider time, ILogger<DecisionSignals> logger)
    {
        _multiplexer = multiplexer;
        _connection = connection;
        _channel = keys.Changes;
        _options = options;
        _time = time;
        _logger = logger;
        _heard = (_, names) => WakeEach(names!);
        _multiplexer.Restored += OnRestored;
    }

    /// <summary>How many polls and devices wait.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Values.Sum(waiters => waiters.Count);
            }
        }
    }

    /// <summary>Says on every node that something changed for those who wait under one of these names: a handle, a user's digest.</summary>
    public void CallOut(params ReadOnlySpan<string> names)
    {
        var message = string.Join(' ', names);
        WakeEach(message);
        _connection.Publish(_channel, message);
    }

    public async Task WaitAsync(string name, CancellationToken cancellationToken)
    {
        var waiters = Join(name);
        try
        {
            _ = SubscribeAsync();

            // Polls that were woken together are not to look together for ever.
            var patience = _options.Value.LookAgainAfter * (1 - (Random.Shared.NextDouble() / 5));
            await waiters.Decided.Task.WaitAsync(patience, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            Leave(name, waiters);
        }
    }

    /// <summary>Listens to what the other nodes call out; false where that failed, and then the next call tries again.</summary>
    public Task<bool> SubscribeAsync()
    {
        if (Volatile.Read(ref _subscribing) is { IsCompleted: true, Result: true } listening)
        {
            return listening;
        }

        lock (_gate)
        {
            return _subscribing is null or { IsCompleted: true, Result: false } ? _subscribing = ListenAsync() : _subscribing;
        }
    }

    /// <summary>Listens no longer: a multiplexer of the host's own lives on.</summary>
    public void Dispose()
    {
        _multiplexer.Restored -= OnRestored;
        try
        {
            _multiplexer.Current?.GetSubscriber().Unsubscribe(_channel, _heard, CommandFlags.FireAndForget);
        }
        catch (Exception)
        {
            // There is nobody to listen to, and a host that ends is not to fail over it.
        }
    }

    private async Task<bool> ListenAsync()
    {
        await Task.Yield();
        try
        {
            var subscriber = (await _multiplexer.GetAsync()).GetSubscriber();
            await subscriber.SubscribeAsync(_channel, _heard);
            _saidNotListening = false;
            return true;
        }
        catch (Exception exception)
        {
            if (!_saidNotListening)
            {
                _saidNotListening = true;
                NotListening(exception);
            }

            return false;
        }
    }

    private Waiters Join(string id)
    {
        lock (_gate)
        {
            if (!_waiting.TryGetValue(id, out var waiters))
            {
                _waiting[id] = waiters = new Waiters();
            }

            waiters.Count++;
            return waiters;
        }
    }

    private void Leave(string id, Waiters waiters)
    {
        lock (_gate)
        {
            if (--waiters.Count == 0 && _waiting.TryGetValue(id, out var known) && known == waiters)
            {
                _waiting.Remove(id);
            }
        }
    }

    private void WakeEach(string names)
    {
        foreach (var name in names.Split(' '))
        {
            Wake(name);
        }
    }

    private void Wake(string id)
    {
        Waiters? waiters;
        lock (_gate)
        {
            _waiting.Remove(id, out waiters);
        }

        waiters?.Decided.TrySetResult();
    }

    // What was called out while a connection was gone is missed: whoever waits looks as soon as looking is possible.
    private void OnRestored(ConnectionType connection) => WakeAll();

    private void WakeAll()
    {
        Waiters[] all;
        lock (_gate)
        {
            all = [.. _waiting.Values];
            _waiting.Clear();
        }

        foreach (var waiters in all)
        {
            waiters.Decided.TrySetResult();
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Decisions of other nodes cannot be listened to: waiting polls look for themselves")]
    private partial void NotListening(Exception exception);

    private sealed class Waiters
    {
        public TaskCompletionSource Decided { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Count { get; set; }
    }
}
