using Ciba.AspNetCore.Redis.Store;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>Asks Redis what time it is.</summary>
internal class RedisTimeSource(RedisMultiplexer multiplexer, RedisConnection connection, RedisKeys keys)
{
    /// <summary>The shards, those of one master together.</summary>
    public virtual async Task<IReadOnlyList<char[]>> MastersAsync()
    {
        var cluster = RedisMultiplexer.ClusterOf(multiplexer.Current ?? await multiplexer.GetAsync());
        return [.. RedisKeys.ShardNames.GroupBy(shard => cluster?.GetBySlot(keys.Outbox(shard))?.EndPoint).Select(shards => shards.ToArray())];
    }

    /// <summary>The time of the master that has this shard, asked on the way that the steps go.</summary>
    /// <exception cref="CibaStoreUnavailableException">It did not answer.</exception>
    public virtual async Task<DateTimeOffset> NowAsync(char shard)
    {
        var time = (long[])(await connection.RunAsync(RedisScript.Time, [keys.Outbox(shard)], []))!;
        return DateTimeOffset.UnixEpoch.AddSeconds(time[0]).AddMicroseconds(time[1]);
    }
}
