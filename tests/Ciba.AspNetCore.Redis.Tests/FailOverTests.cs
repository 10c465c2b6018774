using System.Diagnostics;
using System.Net;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>The master dies and its replica takes over, by hand as an operator or a sentinel does it.</summary>
[NonParallelizable]
public sealed class FailOverTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly string _prefix = RedisNode.NewPrefix();

    [Test]
    public async Task Everything_that_was_replicated_is_there_on_the_new_master([Values] bool asked)
    {
        RedisServers.NeedReal();
        await using var master = await RealRedisServer.StartAsync();
        await using var replica = await RealRedisServer.StartAsync("--replicaof", "127.0.0.1", $"{master.Port}");
        await RedisHosts.UntilAsync(async () => (await replica.AskAsync("INFO", "replication")).Contains("master_link_status:up", StringComparison.Ordinal));
        await using var host = RedisHosts.On($"{master.Endpoint},{replica.Endpoint}", _prefix);
        var pending = await host.AuthorizedAsync();
        var approved = await host.AuthorizedAsync();
        var redeemed = await host.AuthorizedAsync();
        await host.AnsweredAsync(approved, "approve");
        await host.AnsweredAsync(redeemed, "approve");
        Assert.That((await host.PolledAsync(redeemed)).Status, Is.EqualTo(HttpStatusCode.OK));
        await ReplicatedAsync(master, replica);

        await master.KillAsync();
        if (asked)
        {
            // While there is no master, and while nobody has said which server is the next one.
            for (var i = 0; i < 20; i++)
            {
                RedisHosts.IsUnavailable(await host.AuthorizeAsync().WaitAsync(Bound));
                RedisHosts.IsUnavailable(await host.PollAsync(approved).WaitAsync(Bound));
                RedisHosts.IsUnavailable(await host.AnswerAsync(pending, "approve").WaitAsync(Bound));
            }
        }

        await replica.AskAsync("REPLICAOF", "NO", "ONE");
        var promoted = Stopwatch.StartNew();
        await WritesAgainAsync(host);
        TestContext.Out.WriteLine($"Writes again {promoted.ElapsedMilliseconds} ms after the replica was promoted");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await host.PolledAsync(pending)).Error, Is.EqualTo("authorization_pending"));
            Assert.That((await host.PolledAsync(approved)).Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((await host.PolledAsync(approved)).Error, Is.EqualTo("invalid_grant"));
            Assert.That((await host.PolledAsync(redeemed)).Error, Is.EqualTo("invalid_grant"));
            Assert.That((await RedisHosts.ServedAsync(() => host.AnswerAsync(pending, "approve"))).Status, Is.EqualTo(HttpStatusCode.NoContent));
            Assert.That((await host.PolledAsync(pending)).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test]
    public async Task A_master_that_became_a_replica_refuses_steps_and_the_new_one_is_found()
    {
        RedisServers.NeedReal();
        await using var first = await RealRedisServer.StartAsync();
        await using var second = await RealRedisServer.StartAsync("--replicaof", "127.0.0.1", $"{first.Port}");
        await RedisHosts.UntilAsync(async () => (await second.AskAsync("INFO", "replication")).Contains("master_link_status:up", StringComparison.Ordinal));
        await using var host = RedisHosts.On($"{first.Endpoint},{second.Endpoint}", _prefix);
        var approved = await host.AuthorizedAsync();
        await host.AnsweredAsync(approved, "approve");
        await ReplicatedAsync(first, second);

        await second.AskAsync("REPLICAOF", "NO", "ONE");
        await first.AskAsync("REPLICAOF", "127.0.0.1", $"{second.Port}");
        var swapped = Stopwatch.StartNew();
        await WritesAgainAsync(host);
        TestContext.Out.WriteLine($"Writes again {swapped.ElapsedMilliseconds} ms after the two were swapped");

        Assert.That((await host.PolledAsync(approved)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_replica_that_never_got_a_request_is_not_believed_that_there_is_none()
    {
        RedisServers.NeedReal();
        await using var master = await RealRedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        await using var replica = await RealRedisServer.StartAsync("--replicaof", "127.0.0.1", $"{FreePort.Next()}");
        await using var host = RedisHosts.On($"{master.Endpoint},{replica.Endpoint}", _prefix);
        var pending = await host.AuthorizedAsync();
        var approved = await host.AuthorizedAsync();
        await host.AnsweredAsync(approved, "approve");

        await master.KillAsync();
        Answer[] answers =
        [
            await host.PollAsync(pending).WaitAsync(Bound),
            await host.PollAsync(approved).WaitAsync(Bound),
            await host.AnswerAsync(pending, "deny").WaitAsync(Bound),
            await host.DeviceAsync(HttpMethod.Get, "/requests", "alice").WaitAsync(Bound),
            await host.DeviceAsync(HttpMethod.Get, $"/requests/{RedisHosts.Handle(pending)}", "alice").WaitAsync(Bound),
        ];
        await master.RestartAsync();
        await WritesAgainAsync(host);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That((await host.PolledAsync(pending)).Error, Is.EqualTo("authorization_pending"));
            Assert.That((await host.PolledAsync(approved)).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    // A request of a user whom nothing else asks: 503 and nothing else until it is taken.
    private static Task WritesAgainAsync(CibaHost host) => RedisHosts.UntilAsync(async () =>
    {
        var call = host.AuthorizeAsync(("login_hint", "bob"));
        await RedisHosts.UntilAsync(() =>
        {
            // What is refused is repeated by the host's clock.
            host.Time.Advance(TimeSpan.FromMilliseconds(50));
            return Task.FromResult(call.IsCompleted);
        });
        var answer = await call;
        if (answer.Status == HttpStatusCode.OK)
        {
            return true;
        }

        RedisHosts.IsUnavailable(answer);
        return false;
    });

    private static Task ReplicatedAsync(RealRedisServer master, RealRedisServer replica) => RedisHosts.UntilAsync(async () =>
        Offset(await master.AskAsync("INFO", "replication"), "master_repl_offset:") == Offset(await replica.AskAsync("INFO", "replication"), "slave_repl_offset:"));

    private static string Offset(string info, string name) => info.Split('\n').Single(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Trim();
}
