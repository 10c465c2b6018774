using Ciba.AspNetCore.Redis.Connection;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>The used JWTs, each a key that lives a little longer than its JWT on the node with the slowest clock.</summary>
internal sealed class RedisReplayCache(RedisConnection redis, RedisKeys keys, TimeProvider time) : ICibaReplayCache
{
    private static readonly TimeSpan ClockDifference = TimeSpan.FromMinutes(1);

    public async ValueTask<bool> TryUseAsync(string key, DateTimeOffset expiresAt, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return expiresAt > now && (bool)await redis.RunAsync(
            RedisScript.UseJwt,
            [keys.UsedJwt(key)],
            [RedisTicks.Of(now), RedisTicks.Of(expiresAt), (long)(expiresAt - now + ClockDifference).TotalMilliseconds]);
    }
}
