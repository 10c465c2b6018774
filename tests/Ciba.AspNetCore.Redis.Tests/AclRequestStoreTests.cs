using Ciba.AspNetCore.Tests;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>The contract of all stores, by a user of Redis who may do what the documentation lists and nothing else.</summary>
public sealed class AclRequestStoreTests : RequestStoreContract
{
    protected override ICibaRequestStore CreateStore(ManualTime time)
    {
        RedisServers.NeedReal();
        var prefix = RedisNode.NewPrefix();
        var server = RedisServers.Get(RedisServers.RealKind);
        var user = DocumentedUser.CreateAsync(server, prefix).GetAwaiter().GetResult();
        return new AlternatingStore(RedisNode.On($"{server.Endpoint},{user}", prefix, time).Listening());
    }
}
