using Ciba.AspNetCore.Redis.Connection;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>The wrong user codes that all nodes have seen.</summary>
internal sealed class RedisUserCodeLimiter(RedisConnection redis, RedisKeys keys, RedisClock clock, TimeProvider time) : ICibaUserCodeLimiter
{
    private static readonly TimeSpan ClockDifference = TimeSpan.FromMinutes(1);

    public async ValueTask<bool> TryBeginAsync(string subject, string attempt, int maxFailures, TimeSpan window, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var redisTime = await clock.SharedAsync();
        return (bool)await redis.RunUntilKnownAsync(
            RedisScript.BeginTry,
            [keys.WrongCodes(subject)],
            [redisTime.Ticks(now), maxFailures, redisTime.Ticks(now + window), (long)(window + ClockDifference).TotalMilliseconds, attempt],
            RedisScript.TakeBackTry,
            [attempt]);
    }

    public async ValueTask SucceededAsync(string subject, string attempt, CancellationToken cancellationToken)
    {
        RedisKey[] codes = [keys.WrongCodes(subject)];
        try
        {
            await redis.RunUntilKnownAsync(RedisScript.TakeBackTry, codes, [attempt]);
        }
        catch (CibaStoreUnavailableException)
        {
            // Whether it was taken or not: a right code is not to stay counted.
            redis.RunLater(RedisScript.TakeBackTry, codes, [attempt]);
            throw;
        }
    }

    public async ValueTask<TimeSpan> GetRemainingTimeAsync(string subject, CancellationToken cancellationToken)
    {
        var ends = await redis.ReadAsync((database, flags) => database.HashGetAsync(keys.WrongCodes(subject), "ends", flags));
        var left = ends.IsNull ? TimeSpan.Zero : (await clock.SharedAsync()).Instant((long)ends) - time.GetUtcNow();
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
