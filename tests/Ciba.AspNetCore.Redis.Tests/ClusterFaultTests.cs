using Ciba.AspNetCore.Redis.Connection;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>A cluster that has lost a master and has no replica of it.</summary>
[NonParallelizable]
public sealed class ClusterFaultTests
{
    private readonly ManualTime _time = new();

    [Test]
    public async Task The_users_of_a_killed_master_wait_and_all_others_go_on()
    {
        RedisServers.NeedReal();
        await using var cluster = await RedisCluster.StartAsync(replicasOfEach: 0, "--cluster-require-full-coverage", "no", "--appendonly", "yes", "--appendfsync", "always");
        await using var node = RedisNode.On(string.Join(',', cluster.Nodes.Select(one => one.Endpoint)), RedisNode.NewPrefix(), _time, options => options.OperationTimeout = TimeSpan.FromSeconds(5));
        await cluster.ConnectedAsync(await node.Get<RedisMultiplexer>().GetAsync());
        var requests = await Task.WhenAll(Enumerable.Range(0, 60).Select(user => node.Store.AddedAsync(_time.GetUtcNow(), $"user {user}")));
        var lost = int.Parse(await cluster.Nodes[0].AskAsync("DBSIZE")) / 2;

        await cluster.Nodes[0].KillAsync();
        var during = await PollAllAsync(node, requests);
        _time.Advance(TimeSpan.FromSeconds(20));
        var after = await PollAllAsync(node, requests);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(lost, Is.InRange(1, 59));
            Assert.That(during.Count(status => status is null), Is.EqualTo(lost));
            Assert.That(during.OfType<CibaPollStatus>(), Is.All.EqualTo(CibaPollStatus.Pending));
            Assert.That(after, Is.EqualTo(during));
        }
    }

    // Null where the store cannot be reached.
    private Task<CibaPollStatus?[]> PollAllAsync(RedisNode node, CibaRequest[] requests) => Task.WhenAll(requests.Select(async request =>
    {
        try
        {
            return (CibaPollStatus?)(await node.Store.PollAsync(request, _time.GetUtcNow())).Status;
        }
        catch (CibaStoreUnavailableException)
        {
            return null;
        }
    }));
}
