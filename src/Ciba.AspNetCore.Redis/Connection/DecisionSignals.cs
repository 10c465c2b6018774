using System.Net;
using Ciba.AspNetCore.Redis.Store;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>
/// Wakes the polls of this node that wait for a decision and the devices that wait for news of their user, which may have come
/// on any node. Messages are hints: what a lost one was about is found by a look at each shard that somebody waits in, every
/// <see cref="CibaRedisOptions.LookAgainAfter"/>, however many wait there.
/// </summary>
internal sealed partial class DecisionSignals : IDisposable
{
    private readonly RedisMultiplexer _multiplexer;
    private readonly RedisConnection _connection;
    private readonly RedisClock _clock;
    private readonly RedisKeys _keys;
    private readonly IOptions<CibaRedisOptions> _options;
    private readonly TimeProvider _time;
    private readonly ILogger<DecisionSignals> _logger;

    // A node that has lost its connection was not the only one.
    private static readonly TimeSpan LongestJitter = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private readonly ShardWaiters[] _shards = [.. Enumerable.Range(0, RedisKeys.Shards).Select(_ => new ShardWaiters())];
    private readonly Action<RedisChannel, RedisValue> _heard;

    // The shards that are looked at soon.
    private readonly bool[] _isDue = new bool[RedisKeys.Shards];

    private ITimer? _looks;
    private EndPoint? _listensTo;
    private bool _mayHaveMissed;
    private Task<bool>? _subscribing;
    private bool _saidNotListening;

    public DecisionSignals(RedisMultiplexer multiplexer, RedisConnection connection, RedisClock clock, RedisKeys keys, IOptions<CibaRedisOptions> options, TimeProvider time, ILogger<DecisionSignals> logger)
    {
        _multiplexer = multiplexer;
        _connection = connection;
        _clock = clock;
        _keys = keys;
        _options = options;
        _time = time;
        _logger = logger;
        _heard = (_, names) => WakeEach(names!);
        _multiplexer.Failed += OnFailed;
        _multiplexer.Restored += OnRestored;
    }

    /// <summary>How many polls and devices wait.</summary>
    public int Count => _shards.Sum(shard => shard.Count);

    /// <summary>The last look for those who wait.</summary>
    public Task LastLook { get; private set; } = Task.CompletedTask;

    /// <summary>Says on every node that something changed for those who wait under one of these names: a handle, a user's.</summary>
    public void CallOut(params ReadOnlySpan<string> names)
    {
        var message = string.Join(' ', names);
        WakeEach(message);
        _connection.Publish(_keys.Changes, message);
    }

    /// <summary>The name under which the devices of a user wait: the shard in front, as in a handle, and another length.</summary>
    public static string NameOf(char shard, ReadOnlySpan<byte> user) => string.Concat([shard], Base64Url.EncodeToString(user));

    /// <summary>Waits until the request is pending no longer.</summary>
    public Task WaitForDecisionAsync(string id, CancellationToken cancellationToken) =>
        CibaRequestId.IsId(id) ? WaitAsync(id, _keys.Request(id), isUser: false, cancellationToken) : Task.CompletedTask;

    /// <summary>Waits until something is pending for the user that was not, or the other way round.</summary>
    public Task WaitForChangeAsync(char shard, byte[] user, CancellationToken cancellationToken) =>
        WaitAsync(NameOf(shard, user), _keys.Pending(shard, user), isUser: true, cancellationToken);

    private async Task WaitAsync(string name, RedisKey key, bool isUser, CancellationToken cancellationToken)
    {
        var shard = _shards[CibaRequestId.ShardNumber(name[0])];
        var waiters = shard.Join(name, key, isUser);
        try
        {
            _ = SubscribeAsync();
            LookRegularly();
            await waiters.Changed.Task.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            shard.Leave(name, waiters);
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
        _multiplexer.Failed -= OnFailed;
        _multiplexer.Restored -= OnRestored;
        _looks?.Dispose();
        try
        {
            _multiplexer.Current?.GetSubscriber().Unsubscribe(_keys.Changes, _heard, CommandFlags.FireAndForget);
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
            await subscriber.SubscribeAsync(_keys.Changes, _heard);
            _listensTo = subscriber.SubscribedEndpoint(_keys.Changes);
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

    private void LookRegularly()
    {
        if (Volatile.Read(ref _looks) is null)
        {
            lock (_gate)
            {
                var every = _options.Value.LookAgainAfter;
                _looks ??= _time.CreateTimer(_ => Look(), null, every, every);
            }
        }
    }

    private void Look()
    {
        // One that takes long is not overtaken by the next.
        if (LastLook.IsCompleted)
        {
            LastLook = Task.WhenAll(_shards.SelectMany((shard, number) => shard.Looks().Select(look => LookAsync(RedisKeys.ShardNames[number], look))));
        }
    }

    private async Task LookAsync(char shard, ShardLook look)
    {
        try
        {
            var redisTime = await _clock.OfAsync(shard);
            look.Found((RedisResult[])(await _connection.RunAsync(RedisScript.Look, look.Keys, [look.Requests, redisTime.Ticks(_time.GetUtcNow())]))!);
        }
        catch (CibaStoreUnavailableException)
        {
            // Whoever waits goes on waiting: the next look finds it.
        }
    }

    private void WakeEach(string names)
    {
        foreach (var name in names.Split(' '))
        {
            if (name.Length > 0)
            {
                _shards[CibaRequestId.ShardNumber(name[0])].Wake(name);
            }
        }
    }

    // The server that calls out to this node, or nobody knows which one does: what is called out meanwhile is missed.
    private void OnFailed(EndPoint? server) => _mayHaveMissed |= _listensTo is not { } listensTo || listensTo.Equals(server);

    // Of the shards that were out of reach, or of all of which something may have been missed, one look finds what has changed.
    private void OnRestored(EndPoint? server)
    {
        var all = _mayHaveMissed;
        _mayHaveMissed = false;
        _listensTo = _multiplexer.Current?.GetSubscriber().SubscribedEndpoint(_keys.Changes) ?? _listensTo;
        for (var number = 0; number < _shards.Length; number++)
        {
            if (_shards[number].Count > 0 && (all || _multiplexer.MayBeMasterOf(server, _keys.Outbox(RedisKeys.ShardNames[number]))))
            {
                _ = LookSoonAsync(number);
            }
        }
    }

    private async Task LookSoonAsync(int number)
    {
        lock (_gate)
        {
            if (_isDue[number])
            {
                return;
            }

            _isDue[number] = true;
        }

        await Task.Delay(LongestJitter * Random.Shared.NextDouble(), _time);
        Volatile.Write(ref _isDue[number], false);
        await Task.WhenAll(_shards[number].Looks().Select(look => LookAsync(RedisKeys.ShardNames[number], look)));
    }

    [LoggerMessage(1, LogLevel.Warning, "Decisions of other nodes cannot be listened to: this node looks for them by itself")]
    private partial void NotListening(Exception exception);
}
