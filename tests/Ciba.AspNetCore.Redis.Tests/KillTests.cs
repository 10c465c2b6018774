namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>
/// What was acknowledged outlives any process, and nothing happens twice. An answer with tokens may be lost with the process
/// that was to send it: one that is sent twice would be worse.
/// </summary>
[NonParallelizable]
public sealed class KillTests
{
    private const int Kills = 3;

    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(10);

    [Test, NonParallelizable, Spec("T8"), Spec("T12"), Spec("U3")]
    public async Task A_node_that_is_killed_loses_and_doubles_nothing()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var redis = RedisServers.Get(RedisServers.Kinds.Last());

        // Redis lives, so nothing may be a 503, however slow this machine is.
        await using var pair = await NodesAsync(redis.Endpoint, "00:00:30");
        var load = new KillLoad(pair.All, (node, id, _) => node.AutomateAsync(id, "allow"), nodesDie: true, seed);

        var running = load.RunAsync();
        for (var kill = 1; kill <= Kills; kill++)
        {
            await load.AnsweredAsync(random.Next(200, 600));
            var victim = pair.All[random.Next(pair.All.Length)];
            await victim.KillAsync();
            await load.AnsweredAsync(random.Next(20, 100));

            // The last one stays dead, and the other one knows it all.
            if (kill < Kills)
            {
                await victim.RestartAsync();
            }
        }

        load.Stop();
        await running;
        await load.SettleAsync();

        Report(load, seed);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(load.Wrong, Is.Empty);
            Assert.That(load.CutOff, Is.Positive);
            Assert.That(load.Longest, Is.LessThan(LongestAnswer));
        }
    }

    [Test, NonParallelizable, Spec("T8"), Spec("T12"), Spec("U3")]
    public async Task A_Redis_that_is_killed_loses_and_doubles_nothing()
    {
        RedisServers.NeedReal();
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        await using var redis = await RealRedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        await using var pair = await NodesAsync($"{redis.Endpoint},abortConnect=false", "00:00:01");
        var load = new KillLoad(pair.All, (node, id, user) => node.AnswerAsync(id, user), nodesDie: false, seed);

        var running = load.RunAsync();
        for (var kill = 1; kill <= Kills; kill++)
        {
            await load.AnsweredAsync(random.Next(200, 600));
            await redis.RestartAsync();
        }

        await load.AnsweredAsync(100);
        load.Stop();
        await running;
        await load.SettleAsync();

        Report(load, seed);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(load.Wrong, Is.Empty);
            Assert.That(load.Refused, Is.Positive);
            Assert.That(load.Longest, Is.LessThan(LongestAnswer));
        }
    }

    private static async Task<NodePair> NodesAsync(string redis, string operationTimeout)
    {
        var prefix = RedisNode.NewPrefix();
        return new NodePair(await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => QuickstartProcess.StartAsync(redis, prefix, "--Ciba:RedemptionLease=00:00:02", $"--Ciba:RedisStore:OperationTimeout={operationTimeout}"))));
    }

    private static void Report(KillLoad load, int seed)
    {
        var requests = load.Requests;
        TestContext.Out.WriteLine(
            $"seed {seed}: {Kills} kills, {requests.Count} requests, {requests.Count(request => request.ApprovalAcknowledged)} approvals acknowledged, "
            + $"{requests.Sum(request => request.Tokens)} tokens, {requests.Count(request => request.LostPolls > 0)} requests with lost polls, "
            + $"{requests.Count(request => request.Tokens == 0)} token answers lost, {load.CutOff} calls cut off, {load.Refused} calls answered 503, longest answer {load.Longest.TotalMilliseconds:0} ms");
        foreach (var wrong in load.Wrong.Take(20))
        {
            TestContext.Out.WriteLine(wrong);
        }
    }

    private sealed class NodePair(QuickstartProcess[] nodes) : IAsyncDisposable
    {
        public QuickstartProcess[] All => nodes;

        public async ValueTask DisposeAsync()
        {
            foreach (var node in nodes)
            {
                await node.DisposeAsync();
            }
        }
    }
}
