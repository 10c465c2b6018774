using Ciba.AspNetCore.Redis.Connection;
using Ciba.AspNetCore.Redis.Store;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>A Redis that evicts keys before their time, though it was told not to be set up so.</summary>
public sealed class EvictionTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _time = new();

    private DateTimeOffset Now => _time.GetUtcNow();

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds)), Spec("U5")]
    public async Task Requests_that_are_gone_fill_no_limit_and_no_list(string kind)
    {
        var server = RedisServers.Get(kind);
        await using var node = RedisNode.On(server, 0, _prefix, _time);
        var limits = new CibaRequestLimits(2, 2) { PerClient = 3000 };
        foreach (var _ in new[] { 1, 2 })
        {
            var request = Requests.New(Now);
            await node.Store.AddAsync(request, limits, None);
            await server.AskAsync("DEL", new RedisKeys(_prefix).Request(request.Id)!);
        }

        var statuses = new List<CibaAddStatus>();
        for (var i = 0; i < 3; i++)
        {
            statuses.Add((await node.Store.AddAsync(Requests.New(Now), limits, None)).Status);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(statuses, Is.EqualTo(new[] { CibaAddStatus.Added, CibaAddStatus.Added, CibaAddStatus.LimitReached }));
            Assert.That(await node.Store.ListPendingAsync(Requests.Alice, Now, None), Has.Count.EqualTo(2));
            Assert.That(await server.AskAsync("ZCARD", new RedisKeys(_prefix).PendingOfShard(CibaRequestId.Shard(Requests.Alice))!), Is.EqualTo("3"), "two requests and their count");
        }
    }

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task A_list_forgets_what_is_gone(string kind)
    {
        var server = RedisServers.Get(kind);
        var keys = new RedisKeys(_prefix);
        await using var node = RedisNode.On(server, 0, _prefix, _time);
        var (gone, there) = (await node.Store.AddedAsync(Now), await node.Store.AddedAsync(Now));
        await server.AskAsync("DEL", keys.Request(gone.Id)!);

        var listed = await node.Store.ListPendingAsync(Requests.Alice, Now, None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(listed.Select(request => request.Id), Is.EqualTo(new[] { there.Id }));
            Assert.That(await server.AskAsync("ZCARD", keys.Pending(there.Id[0], RequestRecord.Digest(Requests.Alice))!), Is.EqualTo("1"));
        }
    }

    [Test]
    public async Task A_request_whose_list_is_gone_is_listed_again_when_its_client_polls()
    {
        RedisServers.NeedReal();
        await using var server = await RealRedisServer.StartAsync("--maxmemory-policy", "allkeys-lru");
        await using var node = RedisNode.On(server.Endpoint, _prefix, _time);
        var request = await node.Store.AddedAsync(Now);
        await node.Get<RedisEviction>().LookAsync();
        await server.AskAsync("DEL", new RedisKeys(_prefix).Pending(request.Id[0], RequestRecord.Digest(Requests.Alice))!);
        var before = await node.Store.ListPendingAsync(Requests.Alice, Now, None);

        await node.Store.PollAsync(request, Now);

        var after = await node.Store.ListPendingAsync(Requests.Alice, Now, None);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Is.Empty);
            Assert.That(after.Select(listed => listed.Id), Is.EqualTo(new[] { request.Id }));
            Assert.That((await server.AskAsync("KEYS", "*")).Split('\n').Select(key => server.AskAsync("PTTL", key).GetAwaiter().GetResult()), Has.None.EqualTo("-1"));
        }
    }

    [TestCase("allkeys-lru", true), TestCase("volatile-ttl", true), TestCase("noeviction", false)]
    public async Task A_policy_that_evicts_is_warned_of_at_the_start(string policy, bool isWarned)
    {
        RedisServers.NeedReal();
        await using var server = await RealRedisServer.StartAsync("--maxmemory-policy", policy);
        await using var host = RedisHosts.On(server.Endpoint, _prefix);

        await host.StartedAsync().WaitAsync(RedisHosts.Bound);

        Assert.That(
            host.Log.Ours.Where(line => line.Level == LogLevel.Warning && line.Text.Contains("maxmemory", StringComparison.Ordinal)).Select(line => line.Text.Trim()),
            Is.EqualTo(isWarned ? [$"Redis ({server.Endpoint}) evicts keys when it is full (maxmemory-policy {policy}), so that pending requests and approvals may be lost: set maxmemory-policy to noeviction"] : Array.Empty<string>()));
    }

    [Test]
    public async Task A_server_that_may_not_be_asked_is_not_warned_of()
    {
        RedisServers.NeedReal();
        await using var server = await RealRedisServer.StartAsync("--maxmemory-policy", "allkeys-lru");
        await server.AskAsync("ACL", "SETUSER", "node", "on", "nopass", "~*", "&*", "+@all", "-info", "-config");
        await using var host = RedisHosts.On($"{server.Endpoint},user=node,password=x", _prefix);

        await host.StartedAsync().WaitAsync(RedisHosts.Bound);

        Assert.That(host.Log.Ours.Where(line => line.Level >= LogLevel.Warning && line.Text.Contains("maxmemory", StringComparison.Ordinal)), Is.Empty);
    }
}
