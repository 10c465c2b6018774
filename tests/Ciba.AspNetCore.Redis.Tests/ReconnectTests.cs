using Ciba.AspNetCore.Redis.Connection;
using Ciba.AspNetCore.Redis.Store;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>What a connection that is lost and back costs those who wait.</summary>
[Spec("T10")]
public sealed class ReconnectTests
{
    private static readonly TimeSpan LongestJitter = TimeSpan.FromMilliseconds(500);

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _time = new();

    [Test]
    public async Task One_look_at_the_shards_of_the_server_finds_what_was_missed_and_wakes_nobody_else()
    {
        RedisServers.NeedReal();
        await using var cluster = await RedisCluster.StartAsync();
        await using var node = RedisNode.On(string.Join(',', cluster.Nodes.Select(one => one.Endpoint)), _prefix, _time, NoRegularLook);
        var connected = await node.Get<RedisMultiplexer>().GetAsync();
        await cluster.ConnectedAsync(connected);
        node.Listening();
        var requests = await Task.WhenAll(Enumerable.Range(0, 30).Select(user => node.Store.AddedAsync(_time.GetUtcNow(), $"user {user}")));
        var waits = requests.Select(request => node.Store.WaitForDecisionAsync(request.Id, CancellationToken.None)).ToArray();
        var listensTo = connected.GetSubscriber().SubscribedEndpoint(new RedisKeys(_prefix).Changes);
        var others = cluster.Nodes.Where(one => !$"{listensTo}".EndsWith($":{one.Port}", StringComparison.Ordinal)).ToArray();
        var (cut, untouched) = (others[0], others[1]);
        var keys = (await cut.AskAsync("KEYS", "*")).Split('\n');
        var missed = Array.FindIndex(requests, request => keys.Contains((string)new RedisKeys(_prefix).Request(request.Id)!));
        await cut.AskAsync("DEL", new RedisKeys(_prefix).Request(requests[missed].Id)!);

        await cut.AskAsync("CLIENT", "KILL", "TYPE", "normal");
        await RedisHosts.UntilAsync(() =>
        {
            _time.Advance(LongestJitter / 50);
            return Task.FromResult(waits[missed].IsCompleted);
        });

        using (Assert.EnterMultipleScope())
        {
            Assert.That(waits.Count(wait => wait.IsCompleted), Is.EqualTo(1));
            Assert.That(await LookedAtAsync(cut), Is.True);
            Assert.That(await LookedAtAsync(untouched), Is.False);
            Assert.That(keys.Count(key => key.Contains("}:r:")), Is.GreaterThan(1));
        }
    }

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task Whoever_missed_nothing_goes_on_waiting(string kind)
    {
        await RedisServers.Get(kind).LoadScriptsAsync();
        await using var network = new FaultProxy(RedisServers.Get(kind));
        await using var node = RedisNode.On(network.Endpoint, _prefix, _time, NoRegularLook).Listening();
        await using var other = RedisNode.On(RedisServers.Get(kind), 1, _prefix, _time);
        var (decided, pending) = (await other.Store.AddedAsync(_time.GetUtcNow()), await other.Store.AddedAsync(_time.GetUtcNow()));
        Task[] waits = [node.Store.WaitForDecisionAsync(decided.Id, CancellationToken.None), node.Store.WaitForDecisionAsync(pending.Id, CancellationToken.None)];
        network.Refuse();
        await other.Store.ApproveAsync(decided, _time.GetUtcNow());
        network.Requests.Clear();
        network.Resume();

        await RedisHosts.UntilAsync(() =>
        {
            _time.Advance(LongestJitter / 50);
            return Task.FromResult(waits[0].IsCompleted);
        });

        Assert.That(waits[1].IsCompleted, Is.False);
    }

    // A server knows the script from the first look on.
    private static async Task<bool> LookedAtAsync(RealRedisServer server) =>
        await server.AskAsync("SCRIPT", "EXISTS", Convert.ToHexStringLower(RedisScript.Look.Digest)) == "1";

    // The clock passes on while a connection comes back, for as long as that takes.
    private static void NoRegularLook(CibaRedisOptions options) => options.LookAgainAfter = TimeSpan.FromMinutes(5);
}
