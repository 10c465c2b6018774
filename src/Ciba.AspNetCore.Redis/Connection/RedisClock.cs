using System.Diagnostics.Metrics;
using System.Globalization;
using Ciba.AspNetCore.Redis.Store;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>
/// The clock of Redis, which the lifetimes, intervals, leases and the outbox run on, so that nodes whose own clocks differ agree. Every
/// master of a cluster has one. What is measured is how far this node's clock is off; each step adds that to the node's time.
/// </summary>
internal sealed partial class RedisClock : ICibaStoreProbe, IDisposable
{
    /// <summary>How far the clocks may be apart before somebody is told.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(5);

    private const int Tries = 3;
    private const int Remembered = 8;

    private static readonly TimeSpan MeasureEvery = TimeSpan.FromMinutes(1);

    private readonly RedisTimeSource _source;
    private readonly RedisMultiplexer _multiplexer;
    private readonly TimeProvider _time;
    private readonly ILogger<RedisClock> _logger;

    private readonly Lock _gate = new();

    // The times that were in force lately, the newest first; null while nothing is known of the shard's master.
    private readonly RedisTime[]?[] _times = new RedisTime[RedisKeys.Shards][];

    private Task? _measuring;
    private ITimer? _measures;
    private bool _again;
    private bool _isApart;

    public RedisClock(RedisTimeSource source, RedisMultiplexer multiplexer, TimeProvider time, IMeterFactory meters, ILogger<RedisClock> logger)
    {
        (_source, _multiplexer, _time, _logger) = (source, multiplexer, time, logger);
        meters.Create("Ciba.AspNetCore").CreateObservableGauge("ciba.store.clock_offset", Ahead, "s", "How far the clock of this node is ahead of the clock of Redis.");
        _multiplexer.TopologyChanged += OnTopologyChanged;
    }

    /// <summary>The time of the master that has a shard.</summary>
    /// <exception cref="CibaStoreUnavailableException">It was never measured, and cannot be now.</exception>
    public async ValueTask<RedisTime> OfAsync(char shard) => (await LatelyAsync(shard))[0];

    /// <summary>The time of what belongs to no shard: every node takes that of the same one, wherever the key lies.</summary>
    /// <exception cref="CibaStoreUnavailableException">It was never measured, and cannot be now.</exception>
    public ValueTask<RedisTime> SharedAsync() => OfAsync(RedisKeys.ShardNames[0]);

    /// <summary>The times that were in force lately, the newest first: an instant that was written by one of them is known by it.</summary>
    /// <exception cref="CibaStoreUnavailableException">It was never measured, and cannot be now.</exception>
    public ValueTask<RedisTime[]> LatelyAsync(char shard) => Known(shard) is { } known ? new(known) : FirstAsync(shard);

    /// <summary>Measures all masters now, and again every minute from then on. Callers at one time share a measurement.</summary>
    /// <exception cref="CibaStoreUnavailableException">One of them did not answer.</exception>
    public Task MeasureAsync()
    {
        lock (_gate)
        {
            _measures ??= _time.CreateTimer(_ => _ = MeasureQuietlyAsync(), null, MeasureEvery, MeasureEvery);
            return _measuring is { IsCompleted: false } ? _measuring : _measuring = MeasureAllAsync();
        }
    }

    /// <inheritdoc/>
    public ValueTask<string?> FindProblemAsync(CancellationToken cancellationToken) => new(Farthest() is { } offset && IsApart(offset) ? Problem(offset) : null);

    public void Dispose()
    {
        _multiplexer.TopologyChanged -= OnTopologyChanged;
        _measures?.Dispose();
    }

    private async ValueTask<RedisTime[]> FirstAsync(char shard)
    {
        try
        {
            await MeasureAsync();
        }
        catch (CibaStoreUnavailableException) when (Known(shard) is not null)
        {
            // Another master than this shard's did not answer.
        }

        return Known(shard) ?? throw new CibaStoreUnavailableException("The time of Redis is not known.");
    }

    private RedisTime[]? Known(char shard) => Volatile.Read(ref _times[CibaRequestId.ShardNumber(shard)]);

    private void OnTopologyChanged()
    {
        lock (_gate)
        {
            // What is under way may have asked the old master.
            _again = _measuring is { IsCompleted: false };
        }

        _ = MeasureQuietlyAsync();
    }

    private async Task MeasureQuietlyAsync()
    {
        try
        {
            await MeasureAsync();
        }
        catch (Exception exception)
        {
            NotMeasured(exception);
        }
    }

    private async Task MeasureAllAsync()
    {
        // Off the lock.
        await Task.Yield();
        do
        {
            _again = false;
            var masters = await _source.MastersAsync();
            await Task.WhenAll(masters.Select(MeasureAsync));
        }
        while (_again);

        Judge();
    }

    // The quickest of a few answers tells the time best; half of its way is taken off.
    private async Task MeasureAsync(char[] shards)
    {
        var (offset, error) = (TimeSpan.Zero, TimeSpan.MaxValue);
        for (var i = 0; i < Tries; i++)
        {
            // In this order: what the clock is moved between the two makes the answer slower, and not the offset larger.
            var (began, sentAt) = (_time.GetTimestamp(), _time.GetUtcNow());
            var now = await _source.NowAsync(shards[0]);
            var half = _time.GetElapsedTime(began) / 2;
            if (half < error)
            {
                (offset, error) = (now - (sentAt + half), half);
            }
        }

        foreach (var shard in shards)
        {
            Note(shard, offset, error);
        }
    }

    private void Note(char shard, TimeSpan offset, TimeSpan error)
    {
        var known = Known(shard);

        // What a measurement cannot tell apart stays as it was, so that instants do not tremble.
        if (known is null || (known[0].Offset - offset).Duration() > error)
        {
            Volatile.Write(ref _times[CibaRequestId.ShardNumber(shard)], [new RedisTime(offset), .. (known ?? []).Take(Remembered - 1)]);
        }
    }

    private void Judge()
    {
        var offset = Farthest() ?? TimeSpan.Zero;
        var isApart = IsApart(offset);
        if (isApart != _isApart)
        {
            _isApart = isApart;
            if (isApart)
            {
                Apart(Problem(offset));
            }
            else
            {
                Together(Environment.MachineName);
            }
        }
    }

    private IEnumerable<Measurement<double>> Ahead() => Farthest() is { } offset ? [new(-offset.TotalSeconds)] : [];

    private TimeSpan? Farthest() => _times.OfType<RedisTime[]>().Select(known => (TimeSpan?)known[0].Offset).MaxBy(offset => offset!.Value.Duration());

    private static bool IsApart(TimeSpan offset) => offset.Duration() > Tolerance;

    private static string Problem(TimeSpan offset) => string.Create(
        CultureInfo.InvariantCulture,
        $"The clock of node {Environment.MachineName} is {offset.Duration().TotalSeconds:0.0} s {(offset < TimeSpan.Zero ? "ahead of" : "behind")} the clock of Redis. Requests are timed by Redis; tokens and JWTs are dated by the node: synchronize the clocks.");

    [LoggerMessage(1, LogLevel.Warning, "{Problem}")]
    private partial void Apart(string problem);

    [LoggerMessage(2, LogLevel.Information, "The clock of node {Node} agrees with the clock of Redis again")]
    private partial void Together(string node);

    [LoggerMessage(3, LogLevel.Debug, "The time of Redis could not be measured")]
    private partial void NotMeasured(Exception exception);
}
