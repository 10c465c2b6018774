using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>What a client may do to its request that waits, and a user: take it back, have the device told again.</summary>
public sealed class CancelAndResendTests
{
    private const string TooSoon = "The device was told again a moment ago: wait 4 seconds.";
    private const string TooOften = "The device was told again as often as is allowed: there is no more of it for this request.";

    [Test]
    public async Task A_client_takes_its_request_back_and_it_is_as_if_it_had_never_been()
    {
        var events = new FakeEvents();
        await using var host = Host(setup: events.Use);
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await events.NextAsync();

        var answer = await CallAsync(host, "cancel", id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, answer.Body, answer.Header("Cache-Control")), Is.EqualTo((HttpStatusCode.NoContent, "", "no-store")));
            Assert.That((await host.PollAsync(id)).Error, Is.EqualTo("invalid_grant"));
            Assert.That((await host.DeviceAsync(HttpMethod.Get, "/requests", "alice")).Body, Is.EqualTo("[]"));
            Assert.That(await host.ApproveAsync(id), Is.EqualTo(CibaDecisionResult.Unknown));
            Assert.That((await CallAsync(host, "cancel", id)).Error, Is.EqualTo("invalid_grant"));
            var heard = await events.NextAsync();
            Assert.That((heard.Kind, heard.ClientId, heard.Subject), Is.EqualTo((CibaEventKind.Cancelled, "client", "sub-alice")));
        }
    }

    [TestCase("cancel", "GET"), TestCase("cancel", "PUT"), TestCase("resend", "GET"), TestCase("resend", "DELETE"), Spec("A1")]
    public async Task Another_method_is_405_with_the_one_that_is_allowed(string verb, string method)
    {
        await using var host = Host();

        var answer = await host.SendAsync(new HttpMethod(method), $"/bc-authorize/{verb}");

        Refusal.Says(answer, "invalid_request", 405);
        Assert.That((answer.Header("Allow"), answer.Body), Is.EqualTo(("POST", """{"error":"invalid_request","error_description":"Use POST."}""")));
    }

    [Test]
    public async Task What_was_cancelled_makes_room_for_another()
    {
        await using var host = Host(options => options.Limits.PendingPerUser = 1);
        await CallAsync(host, "cancel", (await host.AuthorizeAsync()).AuthReqId);

        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase("cancel"), TestCase("resend"), Spec("T1"), Spec("T14")]
    public async Task A_client_reaches_none_but_its_own_requests(string verb)
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.Devices.NextAsync();

        Answer[] refused =
        [
            await CallAsync(host, verb, id, ("client_id", "other")),
            await CallAsync(host, verb, await host.HandleAsync(id)),
            await CallAsync(host, verb, "nonsense"),
        ];
        var wrong = await CallAsync(host, verb, id, ("client_secret", "wrong"));
        var missing = await CallAsync(host, verb, null);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused.Select(answer => (answer.Status, answer.Error)), Is.All.EqualTo((HttpStatusCode.BadRequest, "invalid_grant")));
            Assert.That((wrong.Status, wrong.Error), Is.EqualTo((HttpStatusCode.Unauthorized, "invalid_client")));
            Assert.That((missing.Error, missing.Description), Is.EqualTo(("invalid_request", "auth_req_id is required: send the one from the authentication response.")));
            Assert.That((await host.PollAsync(id)).Error, Is.EqualTo("authorization_pending"));
            Assert.That(host.Devices.Calls, Is.EqualTo(1));
        }
    }

    [TestCase("cancel"), TestCase("resend"), Spec("U3")]
    public async Task What_is_answered_or_expired_is_left_as_it_is(string verb)
    {
        await using var host = Host();
        var approved = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(approved);

        var answered = await CallAsync(host, verb, approved);
        var tokens = await host.PollAsync(approved);
        var late = (await host.AuthorizeAsync(("requested_expiry", "3"))).AuthReqId;
        host.Time.Advance(TimeSpan.FromSeconds(3));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answered.Status, answered.Error, answered.Description), Is.EqualTo((HttpStatusCode.Conflict, "invalid_request", "The request is answered already: poll for its outcome.")));
            Assert.That(tokens.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((await CallAsync(host, verb, late)).Error, Is.EqualTo("expired_token"));
        }
    }

    [TestCase("cancel"), TestCase("resend")]
    public async Task Neither_is_there_unless_the_host_wants_it(string verb)
    {
        await using var host = new CibaHost();

        Assert.That((await CallAsync(host, verb, (await host.AuthorizeAsync()).AuthReqId)).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task The_device_is_told_again_as_often_as_is_allowed_by_client_and_user_together()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync(("requested_expiry", "600"))).AuthReqId;
        await host.Devices.NextAsync();
        var answers = new List<HttpStatusCode>();
        foreach (var byUser in new[] { true, false, true, false })
        {
            host.Time.Advance(TimeSpan.FromSeconds(15));
            answers.Add((byUser ? await ByUserAsync(host, id) : await CallAsync(host, "resend", id)).Status);
            if (answers[^1] == HttpStatusCode.NoContent)
            {
                Assert.That((await host.Devices.NextAsync()).Id, Is.EqualTo(await host.HandleAsync(id)));
            }
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers, Is.EqualTo(new[] { HttpStatusCode.NoContent, HttpStatusCode.NoContent, HttpStatusCode.NoContent, HttpStatusCode.TooManyRequests }));
            Assert.That(host.Devices.Calls, Is.EqualTo(4));
        }
    }

    [Test]
    public async Task The_device_is_not_told_again_a_moment_after_it_was()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.Devices.NextAsync();

        var first = await ByUserAsync(host, id);
        await host.Devices.NextAsync();
        host.Time.Advance(TimeSpan.FromSeconds(11.5));
        var tooSoon = await ByUserAsync(host, id);
        var clients = await CallAsync(host, "resend", id);
        host.Time.Advance(TimeSpan.FromSeconds(3.5) - TimeSpan.FromTicks(1));
        var atLast = await ByUserAsync(host, id);
        host.Time.Advance(TimeSpan.FromTicks(1));
        var second = await ByUserAsync(host, id);
        await host.Devices.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            DeviceEndpointTests.AssertProblem(tooSoon, 429, TooSoon);
            Assert.That((tooSoon.Text("code"), tooSoon.Header("Retry-After")), Is.EqualTo(("resend_too_soon", "4")));
            Assert.That((atLast.Text("code"), atLast.Header("Retry-After")), Is.EqualTo(("resend_too_soon", "1")));
            Assert.That(new[] { first.Status, second.Status }, Is.All.EqualTo(HttpStatusCode.NoContent));
            Assert.That((clients.Status, clients.Error, clients.Description, clients.Header("Retry-After")), Is.EqualTo((HttpStatusCode.TooManyRequests, "slow_down", TooSoon, "4")));
            Assert.That(host.Devices.Calls, Is.EqualTo(3));
        }
    }

    [Test]
    public async Task Who_comes_too_soon_loses_nothing_and_who_has_none_left_is_not_told_to_wait()
    {
        await using var host = Host(options => options.MaxResends = 2);
        var id = (await host.AuthorizeAsync()).AuthReqId;
        HttpStatusCode[] first = [(await ByUserAsync(host, id)).Status, (await ByUserAsync(host, id)).Status, (await CallAsync(host, "resend", id)).Status];
        host.Time.Advance(TimeSpan.FromSeconds(15));
        var second = await CallAsync(host, "resend", id);

        var users = await ByUserAsync(host, id);
        var clients = await CallAsync(host, "resend", id);

        DeviceEndpointTests.AssertProblem(users, 429, TooOften);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(first, Is.EqualTo(new[] { HttpStatusCode.NoContent, HttpStatusCode.TooManyRequests, HttpStatusCode.TooManyRequests }));
            Assert.That(second.Status, Is.EqualTo(HttpStatusCode.NoContent));
            Assert.That((users.Text("code"), users.Header("Retry-After")), Is.EqualTo(("too_many_resends", (string?)null)));
            Assert.That((clients.Status, clients.Error, clients.Description, clients.Header("Retry-After")), Is.EqualTo((HttpStatusCode.TooManyRequests, "slow_down", TooOften, (string?)null)));
        }
    }

    [Test]
    public async Task A_call_that_failed_before_the_device_was_told_is_not_counted()
    {
        var blocks = new FakeBlocks();
        await using var host = Host(options => options.MaxResends = 1, blocks.Use);
        var id = (await host.AuthorizeAsync()).AuthReqId;
        blocks.OnAsk = () => throw new InvalidOperationException("the database is locked");
        var failed = await CallAsync(host, "resend", id);
        blocks.OnAsk = () => { };

        Assert.That((failed.Status, (await CallAsync(host, "resend", id)).Status), Is.EqualTo((HttpStatusCode.InternalServerError, HttpStatusCode.NoContent)));
    }

    [Test]
    public async Task Without_resends_nobody_tells_the_device_again()
    {
        await using var host = Host(options => options.MaxResends = 0);
        var id = (await host.AuthorizeAsync()).AuthReqId;

        Assert.That((await ByUserAsync(host, id)).Status, Is.EqualTo(HttpStatusCode.TooManyRequests));
    }

    [Test, Spec("A15")]
    public async Task For_nobody_no_device_is_told_and_the_client_does_not_notice()
    {
        await using var host = Host(options => options.ConcealUnknownUsers = true);
        var id = (await host.AuthorizeAsync(("login_hint", "nobody"))).AuthReqId;

        var answer = await CallAsync(host, "resend", id);

        Assert.That((answer.Status, host.Devices.Calls), Is.EqualTo((HttpStatusCode.NoContent, 0)));
    }

    [Test, Spec("U2")]
    public async Task Another_user_has_nothing_told_again()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;

        Assert.That((await ByUserAsync(host, id, "bob")).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    private static CibaHost Host(Action<CibaOptions>? options = null, Action<CibaBuilder>? setup = null) => new()
    {
        Setup = setup,
        Options = chosen =>
        {
            chosen.ClientsMayCancel = chosen.ClientsMayResend = true;
            options?.Invoke(chosen);
        },
    };

    private static Task<Answer> CallAsync(CibaHost host, string verb, string? authReqId, params (string Name, string? Value)[] changes) =>
        host.PostAsync($"/bc-authorize/{verb}", new (string Name, string? Value)[] { ("client_id", "client"), ("client_secret", CibaHost.Secret), ("auth_req_id", authReqId) }
            .Where(field => changes.All(change => change.Name != field.Name)).Concat(changes));

    private static async Task<Answer> ByUserAsync(CibaHost host, string authReqId, string user = "alice") =>
        await host.DeviceAsync(HttpMethod.Post, $"/requests/{await host.HandleAsync(authReqId)}/resend", user);
}
