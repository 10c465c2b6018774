using System.Net;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Redis may forget scripts, or never have seen them: a step is taken all the same, and once.</summary>
public sealed class ScriptTests
{
    private static readonly string[] Scripts = ["EVALSHA", "EVAL"];

    private readonly string _prefix = RedisNode.NewPrefix();

    public static IEnumerable<TestCaseData> Flushed() =>
        from kind in RedisServers.Kinds
        from flush in new[] { false, true }
        select new TestCaseData(kind, flush).SetArgDisplayNames(kind, flush ? "flushed between steps" : "left alone");

    [TestCaseSource(nameof(Flushed))]
    public async Task Every_step_works_and_is_sent_along_only_where_it_was_forgotten(string kind, bool flush)
    {
        // A server of its own, which has seen nothing: others would lose their scripts.
        await using var server = await RedisServers.StartAsync(kind);
        await using var proxy = new FaultProxy(server);
        var time = new ManualTime();
        var now = time.GetUtcNow();
        await using var node = RedisNode.On(proxy.Endpoint, _prefix, time);
        var none = CancellationToken.None;
        for (var round = 0; round < 2; round++)
        {
            string[] expected = flush || round == 0 ? ["EVALSHA", "EVAL"] : ["EVALSHA"];
            var request = Requests.New(now, $"user-{round}");
            var withdrawn = Requests.New(now, $"other-{round}");

            await StepAsync(async () => await node.Store.AddAsync(request, default, none), CibaAddResult.Added, expected);
            await StepAsync(async () => (await node.Store.PollAsync(request, now)).Status, CibaPollStatus.Pending, expected);
            await StepAsync(async () => await node.Store.ApproveAsync(request, now), CibaDecideResult.Done, expected);
            var lease = "";
            await StepAsync(async () => (lease = (await node.Store.PollAsync(request, now)).Lease!).Length, 22, flush ? expected : ["EVALSHA"]);
            await StepAsync(async () => await node.Store.CompleteAsync(request.Id, lease, none), true, [.. expected, "EVALSHA"]);
            await StepAsync(async () => await node.Store.AddAsync(withdrawn, default, none), CibaAddResult.Added, flush ? expected : ["EVALSHA"]);
            await StepAsync(async () => await node.Store.RemoveAsync(withdrawn.Id, withdrawn.Subject, none), true, expected);
            var due = Requests.Due(now, $"ping-{round}");
            await StepAsync(async () => await node.Store.AddAsync(due, default, none), CibaAddResult.Added, flush ? expected : ["EVALSHA"]);
            await StepAsync(async () => (await node.Store.ClaimAsync(due, now))?.Status, CibaRequestStatus.Pending, expected);
            await StepAsync(async () => await node.Store.SettleAsync(due.Id, now + Requests.Hold, CibaSettlement.Done, none), true, expected);
            await StepAsync(async () => await node.ReplayCache.TryUseAsync($"jti-{round}", $"{Guid.NewGuid()}", now.AddMinutes(1), none), true, expected);
            await StepAsync(async () => await node.ReplayCache.TryUseAsync($"jti-{round}", $"{Guid.NewGuid()}", now.AddMinutes(1), none), false, flush ? expected : ["EVALSHA"]);
            await StepAsync(async () => await node.UserCodes.TryBeginAsync("alice", $"{Guid.NewGuid()}", 5, TimeSpan.FromMinutes(1), none), true, expected);
        }

        async Task StepAsync<T>(Func<Task<T>> take, T result, string[] commands)
        {
            if (flush)
            {
                await server.AskAsync("SCRIPT", "FLUSH");
            }

            proxy.Requests.Clear();
            Assert.That(await take(), Is.EqualTo(result));
            Assert.That(proxy.Requests.Where(Scripts.Contains), Is.EqualTo(commands));
        }
    }

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task The_whole_way_over_HTTP_works_though_scripts_are_flushed_all_the_time(string kind)
    {
        await using var server = await RedisServers.StartAsync(kind);
        await using var host = RedisHosts.On(server.Endpoint, _prefix);
        await FlushAsync();
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        await FlushAsync();
        Assert.That((await host.PollAsync(authReqId)).Error, Is.EqualTo("authorization_pending"));
        await FlushAsync();
        Assert.That((await host.AnswerAsync(authReqId, "approve")).Status, Is.EqualTo(HttpStatusCode.NoContent));
        await FlushAsync();
        Assert.That((await host.PollAsync(authReqId)).Status, Is.EqualTo(HttpStatusCode.OK));
        await FlushAsync();
        Assert.That((await host.PollAsync(authReqId)).Error, Is.EqualTo("invalid_grant"));

        Task FlushAsync() => server.AskAsync("SCRIPT", "FLUSH");
    }

    [Test]
    public async Task A_step_whose_time_is_over_is_not_sent_along_behind_its_own_taking_back()
    {
        RedisServers.NeedReal();
        await using var server = await RealRedisServer.StartAsync();
        await using var proxy = new FaultProxy(server);
        await using var host = RedisHosts.On(proxy.Endpoint, _prefix, options: options => options.Limits.PendingPerUser = 1);
        await host.BackAsync();
        proxy.Requests.Clear();

        server.Pause();
        RedisHosts.IsUnavailable(await host.TimedOutAsync(() => host.AuthorizeAsync()));
        await RedisHosts.UntilAsync(() => Task.FromResult(proxy.Requests.Contains("EVAL")));
        server.Resume();
        await host.BackAsync();
        await host.BackAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(proxy.Requests.Where(Scripts.Contains), Is.EqualTo(Scripts));
            Assert.That(await host.PendingAsync(), Is.Empty);
            Assert.That((await RedisHosts.ServedAsync(() => host.AuthorizeAsync())).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test]
    public async Task What_a_paused_server_got_is_taken_back_when_it_goes_on()
    {
        RedisServers.NeedReal();
        await using var server = await RealRedisServer.StartAsync();
        await server.LoadScriptsAsync();
        await using var host = RedisHosts.On(server.Endpoint, _prefix, options: options => options.Limits.PendingPerUser = 1);
        var approved = await host.AuthorizedAsync(("login_hint", "bob"));
        await RedisHosts.ServedAsync(() => host.AnswerAsync(approved, "approve", "bob"));

        server.Pause();
        RedisHosts.IsUnavailable(await host.TimedOutAsync(() => host.AuthorizeAsync()));
        RedisHosts.IsUnavailable(await host.TimedOutAsync(() => host.PollAsync(approved)));
        server.Resume();
        await host.BackAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await host.PendingAsync(), Is.Empty);
            Assert.That((await host.PolledAsync(approved)).Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((await RedisHosts.ServedAsync(() => host.AuthorizeAsync())).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }
}
