using System.Text.RegularExpressions;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>Three masters that share all slots, and as many replicas of each as asked for.</summary>
public sealed partial class RedisCluster : IAsyncDisposable
{
    private const int Masters = 3;

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly List<RealRedisServer> _nodes = [];

    private RedisCluster()
    {
    }

    /// <summary>The masters first, in the order of their slots.</summary>
    public IReadOnlyList<RealRedisServer> Nodes => _nodes;

    public static async Task<RedisCluster> StartAsync(int replicasOfEach = 0, params string[] arguments)
    {
        // Where nobody could take over, nobody gives up a master that is only slow.
        var givenUpAfter = replicasOfEach > 0 ? "2000" : "60000";
        var cluster = new RedisCluster();
        try
        {
            for (var started = 0; started < Masters * (1 + replicasOfEach); started++)
            {
                cluster._nodes.Add(await RealRedisServer.StartAsync(["--cluster-enabled", "yes", "--cluster-node-timeout", givenUpAfter, .. arguments]));
            }

            await cluster.JoinAsync(replicasOfEach);
            await cluster.ReadyAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async Task<ConnectionMultiplexer> ConnectAsync(Action<ConfigurationOptions>? change = null)
    {
        var redis = await RedisServer.ConnectAsync(change, _nodes.Select(node => node.Endpoint));
        await ConnectedAsync(redis);
        return redis;
    }

    /// <summary>
    /// Waits until a connection leads to all nodes that run, and knows which slots are where: the client library waits for
    /// neither.
    /// </summary>
    public async Task ConnectedAsync(IConnectionMultiplexer redis)
    {
        await UntilAsync(() => Task.FromResult(redis.GetEndPoints().Count(endpoint => redis.GetServer(endpoint).IsConnected) >= Running.Count()));
        await Task.WhenAll(Enumerable.Range(0, 64).Select(slot =>
            Reconnecting.WorksAgainAsync(() => redis.GetDatabase().ScriptEvaluateAsync("return redis.call('EXISTS', KEYS[1])", [$"{{{slot}}}"], flags: CommandFlags.DemandMaster))));
    }

    private IEnumerable<RealRedisServer> Running => _nodes.Where(node => node.IsRunning);

    /// <summary>Waits until every node that runs takes the cluster for whole, and every one that is no master follows one.</summary>
    public Task ReadyAsync() => UntilAsync(async () =>
    {
        var states = await Task.WhenAll(Running.Select(node => node.AskAsync("CLUSTER", "INFO")));
        var roles = await Task.WhenAll(Running.Select(node => node.AskAsync("INFO", "replication")));
        return states.All(IsWhole) && roles.Count(role => role.Contains("master_link_status:up", StringComparison.Ordinal)) == roles.Length - Masters;
    });

    /// <summary>Waits until the replicas have what their masters have, which no answer to a client waits for.</summary>
    public Task ReplicatedAsync() => UntilAsync(async () =>
    {
        var roles = await Task.WhenAll(Running.Select(node => node.AskAsync("INFO", "replication")));
        return roles.All(role => Offsets().Matches(role).Select(offset => offset.Value).Distinct().Count() == 1);
    });

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }
    }

    private async Task JoinAsync(int replicasOfEach)
    {
        var join = new RedisProcess(
            "redis-cli",
            Path.GetTempPath(),
            ["--cluster", "create", .. _nodes.Select(node => node.Endpoint), "--cluster-replicas", $"{replicasOfEach}", "--cluster-yes"]);
        try
        {
            Assert.That(await join.EndedAsync().WaitAsync(Bound), Is.Zero, () => join.Output);
        }
        finally
        {
            await join.KillAsync();
        }
    }

    private bool IsWhole(string state) =>
        state.Contains("cluster_state:ok", StringComparison.Ordinal)
        && state.Contains("cluster_slots_ok:16384", StringComparison.Ordinal)
        && state.Contains($"cluster_known_nodes:{_nodes.Count}", StringComparison.Ordinal);

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var bound = new CancellationTokenSource(Bound);
        while (!await condition())
        {
            await Task.Delay(Pause, bound.Token);
        }
    }

    // A master's own offset, and that which each of its replicas has told.
    [GeneratedRegex(@"(?<=^master_repl_offset:|,offset=)\d+", RegexOptions.Multiline)]
    private static partial Regex Offsets();
}
