using Ciba.AspNetCore.Redis.Connection;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>The wrong user codes that all nodes have seen.</summary>
internal sealed class RedisUserCodeLimiter(RedisConnection redis, RedisKeys keys, TimeProvider time) : ICibaUserCodeLimiter
{
    private static readonly TimeSpan ClockDifference = TimeSpan.FromMinutes(1);

    public async ValueTask<bool> TryBeginAsync(string subject, int maxFailures, TimeSpan window, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return (bool)await redis.RunAsync(
            RedisScript.BeginTry,
            [keys.WrongCodes(subject)],
            [RedisTicks.Of(now), maxFailures, RedisTicks.Of(now + window), (long)(window + ClockDifference).TotalMilliseconds]);
    }

    public async ValueTask SucceededAsync(string subject, CancellationToken cancellationToken) =>
        await redis.RunAsync(RedisScript.TakeBackTry, [keys.WrongCodes(subject)], []);
}
