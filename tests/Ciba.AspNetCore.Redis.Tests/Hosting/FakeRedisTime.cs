using Ciba.AspNetCore.Redis.Connection;
using Ciba.AspNetCore.Redis.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>A clock of Redis that a test moves by hand: that of the server cannot be moved.</summary>
internal sealed class FakeRedisTime(IServiceProvider services, TimeProvider? clock) : RedisTimeSource(
    services.GetRequiredService<RedisMultiplexer>(), services.GetRequiredService<RedisConnection>(), services.GetRequiredService<RedisKeys>())
{
    private readonly TimeProvider _clock = clock ?? services.GetRequiredService<TimeProvider>();

    /// <summary>Makes Redis have this time; null for that of the node itself, which is then as right as can be.</summary>
    public static void Use(IServiceCollection services, TimeProvider? clock = null) =>
        services.Replace(ServiceDescriptor.Singleton<RedisTimeSource>(provider => new FakeRedisTime(provider, clock)));

    public override Task<IReadOnlyList<char[]>> MastersAsync() => Task.FromResult<IReadOnlyList<char[]>>([[.. RedisKeys.ShardNames]]);

    public override Task<DateTimeOffset> NowAsync(char shard) => Task.FromResult(_clock.GetUtcNow());
}
