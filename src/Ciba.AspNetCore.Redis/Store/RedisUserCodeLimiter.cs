using Ciba.AspNetCore.Redis.Connection;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>The wrong user codes that all nodes have seen.</summary>
internal sealed class RedisUserCodeLimiter(RedisConnection redis, RedisKeys keys, RedisClock clock, TimeProvider time) : ICibaUserCodeLimiter
{
    private static readonly TimeSpan ClockDifference = TimeSpan.FromMinutes(1);

    // Each try has a name, so that taking back one that was never counted takes back no other.
    public async ValueTask<bool> TryBeginAsync(string subject, int maxFailures, TimeSpan window, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var redisTime = await clock.SharedAsync();
        var attempt = Guid.NewGuid().ToString("N");
        return (bool)await redis.RunOrTakeBackAsync(
            RedisScript.BeginTry,
            [keys.WrongCodes(subject)],
            [redisTime.Ticks(now), maxFailures, redisTime.Ticks(now + window), (long)(window + ClockDifference).TotalMilliseconds, attempt],
            RedisScript.TakeBackTry,
            [attempt]);
    }

    public async ValueTask SucceededAsync(string subject, CancellationToken cancellationToken)
    {
        RedisValue[] anyOne = [""];
        await redis.RunOrTakeBackAsync(RedisScript.TakeBackTry, [keys.WrongCodes(subject)], anyOne, RedisScript.TakeBackTry, anyOne);
    }

    public async ValueTask<TimeSpan> GetRemainingTimeAsync(string subject, CancellationToken cancellationToken)
    {
        var ends = await redis.ReadAsync((database, flags) => database.HashGetAsync(keys.WrongCodes(subject), "ends", flags));
        var left = ends.IsNull ? TimeSpan.Zero : (await clock.SharedAsync()).Instant((long)ends) - time.GetUtcNow();
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
