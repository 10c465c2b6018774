using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 15: a user who wants to be left alone is left alone, by resends and retries too.</summary>
public sealed class BlockAndCooldownTests
{
    private readonly FakeBlocks _blocks = new();

    [Test, Spec("U5"), Spec("T5")]
    public async Task A_block_ends_the_clients_other_pending_requests_of_the_user()
    {
        var events = new FakeEvents();
        await using var host = Host(events: events);
        string[] ids = [(await host.AuthorizeAsync()).AuthReqId, (await host.AuthorizeAsync()).AuthReqId, (await host.AuthorizeAsync()).AuthReqId];
        var others = (await host.AuthorizeAsync(("client_id", "other"))).AuthReqId;
        var bobs = (await host.AuthorizeAsync(("login_hint", "bob"))).AuthReqId;
        await events.NextAsync(5);

        var denied = await BlockAsync(host, ids[1]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(denied.Status, Is.EqualTo(HttpStatusCode.NoContent));
            foreach (var id in ids)
            {
                Assert.That((await host.PollAsync(id)).Error, Is.EqualTo("access_denied"));
            }

            Assert.That((await host.PollAsync(others, ("client_id", "other"))).Error, Is.EqualTo("authorization_pending"));
            Assert.That((await host.PollAsync(bobs)).Error, Is.EqualTo("authorization_pending"));
            Assert.That(_blocks.Told, Has.Count.EqualTo(1));
            Assert.That((await events.NextAsync(4)).Select(heard => (heard.Kind, heard.Outcome)), Is.EqualTo(new (CibaEventKind, CibaRequestStatus?)[]
            {
                (CibaEventKind.ClientBlocked, null), (CibaEventKind.Decided, CibaRequestStatus.Denied), (CibaEventKind.Decided, CibaRequestStatus.Denied), (CibaEventKind.Decided, CibaRequestStatus.Denied),
            }));
        }
    }

    [Test, Spec("U5")]
    public async Task A_block_by_a_request_that_was_answered_ends_the_others_too()
    {
        await using var host = Host();
        string[] ids = [(await host.AuthorizeAsync()).AuthReqId, (await host.AuthorizeAsync()).AuthReqId];
        await host.ApproveAsync(ids[0]);

        var answer = await BlockAsync(host, ids[0]);

        Assert.That(
            (answer.Status, (await host.PollAsync(ids[0])).Status, (await host.PollAsync(ids[1])).Error),
            Is.EqualTo((HttpStatusCode.Conflict, HttpStatusCode.OK, "access_denied")));
    }

    [TestCase(false, """{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.10","title":"Conflict","status":409,"detail":"The request was answered before. The client is blocked.","code":"already_decided","client_blocked":true}""")]
    [TestCase(true, """{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.11","title":"Gone","status":410,"detail":"The request has expired. The client is blocked.","code":"expired","client_blocked":true}""")]
    [Spec("U5")]
    public async Task A_block_by_a_request_that_is_over_is_told_to_the_device(bool isExpired, string body)
    {
        await using var host = Host();
        var id = await AskedAsync(host);
        if (isExpired)
        {
            host.Time.Advance(TimeSpan.FromSeconds(121));
        }
        else
        {
            await host.ApproveAsync(id);
        }

        var answer = await BlockAsync(host, id);

        Assert.That((answer.Body, _blocks.Told.Count), Is.EqualTo((body, 1)));
    }

    [Test, Spec("U5")]
    public async Task A_client_that_is_blocked_has_nothing_told_again()
    {
        await using var host = Host();
        var id = await AskedAsync(host);
        await _blocks.BlockAsync("sub-alice", "client");

        var byClient = await ResendAsync(host, id);
        var byUser = await ByUserAsync(host, id);

        Refusal.Says(byClient, "access_denied", 403);
        DeviceEndpointTests.AssertProblem(byUser, 403, "The user has blocked this client.");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((byClient.Description, byClient.Header("Retry-After")), Is.EqualTo(("This user takes no requests of this client.", (string?)null)));
            Assert.That(byUser.Text("code"), Is.EqualTo("client_blocked"));
            Assert.That(host.Devices.Calls, Is.EqualTo(1));
        }
    }

    [Test, Spec("U5")]
    public async Task After_a_denial_nothing_is_told_again_for_a_while()
    {
        await using var host = Host(options => options.DenialCooldown = TimeSpan.FromSeconds(30));
        var id = await AskedAsync(host);
        await host.DenyAsync(await AskedAsync(host));
        host.Time.Advance(TimeSpan.FromSeconds(9.5));

        var byClient = await ResendAsync(host, id);
        var byUser = await ByUserAsync(host, id);
        var request = await host.AuthorizeAsync();
        host.Time.Advance(TimeSpan.FromSeconds(20.5));
        var after = await ResendAsync(host, id);
        await host.Devices.NextAsync();

        Refusal.Says(byClient, "access_denied", 403);
        DeviceEndpointTests.AssertProblem(byUser, 429, "The user denied a request of this client a short while ago: try again later.");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((byClient.Description, byClient.Header("Retry-After")), Is.EqualTo(("The user denied a request of this client a short while ago: try again later.", "21")));
            Assert.That((byUser.Text("code"), byUser.Header("Retry-After")), Is.EqualTo(("client_in_cooldown", "21")));
            Assert.That((request.Error, request.Header("Retry-After")), Is.EqualTo(("access_denied", "21")));
            Assert.That((after.Status, host.Devices.Calls), Is.EqualTo((HttpStatusCode.NoContent, 3)));
        }
    }

    [Test, Spec("U5"), Spec("A21")]
    public async Task A_retry_does_not_ring_for_a_client_that_is_blocked()
    {
        await using var host = Host();
        host.Devices.OnNotify = (_, _) => throw new InvalidOperationException("The push service is down.");
        await host.AuthorizeAsync();
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(1));
        await _blocks.BlockAsync("sub-alice", "client");
        var asked = new TaskCompletionSource();
        _blocks.OnAsk = asked.SetResult;

        host.Time.Advance(TimeSpan.FromSeconds(1));
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(20));
        await host.StopAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(host.Devices.Calls, Is.EqualTo(1));
            Assert.That(host.Log.Ours.Select(line => line.Text), Has.Some.Contains("the user has blocked the client"));
        }
    }

    [Test, Spec("U5"), Spec("A21")]
    public async Task A_retry_waits_for_the_end_of_a_cooldown()
    {
        await using var host = Host(options => options.DenialCooldown = TimeSpan.FromSeconds(30));
        await host.FirstLookAsync();
        var denied = (await host.AuthorizeAsync()).AuthReqId;
        await host.Devices.NextAsync();
        host.Devices.OnNotify = (_, _) => host.Devices.Calls == 2 ? throw new InvalidOperationException("The push service is down.") : Task.CompletedTask;
        await host.AuthorizeAsync();
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(1));
        await host.DenyAsync(denied);

        for (var seconds = 0; seconds < 25; seconds += 5)
        {
            await host.LookAsync();
        }

        var during = host.Devices.Calls;
        await host.LookAsync();
        await host.Devices.NextAsync();

        Assert.That((during, host.Devices.Calls), Is.EqualTo((2, 3)));
    }

    private CibaHost Host(Action<CibaOptions>? change = null, FakeEvents? events = null) => new()
    {
        Options = options =>
        {
            options.ClientsMayResend = true;
            change?.Invoke(options);
        },
        Setup = ciba =>
        {
            _blocks.Use(ciba);
            events?.Use(ciba);
        },
    };

    private static async Task<string> AskedAsync(CibaHost host)
    {
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.Devices.NextAsync();
        return id;
    }

    private static async Task<Answer> BlockAsync(CibaHost host, string authReqId) =>
        await host.DeviceAsync(HttpMethod.Post, $"/requests/{await host.HandleAsync(authReqId)}/deny", "alice", """{"block_client":true}""");

    private static Task<Answer> ResendAsync(CibaHost host, string authReqId) =>
        host.PostAsync("/bc-authorize/resend", [("client_id", "client"), ("client_secret", CibaHost.Secret), ("auth_req_id", authReqId)]);

    private static async Task<Answer> ByUserAsync(CibaHost host, string authReqId) =>
        await host.DeviceAsync(HttpMethod.Post, $"/requests/{await host.HandleAsync(authReqId)}/resend", "alice");
}
