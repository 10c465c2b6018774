using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Sections 7.3 and 11: how often a client may poll.</summary>
public sealed class SlowDownTests
{
    private static readonly TimeSpan OneTick = TimeSpan.FromTicks(1);

    [Test, Spec("T3")]
    public async Task A_poll_before_the_interval_gets_slow_down()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.PollAsync(id);
        host.Time.Advance(TimeSpan.FromSeconds(4));

        var answer = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(answer.Body, Is.EqualTo("""{"error":"slow_down","error_description":"Polled too soon: the interval for this auth_req_id has grown by 5 seconds."}"""));
            Assert.That(answer.Header("Cache-Control"), Is.EqualTo("no-store"));
            Assert.That(answer.Header("X-Content-Type-Options"), Is.EqualTo("nosniff"));
        }
    }

    [Test, Spec("T3")]
    public async Task The_first_poll_may_come_at_once_and_each_next_one_exactly_after_the_interval()
    {
        await using var host = new CibaHost { Options = options => options.PollingInterval = TimeSpan.FromSeconds(7) };
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var answers = await PollAfterAsync(host, id, TimeSpan.Zero, TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(7) - OneTick);

        Assert.That(answers, Is.EqualTo(new[] { "authorization_pending", "authorization_pending", "authorization_pending", "authorization_pending", "slow_down" }));
    }

    [Test, Spec("T3")]
    public async Task Each_slow_down_makes_the_interval_longer_by_five_seconds_to_the_tick()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var answers = await PollAfterAsync(
            host,
            id,
            TimeSpan.Zero,
            TimeSpan.FromSeconds(5) - OneTick,
            TimeSpan.FromSeconds(10) - OneTick,
            TimeSpan.FromSeconds(15),
            TimeSpan.FromSeconds(15) - OneTick,
            TimeSpan.FromSeconds(20));

        Assert.That(answers, Is.EqualTo(new[] { "authorization_pending", "slow_down", "slow_down", "authorization_pending", "slow_down", "authorization_pending" }));
    }

    [Test, Spec("T3")]
    public async Task The_interval_counts_from_the_answer_that_said_slow_down()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;

        // At 0 s, 3 s and 10 s: the new interval of 10 s is not over, though the first answer is 10 s old.
        var answers = await PollAfterAsync(host, id, TimeSpan.Zero, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(7));

        Assert.That(answers, Is.EqualTo(new[] { "authorization_pending", "slow_down", "slow_down" }));
    }

    [Test, Spec("T3")]
    public async Task A_longer_interval_is_for_one_request_alone()
    {
        await using var host = new CibaHost();
        var fast = (await host.AuthorizeAsync()).AuthReqId;
        var quiet = (await host.AuthorizeAsync()).AuthReqId;
        await host.PollAsync(quiet);
        await PollAfterAsync(host, fast, TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero);
        host.Time.Advance(TimeSpan.FromSeconds(5));

        Answer[] answers = [await host.PollAsync(quiet), await host.PollAsync(fast)];

        Assert.That(answers.Select(answer => answer.Error), Is.EqualTo(new[] { "authorization_pending", "slow_down" }));
    }

    private static readonly TestCaseData[] Refused =
    [
        RefusedBy("another client", ("client_id", "other")),
        RefusedBy("a wrong secret", ("client_secret", "wrong")),
        RefusedBy("no authentication", ("client_secret", null)),
        RefusedBy("a repeated parameter", ("scope", "openid"), ("scope", "openid")),
        RefusedBy("a wrong grant type", ("grant_type", "urn:ietf:params:oauth:grant-type:ciba")),
    ];

    [TestCaseSource(nameof(Refused)), Spec("T14"), Spec("T3")]
    public async Task A_call_that_is_refused_does_not_count_as_a_poll((string Name, string? Value)[] changes)
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.PollAsync(id, changes);

        var first = await host.PollAsync(id);
        host.Time.Advance(TimeSpan.FromSeconds(4));
        await host.PollAsync(id, changes);
        host.Time.Advance(TimeSpan.FromSeconds(1));
        var second = await host.PollAsync(id);

        Assert.That(new[] { first.Error, second.Error }, Is.All.EqualTo("authorization_pending"));
    }

    [TestCase("approved", null), TestCase("denied", "access_denied"), TestCase("expired", "expired_token"), Spec("T3")]
    public async Task A_request_with_an_outcome_never_gets_slow_down(string outcome, string? error)
    {
        await using var host = new CibaHost { Options = options => options.PollingInterval = TimeSpan.FromMinutes(5) };
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await PollAfterAsync(host, id, TimeSpan.Zero, TimeSpan.Zero);
        switch (outcome)
        {
            case "approved":
                await host.ApproveAsync(id);
                break;
            case "denied":
                await host.DenyAsync(id);
                break;
            default:
                host.Time.Advance(TimeSpan.FromMinutes(2));
                break;
        }

        var answer = await host.PollAsync(id);

        Assert.That(answer.Error, Is.EqualTo(error));
    }

    [Test, Spec("T3")]
    public async Task Polls_while_another_gets_the_tokens_are_pending_and_never_slow_down()
    {
        var gate = new Gate();
        var tokens = new FakeTokens { OnIssue = (call, token) => gate.PassAsync(token).ContinueWith(_ => (CibaTokens?)FakeTokens.Right(call), TaskScheduler.Default) };
        await using var host = new CibaHost { Setup = tokens.Use };
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.PollAsync(id);
        await host.ApproveAsync(id);
        var winner = host.PollAsync(id);
        await gate.ReachedAsync();

        var losers = await PollAfterAsync(host, id, TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero);
        gate.Open();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(losers, Is.All.EqualTo("authorization_pending"));
            Assert.That((await winner).Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(tokens.Calls, Is.EqualTo(1));
        }
    }

    private static TestCaseData RefusedBy(string name, params (string Name, string? Value)[] changes) => new([changes]) { TestName = $"{{m}}({name})" };

    private static async Task<List<string?>> PollAfterAsync(CibaHost host, string id, params TimeSpan[] waits)
    {
        var errors = new List<string?>();
        foreach (var wait in waits)
        {
            host.Time.Advance(wait);
            errors.Add((await host.PollAsync(id)).Error);
        }

        return errors;
    }
}
