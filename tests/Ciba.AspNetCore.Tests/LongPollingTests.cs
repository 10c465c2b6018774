using System.Net;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 10.1, long polling: a poll that finds the user still thinking waits for the answer.</summary>
[Spec("T10")]
public sealed class LongPollingTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan OneTick = TimeSpan.FromTicks(1);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly WaitingPolls _polls = new();

    [Test]
    public async Task Without_a_limit_to_wait_for_no_poll_waits()
    {
        await using var host = new CibaHost { Map = _polls.Use };
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var answer = await host.PollAsync(id).WaitAsync(Bound);

        Assert.That(answer.Error, Is.EqualTo("authorization_pending"));
    }

    [TestCase("approve", null), TestCase("deny", "access_denied"), TestCase("fail", "access_denied")]
    public async Task A_poll_waits_for_the_answer(string action, string? error)
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        var poll = await WaitingAsync(host, id);
        host.Time.Advance(Limit - OneTick);
        var before = poll.IsCompleted;

        await DecideAsync(host, id, action);
        var answer = await poll.WaitAsync(Bound);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Is.False);
            Assert.That(answer.Error, Is.EqualTo(error));
            Assert.That(answer.Status, Is.EqualTo(error is null ? HttpStatusCode.OK : HttpStatusCode.BadRequest));
            Assert.That(answer.Text("id_token"), error is null ? Is.Not.Null : Is.Null);
        }
    }

    [Test, Spec("T4")]
    public async Task A_request_that_expires_first_is_told_to_be_expired_at_that_instant()
    {
        await using var host = Host(options => options.RequestLifetime = TimeSpan.FromSeconds(12));
        var id = (await host.AuthorizeAsync()).AuthReqId;
        var poll = await WaitingAsync(host, id);

        host.Time.Advance(TimeSpan.FromSeconds(12) - OneTick);
        var before = poll.IsCompleted;
        host.Time.Advance(OneTick);

        Assert.That(before, Is.False);
        Assert.That((await poll.WaitAsync(Bound)).Error, Is.EqualTo("expired_token"));
    }

    [Test, Spec("T4")]
    public async Task A_wait_for_the_expiry_does_not_end_a_part_of_a_millisecond_too_soon()
    {
        await using var host = Host(options => options.RequestLifetime = TimeSpan.FromSeconds(12));
        var id = (await host.AuthorizeAsync()).AuthReqId;
        host.Time.Advance(TimeSpan.FromMicroseconds(300));
        var poll = await WaitingAsync(host, id);

        // Timers have whole milliseconds.
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(12));
        host.Time.Advance(TimeSpan.FromSeconds(12));

        Assert.That((await poll.WaitAsync(Bound)).Error, Is.EqualTo("expired_token"));
    }

    [Test, Spec("T2")]
    public async Task A_poll_waits_no_longer_than_the_limit()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        var poll = await WaitingAsync(host, id);

        host.Time.Advance(Limit - OneTick);
        var before = poll.IsCompleted;
        host.Time.Advance(OneTick);

        Assert.That(before, Is.False);
        Assert.That((await poll.WaitAsync(Bound)).Error, Is.EqualTo("authorization_pending"));
    }

    [TestCase(2), TestCase(30), Spec("T3")]
    public async Task A_client_that_waited_may_come_again_at_once(int limit)
    {
        await using var host = Host(options => options.LongPolling.Timeout = TimeSpan.FromSeconds(limit));
        var id = (await host.AuthorizeAsync()).AuthReqId;
        for (var i = 0; i < 3; i++)
        {
            var poll = await WaitingAsync(host, id);
            host.Time.Advance(TimeSpan.FromSeconds(limit));
            Assert.That((await poll.WaitAsync(Bound)).Error, Is.EqualTo("authorization_pending"));
        }

        var last = await WaitingAsync(host, id);
        await host.ApproveAsync(id);

        Assert.That((await last.WaitAsync(Bound)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("T3")]
    public async Task A_poll_beside_one_that_waits_is_too_soon_and_not_held()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        var poll = await WaitingAsync(host, id);
        host.Time.Advance(Interval - OneTick);

        var beside = await host.PollAsync(id).WaitAsync(Bound);
        await host.ApproveAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(beside.Error, Is.EqualTo("slow_down"));
            Assert.That((await poll.WaitAsync(Bound)).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [TestCase("approve", null), TestCase("deny", "access_denied"), TestCase("fail", "access_denied"), TestCase("expire", "expired_token"), TestCase("redeem", "invalid_grant")]
    public async Task A_request_that_has_its_answer_is_answered_at_once(string action, string? error)
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await DecideAsync(host, id, action);

        var answer = await host.PollAsync(id).WaitAsync(Bound);

        Assert.That(answer.Error, Is.EqualTo(error));
    }

    [TestCase("unknown"), TestCase("not one"), TestCase("another client's")]
    public async Task A_request_that_is_not_the_clients_is_not_waited_for(string which)
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var answer = await (which switch
        {
            "unknown" => host.PollAsync(ClientCalls.UnknownRequest),
            "not one" => host.PollAsync("?"),
            _ => host.PollAsync(id, ("client_id", "other")),
        }).WaitAsync(Bound);

        Assert.That(answer.Error, Is.EqualTo("invalid_grant"));
    }

    [Test, Spec("T8")]
    public async Task While_another_poll_gets_the_tokens_nobody_waits_and_nobody_spins()
    {
        var gate = new Gate();
        var tokens = Behind(gate);
        var store = new HookedStore();
        await using var host = Host(setup: ciba =>
        {
            tokens.Use(ciba);
            store.Use(ciba);
        });
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);
        var winner = host.PollAsync(id);
        await gate.ReachedAsync();
        store.Calls.Clear();

        var loser = await host.PollAsync(id).WaitAsync(Bound);
        gate.Open();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(loser.Error, Is.EqualTo("authorization_pending"));
            Assert.That(store.Calls.Take(2), Is.EquivalentTo(new[] { "WaitForDecisionAsync", "PollAsync" }));
            Assert.That(store.Calls, Does.Not.Contain("PollAfterWaitAsync"));
            Assert.That((await winner.WaitAsync(Bound)).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test, Spec("T8")]
    public async Task Of_two_polls_that_wait_for_one_answer_one_gets_the_tokens_and_the_other_is_pending()
    {
        var gate = new Gate();
        var tokens = Behind(gate);
        await using var host = Host(setup: tokens.Use);
        var id = (await host.AuthorizeAsync()).AuthReqId;
        var first = await WaitingAsync(host, id);
        host.Time.Advance(Interval);
        var second = await WaitingAsync(host, id);

        await host.ApproveAsync(id);
        var loser = await (await Task.WhenAny(first, second).WaitAsync(Bound));
        gate.Open();
        var answers = await Task.WhenAll(first, second).WaitAsync(Bound);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(loser.Error, Is.EqualTo("authorization_pending"));
            Assert.That(answers.Count(answer => answer.Status == HttpStatusCode.OK), Is.EqualTo(1));
            Assert.That(tokens.Calls, Is.EqualTo(1));
            Assert.That((await host.PollAsync(id)).Error, Is.EqualTo("invalid_grant"));
        }
    }

    [Test]
    public async Task A_request_that_is_withdrawn_meanwhile_is_no_longer_known()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        var poll = await WaitingAsync(host, id);

        await (await host.StoreAsync()).RemoveAsync(await host.HandleAsync(id), "sub-alice", CancellationToken.None);

        Assert.That((await poll.WaitAsync(Bound)).Error, Is.EqualTo("invalid_grant"));
    }

    [Test, Spec("T11")]
    public async Task A_token_endpoint_of_the_hosts_own_waits_too()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await using var scope = (await host.ServicesAsync()).CreateAsyncScope();
        var redeeming = scope.ServiceProvider.GetRequiredService<ICibaGrants>().RedeemAsync(id, "client", CancellationToken.None).AsTask();
        var before = redeeming.IsCompleted;

        await host.ApproveAsync(id);
        await using var grant = await redeeming.WaitAsync(Bound);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Is.False);
            Assert.That(grant.Request?.Subject, Is.EqualTo("sub-alice"));
            Assert.That(await grant.CompleteAsync(CancellationToken.None), Is.True);
        }
    }

    private CibaHost Host(Action<CibaOptions>? options = null, Action<CibaBuilder>? setup = null) => new()
    {
        Options = all =>
        {
            CallbackCalls.Quietly(all);
            all.LongPolling.Timeout = Limit;
            options?.Invoke(all);
        },
        Map = _polls.Use,
        Setup = setup,
    };

    private async Task<Task<Answer>> WaitingAsync(CibaHost host, string id)
    {
        var poll = host.PollAsync(id);
        await _polls.BegunAsync();
        return poll;
    }

    private static FakeTokens Behind(Gate gate) => new()
    {
        OnIssue = async (call, cancellationToken) =>
        {
            await gate.PassAsync(cancellationToken);
            return FakeTokens.Right(call);
        },
    };

    private static async Task DecideAsync(CibaHost host, string id, string action)
    {
        switch (action)
        {
            case "approve":
                await host.ApproveAsync(id);
                break;
            case "deny":
                await host.DenyAsync(id);
                break;
            case "fail":
                await host.FailAsync(id);
                break;
            case "expire":
                host.Time.Advance(TimeSpan.FromMinutes(2));
                break;
            default:
                await host.ApproveAsync(id);
                await host.PollAsync(id);
                break;
        }
    }
}
