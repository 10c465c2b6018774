using Ciba.AspNetCore.Tests;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>The contract of all stores, each step on another of two nodes.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class RedisRequestStoreTests(string kind) : RequestStoreContract
{
    protected override ICibaRequestStore CreateStore(ManualTime time)
    {
        var prefix = RedisNode.NewPrefix();
        return new AlternatingStore(RedisNode.On(RedisServers.Get(kind), 0, prefix, time).Listening(), RedisNode.On(RedisServers.Get(kind), 1, prefix, time).Listening());
    }
}
