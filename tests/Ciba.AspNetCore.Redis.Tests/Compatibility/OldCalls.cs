using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Tests.Compatibility;

/// <summary>Compiled and never run: calls that StackExchange.Redis 1.2.6 has and later versions have or have not.</summary>
internal static class OldCalls
{
    public static object[] AreGone(IConnectionMultiplexer redis, ConnectionMultiplexer concrete, IDatabase database, IProfiler profiler)
    {
        concrete.BeginProfiling(redis);
        redis.Dispose();
        return [database.Multiplexer, RedisResult.Create(1), profiler.GetContext()];
    }

    public static async Task AreThereStill(ConfigurationOptions options, TextWriter log)
    {
        var redis = await ConnectionMultiplexer.ConnectAsync(options, log);
        redis.ConnectionFailed += (_, failed) => log.WriteLine(failed.FailureType);
        await redis.GetSubscriber().SubscribeAsync(new RedisChannel("c", RedisChannel.PatternMode.Literal), (channel, message) => log.WriteLine(channel + message));
        var answer = (RedisResult[])await redis.GetDatabase().ScriptEvaluateAsync("return {1}", ["k"], [RedisValue.Null]);
        await redis.GetDatabase().StringSetAsync("k", (byte[])answer[0], TimeSpan.FromSeconds(1), When.NotExists);
        ((IDisposable)redis).Dispose();
    }
}
