using Ciba.AspNetCore.Redis.Store;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>A Redis that refuses a step for a reason that is soon over: the step is repeated within its time.</summary>
public sealed class PassingRefusalTests
{
    private readonly string _prefix = RedisNode.NewPrefix();

    private static DateTimeOffset Now => DateTimeOffset.UtcNow;

    [SetUp]
    public void NeedRedis() => RedisServers.NeedReal();

    [Test]
    public async Task A_step_on_a_slot_that_is_moving_is_taken_when_it_has_moved()
    {
        await using var cluster = await RedisCluster.StartAsync();
        await using var node = RedisNode.On(string.Join(',', cluster.Nodes.Select(one => one.Endpoint)), _prefix, TimeProvider.System);
        await node.Store.AddedAsync(Now);
        var request = Requests.New(Now);
        var slot = await cluster.Nodes[0].AskAsync("CLUSTER", "KEYSLOT", new RedisKeys(_prefix).Request(request.Id)!);
        var owner = await FirstAsync(cluster.Nodes, async one => (await one.AskAsync("CLUSTER", "COUNTKEYSINSLOT", slot)) != "0");
        var target = cluster.Nodes.First(one => one != owner);
        await owner.AskAsync("CLUSTER", "SETSLOT", slot, "MIGRATING", await target.AskAsync("CLUSTER", "MYID"));

        var adding = node.Store.AddAsync(request, new CibaRequestLimits(10, 10), CancellationToken.None).AsTask();
        await RefusedAsync(owner, "TRYAGAIN", adding);
        await owner.AskAsync("CLUSTER", "SETSLOT", slot, "STABLE");

        Assert.That((await adding.WaitAsync(RedisHosts.Bound)).Status, Is.EqualTo(CibaAddStatus.Added));
        Assert.That((await node.Store.ListPendingAsync(Requests.Alice, Now, CancellationToken.None)).Count, Is.EqualTo(2));
    }

    [TestCase("BUSY"), TestCase("READONLY"), TestCase("MASTERDOWN"), TestCase("CLUSTERDOWN")]
    public async Task A_step_is_repeated_until_the_reason_is_gone(string code)
    {
        await using var server = await RealRedisServer.StartAsync(code == "CLUSTERDOWN" ? ["--cluster-enabled", "yes"] : ["--busy-reply-threshold", "1", "--replica-serve-stale-data", "no"]);
        if (code == "CLUSTERDOWN")
        {
            await server.AskAsync("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
            await RedisHosts.UntilAsync(async () => (await server.AskAsync("CLUSTER", "INFO")).Contains("cluster_state:ok", StringComparison.Ordinal));
        }

        await using var node = RedisNode.On(server.Endpoint, _prefix, TimeProvider.System);
        var request = await node.Store.AddedAsync(Now);
        var script = Task.CompletedTask;
        switch (code)
        {
            case "BUSY":
                script = server.AskAsync("EVAL", "while true do end", "0");
                break;

            case "CLUSTERDOWN":
                await server.AskAsync("CLUSTER", "DELSLOTSRANGE", "0", "16383");
                break;

            default:
                await server.AskAsync("CONFIG", "SET", "replica-serve-stale-data", code == "READONLY" ? "yes" : "no");
                await server.AskAsync("REPLICAOF", "127.0.0.1", "1");
                break;
        }

        var reading = node.Store.GetAsync(request.Id, request.Subject, Now, CancellationToken.None).AsTask();
        var adding = node.Store.AddAsync(Requests.New(Now), default, CancellationToken.None).AsTask();
        if (code != "BUSY")
        {
            await RefusedAsync(server, code, adding);
        }

        switch (code)
        {
            case "BUSY":
                await RedisHosts.UntilAsync(() => KilledAsync(server));
                Assert.That(() => script, Throws.InvalidOperationException);
                break;

            case "CLUSTERDOWN":
                await server.AskAsync("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
                break;

            default:
                await server.AskAsync("REPLICAOF", "NO", "ONE");
                break;
        }

        Assert.That((await adding.WaitAsync(RedisHosts.Bound)).Status, Is.EqualTo(CibaAddStatus.Added));
        Assert.That((await reading.WaitAsync(RedisHosts.Bound))?.Status, Is.EqualTo(CibaRequestStatus.Pending));
    }

    [Test]
    public async Task A_step_that_is_refused_all_the_time_is_given_up_when_its_time_is_over()
    {
        await using var server = await RealRedisServer.StartAsync("--cluster-enabled", "yes");
        await using var node = RedisNode.On(server.Endpoint, _prefix, TimeProvider.System, options => options.OperationTimeout = TimeSpan.FromSeconds(1));

        Assert.That(
            () => node.Store.AddAsync(Requests.New(Now), default, CancellationToken.None).AsTask().WaitAsync(RedisHosts.Bound),
            Throws.TypeOf<CibaStoreUnavailableException>().With.Message.Contains("CLUSTERDOWN"));
    }

    private static async Task RefusedAsync(RedisServer server, string code, Task step) =>
        await RedisHosts.UntilAsync(async () => step.IsCompleted || (await server.AskAsync("INFO", "errorstats")).Contains($"errorstat_{code}:", StringComparison.Ordinal));

    private static async Task<bool> KilledAsync(RedisServer server)
    {
        try
        {
            return await server.AskAsync("SCRIPT", "KILL") == "OK";
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static async Task<RealRedisServer> FirstAsync(IEnumerable<RealRedisServer> servers, Func<RealRedisServer, Task<bool>> condition)
    {
        foreach (var server in servers)
        {
            if (await condition(server))
            {
                return server;
            }
        }

        throw new InvalidOperationException("None of the servers has it.");
    }
}
