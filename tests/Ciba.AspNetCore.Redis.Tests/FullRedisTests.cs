using System.Net;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>A Redis that is full takes nothing new, and whatever only moves what is there.</summary>
public sealed class FullRedisTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _time = new();

    private DateTimeOffset Now => _time.GetUtcNow();

    [SetUp]
    public void NeedRedis() => RedisServers.NeedReal();

    [Test, Spec("T2"), Spec("T3"), Spec("T7"), Spec("U3")]
    public async Task Requests_go_on_to_their_end()
    {
        await using var server = await RealRedisServer.StartAsync();
        await using var node = RedisNode.On(server.Endpoint, _prefix, _time);
        var (approved, denied, cancelled) = (await node.Store.AddedAsync(Now), await node.Store.AddedAsync(Now), await node.Store.AddedAsync(Now));
        await server.AskAsync("CONFIG", "SET", "maxmemory", "1");

        var statuses = new List<CibaPollStatus> { await PollAsync(approved), await PollAsync(approved) };
        var decided = await node.Store.ApproveAsync(approved, Now);
        var first = await node.Store.PollAsync(approved, Now);
        var released = await node.Store.ReleaseAsync(approved.Id, first.Lease!, None);
        var second = await node.Store.PollAsync(approved, Now);
        var completed = await node.Store.CompleteAsync(approved.Id, second.Lease!, None);
        var refused = await node.Store.DecideAsync(
            denied.Id, denied.Subject, new() { Outcome = CibaRequestStatus.Denied, DecidedAt = Now, Scopes = [], Quiet = new(denied.ClientKey, Now.AddMinutes(5)) }, Now, None);
        statuses.Add(await PollAsync(denied));
        var removed = await node.Store.RemoveAsync(cancelled.Id, cancelled.Subject, None);
        await server.AskAsync("CONFIG", "SET", "maxmemory", "0");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(statuses, Is.EqualTo(new[] { CibaPollStatus.Pending, CibaPollStatus.SlowDown, CibaPollStatus.Denied }));
            Assert.That((decided, refused), Is.EqualTo((CibaDecideResult.Done, CibaDecideResult.Done)));
            Assert.That((released, completed, removed), Is.EqualTo((true, true, true)));
            Assert.That((await node.Store.AddAsync(Requests.New(Now), default, None)).Status, Is.EqualTo(CibaAddStatus.Quiet));
            Assert.That((await server.AskAsync("KEYS", "*")).Split('\n').Select(key => server.AskAsync("PTTL", key).GetAwaiter().GetResult()), Has.None.EqualTo("-1"));
        }

        async Task<CibaPollStatus> PollAsync(CibaRequest request) => (await node.Store.PollAsync(request, Now)).Status;
    }

    [Test, Spec("T7"), Spec("U3")]
    public async Task Saying_no_with_a_cooldown_is_as_easy_as_saying_yes()
    {
        await using var server = await RealRedisServer.StartAsync();
        await using var host = RedisHosts.On(server.Endpoint, _prefix, options: options => options.DenialCooldown = TimeSpan.FromMinutes(5));
        var (approved, denied) = (await host.AuthorizedAsync(), await host.AuthorizedAsync());
        await server.AskAsync("CONFIG", "SET", "maxmemory", "1");

        var (yes, no) = (await host.AnswerAsync(approved, "approve"), await host.AnswerAsync(denied, "deny"));
        var (tokens, error) = (await host.PollAsync(approved), await host.PollAsync(denied));
        RedisHosts.IsUnavailable(await host.AuthorizeAsync(("login_hint", "bob")));
        await server.AskAsync("CONFIG", "SET", "maxmemory", "0");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((yes.Status, no.Status), Is.EqualTo((HttpStatusCode.NoContent, HttpStatusCode.NoContent)));
            Assert.That((tokens.Status, error.Error), Is.EqualTo((HttpStatusCode.OK, "access_denied")));
            Assert.That((await host.AuthorizeAsync()).Error, Is.EqualTo("access_denied"));
        }
    }

    [TestCase(true), TestCase(false), Spec("P1")]
    public async Task Callbacks_go_out(bool approve)
    {
        await using var server = await RealRedisServer.StartAsync();
        await using var node = RedisNode.On(server.Endpoint, _prefix, _time);
        var request = await node.Store.DueAddedAsync(Now, mode: CibaTokenDeliveryModes.Push);
        await server.AskAsync("CONFIG", "SET", "maxmemory", "1");

        var told = await node.Store.ClaimAsync(request, Now);
        var postponed = await node.Store.PostponeAsync(request.Id, Now + Requests.Hold, Now.AddMinutes(1), None);
        var decided = approve
            ? await node.Store.ApproveAsync(request, Now)
            : await node.Store.DecideAsync(request.Id, request.Subject, new() { Outcome = CibaRequestStatus.Denied, DecidedAt = Now, Scopes = [] }, Now, None);
        var claimed = await node.Store.ClaimDueAsync(Now);
        var settled = await node.Store.SettleAsync(request.Id, Now + Requests.Hold, approve ? CibaSettlement.TokensSent : CibaSettlement.Done, None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((told?.Status, postponed), Is.EqualTo(((CibaRequestStatus?)CibaRequestStatus.Pending, true)));
            Assert.That(decided, Is.EqualTo(CibaDecideResult.Done));
            Assert.That(claimed.Select(entry => entry.Status), Is.EqualTo(new[] { approve ? CibaRequestStatus.Approved : CibaRequestStatus.Denied }));
            Assert.That(settled, Is.True);
            Assert.That(await node.Store.ClaimDueAsync(Now.AddHours(1)), Is.Empty);
        }
    }
}
