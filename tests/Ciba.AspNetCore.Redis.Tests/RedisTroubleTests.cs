using Ciba.AspNetCore.Redis.Connection;
using Ciba.AspNetCore.Redis.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>A Redis that answers, and does not do what it is asked for.</summary>
public sealed class RedisTroubleTests
{
    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _time = new();

    private DateTimeOffset Now => _time.GetUtcNow();

    [SetUp]
    public void NeedRedis() => RedisServers.NeedReal();

    [Test]
    public async Task A_Redis_that_is_full_takes_no_request_that_could_not_be_redeemed()
    {
        await using var server = await RealRedisServer.StartAsync();
        await using var node = RedisNode.On(server.Endpoint, _prefix, _time);
        await node.Store.AddedAsync(Now);
        await server.AskAsync("CONFIG", "SET", "maxmemory", "1");

        var refused = Requests.New(Now);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => node.Store.AddAsync(refused, default, CancellationToken.None).AsTask(), Throws.TypeOf<CibaStoreUnavailableException>().With.Message.EqualTo("Redis refused a step: OOM command not allowed when used memory > 'maxmemory'."));
            Assert.That(await node.Store.GetAsync(refused.Id, refused.Subject, Now, CancellationToken.None), Is.Null);
            Assert.That(await node.Store.ListPendingAsync(Requests.Alice, Now, CancellationToken.None), Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task The_health_check_sees_that_nothing_can_be_written()
    {
        await using var server = await RealRedisServer.StartAsync();
        await using var node = RedisNode.On(server.Endpoint, _prefix, _time, add: services => services.AddHealthChecks().AddCibaHealthChecks());
        var health = node.Get<HealthCheckService>();

        var before = await health.CheckHealthAsync();
        await server.AskAsync("CONFIG", "SET", "min-replicas-to-write", "1");
        var after = await health.CheckHealthAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before.Status, Is.EqualTo(HealthStatus.Healthy));
            Assert.That(after.Status, Is.EqualTo(HealthStatus.Unhealthy));
            Assert.That(after.Entries["ciba"].Description, Is.EqualTo("Redis refused a step: NOREPLICAS Not enough good replicas to write."));
        }
    }

    [Test, Spec("A10")]
    public async Task An_outage_uses_up_no_tries_of_the_user_and_gives_none()
    {
        await using var server = await RealRedisServer.StartAsync();
        await using var node = RedisNode.On(server.Endpoint, _prefix, _time);
        var (tries, none) = (node.UserCodes, CancellationToken.None);
        var window = TimeSpan.FromMinutes(15);
        await tries.TryBeginAsync("alice", $"{Guid.NewGuid()}", 2, window, none);
        await tries.TryBeginAsync("bob", $"{Guid.NewGuid()}", 1, window, none);

        server.Pause();
        var lost = Enumerable.Range(0, 5).SelectMany(_ => new[] { tries.TryBeginAsync("alice", $"{Guid.NewGuid()}", 2, window, none).AsTask(), tries.TryBeginAsync("bob", $"{Guid.NewGuid()}", 1, window, none).AsTask() }).ToArray();
        _time.Advance(TimeSpan.FromSeconds(20));
        foreach (var call in lost)
        {
            Assert.That(() => call, Throws.TypeOf<CibaStoreUnavailableException>());
        }

        server.Resume();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await tries.TryBeginAsync("alice", $"{Guid.NewGuid()}", 2, window, none), Is.True);
            Assert.That(await tries.TryBeginAsync("alice", $"{Guid.NewGuid()}", 2, window, none), Is.False);
            Assert.That(await tries.TryBeginAsync("bob", $"{Guid.NewGuid()}", 1, window, none), Is.False);
        }
    }

    [Test, Spec("T8"), Spec("T12")]
    public async Task A_redemption_of_which_nobody_heard_gives_the_approval_back_to_the_next_poll()
    {
        await using var server = await RealRedisServer.StartAsync();
        await using var node = RedisNode.On(server.Endpoint, _prefix, _time);
        var request = await node.Store.AddedAsync(Now);
        await node.Store.ApproveAsync(request, Now);
        var first = await node.Store.PollAsync(request, Now);

        server.Pause();
        var completion = node.Store.CompleteAsync(request.Id, first.Lease!, CancellationToken.None).AsTask();
        _time.Advance(TimeSpan.FromSeconds(20));
        Assert.That(() => completion, Throws.TypeOf<CibaStoreUnavailableException>());
        server.Resume();
        var second = await node.Store.PollAsync(request, Now);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(second.Status, Is.EqualTo(CibaPollStatus.Approved));
            Assert.That(await node.Store.CompleteAsync(request.Id, first.Lease!, CancellationToken.None), Is.False);
            Assert.That(await node.Store.CompleteAsync(request.Id, second.Lease!, CancellationToken.None), Is.True);
        }
    }

    [Test]
    public async Task A_provider_that_is_gone_listens_no_longer_on_the_hosts_connection()
    {
        var server = RedisServers.Get(RedisServers.RealKind);
        var channel = new RedisKeys(_prefix).Changes.ToString();
        var node = RedisNode.On(server, 0, _prefix, _time).Listening();
        var listening = await server.AskAsync("PUBSUB", "NUMSUB", channel);

        await node.DisposeAsync();

        // Behind the farewell on the same connection.
        await (await RedisNode.SharedAsync(server, 0)).GetSubscriber().PingAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(listening, Is.EqualTo($"{channel}\n1"));
            Assert.That(await server.AskAsync("PUBSUB", "NUMSUB", channel), Is.EqualTo($"{channel}\n0"));
        }
    }

    [Test]
    public void Services_that_are_disposed_of_the_old_way_close_the_connection_too()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddCiba().AddRedisStore(RedisServers.Get(RedisServers.RealKind).Endpoint);
        var provider = services.BuildServiceProvider();
        var multiplexer = provider.GetRequiredService<RedisMultiplexer>();
        var connected = multiplexer.GetAsync().GetAwaiter().GetResult();

        provider.Dispose();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(connected.IsConnected, Is.False);
            Assert.That(multiplexer.Current, Is.Null);
        }
    }
}
