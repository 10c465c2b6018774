using Ciba.AspNetCore.Redis.Connection;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>
/// The used JWTs. Their times are those of who issues them, and judged by each node's own clock, so each is a key that lives as long as
/// a node may take the JWT.
/// </summary>
internal sealed class RedisReplayCache(RedisConnection redis, RedisKeys keys, RedisClock clock, TimeProvider time) : ICibaReplayCache
{
    // How far the clock of another node may be behind that of Redis.
    private static readonly TimeSpan Behind = TimeSpan.FromMinutes(5);

    public async ValueTask<bool> TryUseAsync(string key, string use, DateTimeOffset expiresAt, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (expiresAt <= now)
        {
            return false;
        }

        // This node, if it is ahead, sees the JWT expire sooner than those that are not.
        var ahead = -(await clock.SharedAsync()).Offset;
        var life = expiresAt - now + (ahead > TimeSpan.Zero ? ahead : TimeSpan.Zero) + Behind;
        return (bool)await redis.RunUntilKnownAsync(
            RedisScript.UseJwt, [keys.UsedJwt(key)], [RedisTicks.Of(now), RedisTicks.Of(expiresAt), (long)life.TotalMilliseconds, use], RedisScript.GiveBackJwt, [use]);
    }

    // Nobody waits for it: what the client sends next on this node comes behind it.
    public ValueTask GiveBackAsync(string key, string use, CancellationToken cancellationToken)
    {
        redis.RunLater(RedisScript.GiveBackJwt, [keys.UsedJwt(key)], [use]);
        return ValueTask.CompletedTask;
    }
}
