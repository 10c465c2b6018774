using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 10.2: a ping client is told that there is something to fetch, and nothing else.</summary>
public sealed class PingTests
{
    private readonly FakeReceiver _receiver = new();

    [Test, Spec("P1"), Spec("A8")]
    public async Task A_ping_is_exactly_what_the_specification_says()
    {
        await using var host = Host();
        var id = (await host.AskAsync()).AuthReqId;
        Assert.That(_receiver.Calls, Is.Zero, "nobody has answered yet");
        await host.ApproveAsync(id);

        var ping = await _receiver.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ping.Method, Is.EqualTo(HttpMethod.Post));
            Assert.That(ping.Url.AbsoluteUri, Is.EqualTo(FakeReceiver.Endpoint));
            Assert.That(ping.Body, Is.EqualTo($$"""{"auth_req_id":"{{id}}"}"""));
            Assert.That(ping.Headers, Is.EquivalentTo(new[]
            {
                $"Authorization: Bearer {CallbackCalls.NotificationToken}",
                "Content-Type: application/json",
                $"Content-Length: {ping.Body.Length}",
            }));
        }
    }

    [TestCase("approve", null), TestCase("deny", "access_denied"), TestCase("fail", "access_denied"), Spec("P1"), Spec("P7")]
    public async Task Who_is_pinged_gets_the_outcome_at_once(string answer, string? error)
    {
        await using var host = Host();
        var outcome = new TaskCompletionSource<Answer>();
        string? id = null;
        _receiver.OnCall = async (_, _) =>
        {
            outcome.SetResult(await host.PollAsync(id));
            return await FakeReceiver.Answer(200);
        };

        // A poll just before: the next one is due in 5 s only.
        id = (await host.AskAsync()).AuthReqId;
        Assert.That((await host.PollAsync(id)).Error, Is.EqualTo("authorization_pending"));
        await DecideAsync(host, id, answer);
        var polled = await outcome.Task.WaitAsync(TimeSpan.FromSeconds(20));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(polled.Status, Is.EqualTo(error is null ? HttpStatusCode.OK : HttpStatusCode.BadRequest), polled.Body);
            Assert.That(error is null ? polled.Text("token_type") : polled.Error, Is.EqualTo(error ?? "Bearer"));
        }
    }

    [TestCase("approve"), TestCase("deny"), TestCase("fail"), Spec("P1")]
    public async Task A_ping_that_was_answered_well_is_not_sent_again(string answer)
    {
        await using var host = Host();
        await host.FirstLookAsync();
        var id = (await host.AskAsync(("requested_expiry", "30"))).AuthReqId;
        await DecideAsync(host, id, answer);
        await _receiver.NextAsync();

        // Beyond the hold of the entry, the request's life, and its end.
        for (var looks = 0; looks < 20; looks++)
        {
            await host.LookAsync();
        }

        await host.StopAsync();
        Assert.That(_receiver.Calls, Is.EqualTo(1));
    }

    [TestCase(false, 0), TestCase(true, 1), Spec("P1")]
    public async Task An_expiry_is_told_once_where_the_host_wants_it(bool pingOnExpiry, int calls)
    {
        await using var host = Host(options => options.Callbacks.PingOnExpiry = pingOnExpiry);
        await host.FirstLookAsync();
        var id = (await host.AskAsync(("requested_expiry", "7"))).AuthReqId;

        await host.LookAsync();
        Assert.That(_receiver.Calls, Is.Zero, "it is alive");
        for (var looks = 0; looks < 15; looks++)
        {
            await host.LookAsync();
            if (looks == 0 && pingOnExpiry)
            {
                Assert.That((await _receiver.NextAsync()).Body, Is.EqualTo($$"""{"auth_req_id":"{{id}}"}"""));
                Assert.That((await host.PollAsync(id)).Error, Is.EqualTo("expired_token"));
            }
        }

        await host.StopAsync();
        Assert.That(_receiver.Calls, Is.EqualTo(calls));
    }

    [TestCase(404), TestCase(503), Spec("P6")]
    public async Task A_client_whose_ping_was_lost_polls_instead(int status)
    {
        await using var host = Host();
        _receiver.OnCall = (_, _) => FakeReceiver.Answer(status);
        var id = (await host.AskAsync()).AuthReqId;
        await host.ApproveAsync(id);
        await _receiver.NextAsync();

        var answer = await host.PollAsync(id);

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [TestCase(false), TestCase(true), Spec("P6"), Spec("P1")]
    public async Task A_client_that_fetched_its_tokens_is_not_pinged_any_more(bool pingedBefore)
    {
        using var store = new HookedStore();
        var (claim, settled) = (new Gate(), new TaskCompletionSource());
        await using var host = new CibaHost
        {
            Clients = [FakeReceiver.PingClient()],
            Options = CallbackCalls.Quietly,
            Setup = ciba =>
            {
                _receiver.Use(ciba);
                store.Use(ciba);
            },
        };
        _receiver.OnCall = (_, _) => FakeReceiver.Answer(503);
        var id = (await host.AskAsync()).AuthReqId;
        if (pingedBefore)
        {
            await host.ApproveAsync(id);
            await host.Time.TimerSetAsync(TimeSpan.FromSeconds(1));
        }

        store.Before = async step =>
        {
            if (step == nameof(ICibaOutbox.ClaimAsync))
            {
                await claim.PassAsync();
            }
            else if (step is nameof(ICibaOutbox.SettleAsync) or nameof(ICibaOutbox.PostponeAsync))
            {
                settled.TrySetResult();
            }
        };
        await (pingedBefore ? AdvanceAsync(host) : host.ApproveAsync(id));
        await claim.ReachedAsync();
        Assert.That((await host.PollAsync(id)).Status, Is.EqualTo(HttpStatusCode.OK));
        claim.Open();
        await settled.Task.WaitAsync(TimeSpan.FromSeconds(20));

        Assert.That(_receiver.Calls, Is.EqualTo(pingedBefore ? 1 : 0));
    }

    [Test, Spec("A16"), Spec("A8")]
    public async Task A_ping_client_is_told_how_often_it_may_poll()
    {
        await using var host = Host();

        var answer = await host.AskAsync();

        Assert.That(answer.Body, Is.EqualTo($$"""{"auth_req_id":"{{answer.AuthReqId}}","expires_in":120,"interval":5}"""));
    }

    [TestCase("approve"), TestCase("deny"), TestCase("fail"), TestCase("expire"), Spec("P1")]
    public async Task A_poll_client_is_never_called(string answer)
    {
        var client = CibaHost.Client("client");
        client.BackchannelClientNotificationEndpoint = FakeReceiver.Endpoint;
        await using var host = Host(options => options.Callbacks.PingOnExpiry = true, client);
        await host.FirstLookAsync();
        var id = (await host.AskAsync(("requested_expiry", "7"))).AuthReqId;
        await DecideAsync(host, id, answer);

        await host.LookAsync();
        await host.LookAsync();
        await host.StopAsync();

        Assert.That(_receiver.Calls, Is.Zero);
    }

    private static Task AdvanceAsync(CibaHost host)
    {
        host.Time.Advance(TimeSpan.FromSeconds(1));
        return Task.CompletedTask;
    }

    private static Task DecideAsync(CibaHost host, string id, string answer) => answer switch
    {
        "approve" => host.ApproveAsync(id),
        "deny" => host.DenyAsync(id),
        "fail" => host.FailAsync(id),
        _ => Task.CompletedTask,
    };

    private CibaHost Host(Action<CibaOptions>? change = null, CibaClient? client = null) => new()
    {
        Clients = [client ?? FakeReceiver.PingClient()],
        Setup = _receiver.Use,
        Options = options =>
        {
            CallbackCalls.Quietly(options);
            change?.Invoke(options);
        },
    };
}
