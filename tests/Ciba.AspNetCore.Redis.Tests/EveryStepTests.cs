namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>
/// The connection breaks between a command and its answer, at every command of every step in turn. A caller who is told so takes the
/// step again, as clients, devices and the outbox do, and it comes out as if it had been taken once.
/// </summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
[Spec("T8"), Spec("T12")]
public sealed class EveryStepTests(string kind)
{
    private const int MaxCommands = 10;

    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly CibaRequestLimits Limits = new(2, 2) { PerClient = 2, Notifications = new() { PerUser = 2, PerUserAndClient = 2, Window = TimeSpan.FromHours(1) } };

    // Long enough for what was left half-done to be put right, and shorter than any lease.
    private static readonly TimeSpan PutRight = TimeSpan.FromSeconds(3);

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _time = new();

    private DateTimeOffset Now => _time.GetUtcNow();

    [Test]
    public Task Add() => EachAsync(
        _ => Task.FromResult(Requests.NewAuthReqId()),
        async (node, _) => (await node.Store.AddAsync(Requests.New(Now), Limits, None)).Status,
        CibaAddStatus.Added,
        async (node, _) =>
        {
            // One is there, one more has a place, and a third has none.
            Assert.That(await node.Store.ListPendingAsync(Requests.Alice, Now, None), Has.Count.EqualTo(1));
            Assert.That((await node.Store.AddAsync(Requests.New(Now), Limits, None)).Status, Is.EqualTo(CibaAddStatus.Added));
            Assert.That((await node.Store.AddAsync(Requests.New(Now), Limits, None)).Status, Is.EqualTo(CibaAddStatus.LimitReached));
        });

    [Test]
    public Task Poll_of_what_waits() => EachAsync(
        node => node.Store.AddedAsync(Now),
        async (node, request) => (await node.Store.PollAsync(request, Now)).Status is CibaPollStatus.Pending or CibaPollStatus.SlowDown,
        true,
        async (node, request) => Assert.That(await node.Store.ApproveAsync(request, Now), Is.EqualTo(CibaDecideResult.Done)));

    [Test]
    public Task Poll_after_a_wait() => EachAsync(
        node => node.Store.AddedAsync(Now),
        async (node, request) => (await node.Store.PollAfterWaitAsync(request.Id, request.ClientId, Now, Requests.LeaseTime, None)).Status,
        CibaPollStatus.Pending,
        async (node, request) => Assert.That((await node.Store.PollAsync(request, Now)).Status, Is.EqualTo(CibaPollStatus.Pending)));

    [Test]
    public Task Poll_of_what_is_approved() => EachAsync(
        ApprovedAsync,
        async (node, request) => (await node.Store.PollAsync(request, Now)).Status,
        CibaPollStatus.Approved,
        async (node, request) => Assert.That((await node.Store.PollAsync(request, Now)).Status, Is.EqualTo(CibaPollStatus.Pending)));

    [TestCase(CibaTokenDeliveryModes.Poll), TestCase(CibaTokenDeliveryModes.Ping)]
    public Task Approve(string mode) => EachAsync(
        async node => new Answered(await AddedAsync(node, mode), new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = Now, Scopes = ["openid"] }),
        DecideAsync,
        CibaDecideResult.Done,
        async (node, answered) =>
        {
            Assert.That(await node.Store.ListPendingAsync(Requests.Alice, Now, None), Is.Empty);
            Assert.That(await node.Store.ClaimAsync(answered.Request, Now), mode == CibaTokenDeliveryModes.Poll ? Is.Null : Is.Not.Null);
            Assert.That((await node.Store.PollAsync(answered.Request, Now)).Status, Is.EqualTo(CibaPollStatus.Approved));
        });

    [Test]
    public Task Deny_and_be_left_alone() => EachAsync(
        async node => new Answered(await AddedAsync(node, CibaTokenDeliveryModes.Poll), new CibaDecision { Outcome = CibaRequestStatus.Denied, DecidedAt = Now, Quiet = new CibaQuiet(Requests.Client, Now.AddHours(1)) }),
        DecideAsync,
        CibaDecideResult.Done,
        async (node, answered) =>
        {
            Assert.That((await node.Store.PollAsync(answered.Request, Now)).Status, Is.EqualTo(CibaPollStatus.Denied));
            Assert.That((await node.Store.AddAsync(Requests.New(Now), Limits, None)).Status, Is.EqualTo(CibaAddStatus.Quiet));
        });

    [Test]
    public Task Complete() => EachAsync(
        LeasedAsync,
        async (node, leased) => await node.Store.CompleteAsync(leased.Request.Id, leased.Lease, None),
        true,
        async (node, leased) => Assert.That((await node.Store.PollAsync(leased.Request, Now)).Status, Is.EqualTo(CibaPollStatus.Redeemed)));

    [Test]
    public Task Release() => EachAsync(
        LeasedAsync,
        async (node, leased) =>
        {
            await node.Store.ReleaseAsync(leased.Request.Id, leased.Lease, None);
            return true;
        },
        true,
        async (node, leased) => Assert.That((await node.Store.PollAsync(leased.Request, Now)).Status, Is.EqualTo(CibaPollStatus.Approved)));

    [Test]
    public Task Remove() => EachAsync(
        node => AddedAsync(node, CibaTokenDeliveryModes.Ping),
        async (node, request) =>
        {
            await node.Store.RemoveAsync(request.Id, request.Subject, None);
            return (await node.Store.PollAsync(request, Now)).Status;
        },
        CibaPollStatus.Unknown,
        async (node, request) =>
        {
            Assert.That(await node.Store.ListPendingAsync(Requests.Alice, Now, None), Is.Empty);
            Assert.That(await node.Store.ClaimAsync(request, Now), Is.Null);
        });

    [Test]
    public Task Look_at_a_request() => EachAsync(
        node => node.Store.AddedAsync(Now),
        async (node, request) =>
            (await node.Store.GetAsync(request.Id, request.Subject, Now, None))?.Status == CibaRequestStatus.Pending
            && (await node.Store.GetForClientAsync(request.Id, request.ClientId, Now, None))?.Status == CibaRequestStatus.Pending
            && (await node.Store.ListPendingAsync(request.Subject, Now, None)).Count == 1,
        true,
        (_, _) => Task.CompletedTask);

    [Test]
    public Task Claim() => EachAsync(
        node => node.Store.DueAddedAsync(Now),
        async (node, request) => await node.Store.ClaimAsync(request, Now) is not null,
        true,
        async (node, request) => Assert.That(await node.Store.ClaimAsync(request, Now), Is.Null),
        putRight: Requests.Hold);

    [Test]
    public Task Claim_what_is_due() => EachAsync(
        node => node.Store.DueAddedAsync(Now),
        async (node, request) => (await node.Store.ClaimDueAsync(Now)).Count,
        1,
        async (node, _) => Assert.That(await node.Store.ClaimDueAsync(Now), Is.Empty),
        putRight: Requests.Hold);

    [Test]
    public Task Postpone() => EachAsync(
        ClaimedAsync,
        async (node, entry) =>
        {
            await node.Store.PostponeAsync(entry.Request.Id, entry.HeldUntil, Now.AddSeconds(1), None);
            return true;
        },
        true,
        async (node, entry) =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.That(await node.Store.ClaimAsync(entry.Request, Now), Is.Not.Null);
        });

    [Test]
    public Task Keep_the_tokens_of_a_push() => EachAsync(
        ClaimedAsync,
        async (node, entry) => await node.Store.KeepTokensAsync(entry.Request.Id, entry.HeldUntil, "tokens"u8.ToArray(), None),
        true,
        async (node, entry) =>
        {
            _time.Advance(Requests.Hold);
            Assert.That((await node.Store.ClaimAsync(entry.Request, Now))!.Tokens.ToArray(), Is.EqualTo("tokens"u8.ToArray()));
        });

    [Test]
    public Task Settle() => EachAsync(
        ClaimedAsync,
        async (node, entry) =>
        {
            await node.Store.SettleAsync(entry.Request.Id, entry.HeldUntil, CibaSettlement.Done, None);
            return true;
        },
        true,
        async (node, entry) =>
        {
            _time.Advance(Requests.Hold);
            Assert.That(await node.Store.ClaimAsync(entry.Request, Now), Is.Null);
        });

    [Test]
    public Task Count_a_notification() => EachAsync(
        node => node.Store.AddedAsync(Now),
        async (node, request) => (await CountAsync(node, request)).Status,
        CibaNotificationStatus.Counted,
        async (node, request) => Assert.That(
            new[] { (await CountAsync(node, request)).Status, (await CountAsync(node, request)).Status },
            Is.EqualTo(new[] { CibaNotificationStatus.Counted, CibaNotificationStatus.LimitReached })));

    [Test]
    public Task Use_a_JWT() => EachAsync(
        _ => Task.FromResult($"jti {Guid.NewGuid()}"),
        async (node, jti) => await node.ReplayCache.TryUseAsync(jti, $"{Guid.NewGuid()}", Now.AddMinutes(5), None),
        true,
        async (node, jti) => Assert.That(await node.ReplayCache.TryUseAsync(jti, $"{Guid.NewGuid()}", Now.AddMinutes(5), None), Is.False));

    [Test]
    public Task Try_a_user_code() => EachAsync(
        _ => Task.FromResult($"user {Guid.NewGuid()}"),
        TryAsync,
        true,
        async (node, user) => Assert.That(new[] { await TryAsync(node, user), await TryAsync(node, user) }, Is.EqualTo(new[] { true, false })));

    [Test]
    public Task Take_back_a_right_user_code() => EachAsync(
        async node =>
        {
            var user = $"user {Guid.NewGuid()}";
            await TryAsync(node, user);
            await node.UserCodes.TryBeginAsync(user, "right", 2, TimeSpan.FromHours(1), None);
            return user;
        },
        async (node, user) =>
        {
            await node.UserCodes.SucceededAsync(user, "right", None);
            return true;
        },
        true,
        async (node, user) => Assert.That(new[] { await TryAsync(node, user), await TryAsync(node, user) }, Is.EqualTo(new[] { true, false })));

    [Test]
    public Task Be_present() => EachAsync(
        _ => Task.FromResult($"user {Guid.NewGuid()}"),
        async (node, user) =>
        {
            await node.Store.MarkPresentAsync(user, Now, Now.AddMinutes(5), None);
            return await node.Store.IsPresentAsync(user, Now, None);
        },
        true,
        (_, _) => Task.CompletedTask);

    /// <summary>Takes the step on a new request as often as it has commands, and breaks the connection at each of them once.</summary>
    private async Task EachAsync<T, TResult>(Func<RedisNode, Task<T>> prepare, Func<RedisNode, T, Task<TResult>> take, TResult right, Func<RedisNode, T, Task> check, TimeSpan? putRight = null)
    {
        var server = RedisServers.Get(kind);
        await server.LoadScriptsAsync();
        var commands = await CommandsAsync(server, prepare, take, right);
        Assert.That(commands, Is.InRange(1, MaxCommands));
        for (var command = 1; command <= commands; command++)
        {
            // Each with a clean slate.
            var prefix = $"{_prefix}-{command}";
            await using var proxy = new FaultProxy(server);
            await using var node = await ConnectedAsync(proxy, prefix);
            var prepared = await prepare(node);
            proxy.BreakBeforeAnswer(command);
            var began = Now;
            while (await TakenAsync(node, prepared, take) is var (isAnswered, result) && (!isAnswered || !Equals(result, right)))
            {
                Assert.That(Now - began, Is.LessThan((putRight ?? TimeSpan.Zero) + TimeSpan.FromMinutes(2)), $"command {command} of {commands}: {(isAnswered ? result : "no answer")}");
                _time.Advance(PutRight);
            }

            // The last command may be one that the step did not wait for.
            proxy.BreakBeforeAnswer(0);
            await RedisHosts.UntilAsync(async () => (await TakenAsync(node, prepared, async (again, _) => await again.Store.IsPresentAsync("nobody", Now, None))).IsAnswered);

            await check(node, prepared);
        }
    }

    private async Task<int> CommandsAsync<T, TResult>(RedisServer server, Func<RedisNode, Task<T>> prepare, Func<RedisNode, T, Task<TResult>> take, TResult right)
    {
        await using var proxy = new FaultProxy(server);
        await using var node = await ConnectedAsync(proxy, $"{_prefix}-0");
        var prepared = await prepare(node);
        proxy.Requests.Clear();
        Assert.That(await take(node, prepared), Is.EqualTo(right));
        return proxy.Requests.Count(command => !FaultProxy.Housekeeping.Contains(command));
    }

    // What a connection does at first is no step.
    private async Task<RedisNode> ConnectedAsync(FaultProxy proxy, string prefix)
    {
        var node = RedisNode.On(proxy.Endpoint, prefix, _time);
        await node.Store.IsPresentAsync("nobody", Now, None);
        return node;
    }

    private async Task<(bool IsAnswered, TResult? Result)> TakenAsync<T, TResult>(RedisNode node, T prepared, Func<RedisNode, T, Task<TResult>> take)
    {
        var call = take(node, prepared);

        // Steps are repeated after pauses on this clock, and only for as long as they may take.
        await RedisHosts.UntilAsync(() =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(10));
            return Task.FromResult(call.IsCompleted);
        });
        try
        {
            return (true, await call);
        }
        catch (CibaStoreUnavailableException)
        {
            return (false, default);
        }
    }

    private async Task<CibaRequest> AddedAsync(RedisNode node, string mode)
    {
        var request = Requests.New(Now, mode: mode, dueAt: mode == CibaTokenDeliveryModes.Poll ? null : Now.AddMinutes(1));
        Assert.That((await node.Store.AddAsync(request, Limits, None)).Status, Is.EqualTo(CibaAddStatus.Added));
        return request;
    }

    private async Task<CibaRequest> ApprovedAsync(RedisNode node)
    {
        var request = await node.Store.AddedAsync(Now);
        Assert.That(await node.Store.ApproveAsync(request, Now), Is.EqualTo(CibaDecideResult.Done));
        return request;
    }

    private async Task<Leased> LeasedAsync(RedisNode node)
    {
        var request = await ApprovedAsync(node);
        return new(request, (await node.Store.PollAsync(request, Now)).Lease!);
    }

    private async Task<CibaOutboxEntry> ClaimedAsync(RedisNode node)
    {
        var request = await node.Store.DueAddedAsync(Now);
        return (await node.Store.ClaimAsync(request, Now))!;
    }

    private async Task<CibaDecideResult> DecideAsync(RedisNode node, Answered answered) =>
        await node.Store.DecideAsync(answered.Request.Id, answered.Request.Subject, answered.Decision, Now, None);

    private async Task<CibaNotificationResult> CountAsync(RedisNode node, CibaRequest request) =>
        await node.Store.CountNotificationAsync(request, Limits.Notifications, byClient: true, Now, None);

    private static async Task<bool> TryAsync(RedisNode node, string user) => await node.UserCodes.TryBeginAsync(user, $"{Guid.NewGuid()}", 2, TimeSpan.FromHours(1), None);

    private sealed record Answered(CibaRequest Request, CibaDecision Decision);

    private sealed record Leased(CibaRequest Request, string Lease);
}
