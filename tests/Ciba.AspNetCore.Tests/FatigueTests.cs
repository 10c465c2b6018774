using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 15: a client does not get its yes by asking until the user is tired.</summary>
public sealed class FatigueTests
{
    [Test, Spec("U5"), Spec("A20")]
    public async Task After_a_denial_the_client_is_refused_for_that_user_for_a_while()
    {
        await using var host = new CibaHost { Options = options => options.DenialCooldown = TimeSpan.FromMinutes(1) };
        await host.DenyAsync((await host.AuthorizeAsync()).AuthReqId);
        await host.Devices.NextAsync();

        var answer = await host.AuthorizeAsync();
        var others = new[] { await host.AuthorizeAsync(("client_id", "other")), await host.AuthorizeAsync(("login_hint", "bob")) };
        host.Time.Advance(TimeSpan.FromMinutes(1));

        Refusal.Says(answer, "access_denied", 403);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Description, Is.EqualTo("The user denied a request of this client a short while ago: try again later."));
            Assert.That(others.Select(other => other.Status), Is.All.EqualTo(HttpStatusCode.OK));
            Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [TestCase("approve"), TestCase("fail"), TestCase("expire"), Spec("U5")]
    public async Task Only_a_denial_is_followed_by_quiet(string end)
    {
        await using var host = new CibaHost { Options = options => options.DenialCooldown = TimeSpan.FromDays(1) };
        var id = (await host.AuthorizeAsync()).AuthReqId;
        switch (end)
        {
            case "approve":
                await host.ApproveAsync(id);
                break;
            case "fail":
                await host.FailAsync(id);
                break;
            default:
                host.Time.Advance(TimeSpan.FromMinutes(2));
                break;
        }

        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("U5")]
    public async Task Without_a_cool_down_a_denial_changes_nothing()
    {
        await using var host = new CibaHost();
        await host.DenyAsync((await host.AuthorizeAsync()).AuthReqId);

        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("U5")]
    public async Task The_same_request_again_is_the_same_request_with_the_time_that_is_left()
    {
        await using var host = Collapsing();
        var first = await host.AuthorizeAsync(("scope", "openid email profile"), ("binding_message", "W4SCT"), ("acr_values", "a b"));
        await host.Devices.NextAsync();
        host.Time.Advance(TimeSpan.FromSeconds(30));

        var second = await host.AuthorizeAsync(("scope", "profile openid email"), ("binding_message", " W4SCT "), ("acr_values", "a b"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(second.Body, Is.EqualTo($$"""{"auth_req_id":"{{first.AuthReqId}}","expires_in":90,"interval":5}"""));
            Assert.That((await host.DeviceAsync(HttpMethod.Get, "/requests", "alice")).Json.GetArrayLength(), Is.EqualTo(1));
            Assert.That(host.Devices.Calls, Is.EqualTo(1), "the device is told once");
            await host.ApproveAsync(first.AuthReqId);
            Assert.That((await host.PollAsync(second.AuthReqId)).Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((await host.AuthorizeAsync(("binding_message", "W4SCT"))).AuthReqId, Is.Not.EqualTo(first.AuthReqId), "what is answered waits no longer");
        }
    }

    [Test, Spec("U5")]
    public async Task The_same_request_again_is_told_the_interval_that_slow_down_has_made_of_it()
    {
        await using var host = Collapsing();
        var first = await host.AuthorizeAsync();
        await host.PollAsync(first.AuthReqId);
        await host.PollAsync(first.AuthReqId);

        var second = await host.AuthorizeAsync();
        host.Time.Advance(TimeSpan.FromSeconds(10));

        Assert.That((second.Body, (await host.PollAsync(first.AuthReqId)).Error), Is.EqualTo(($$"""{"auth_req_id":"{{first.AuthReqId}}","expires_in":120,"interval":10}""", "authorization_pending")));
    }

    [TestCase(60, null, true), TestCase(61, null, false), TestCase(119, "2", true), TestCase(0, "300", false), Spec("U5")]
    public async Task A_request_with_less_than_half_of_the_time_that_is_asked_for_is_not_given_back(int passed, string? requestedExpiry, bool isFirst)
    {
        await using var host = Collapsing();
        var first = await host.AuthorizeAsync();
        await host.Devices.NextAsync();
        host.Time.Advance(TimeSpan.FromSeconds(passed));

        var second = await host.AuthorizeAsync(("requested_expiry", requestedExpiry));
        if (!isFirst)
        {
            Assert.That((await host.Devices.NextAsync()).Id, Is.EqualTo(await host.HandleAsync(second.AuthReqId)), "the device is told of the new one");
        }

        Assert.That((second.AuthReqId == first.AuthReqId, host.Devices.Calls), Is.EqualTo((isFirst, isFirst ? 1 : 2)));
    }

    [Test, Spec("U5")]
    public async Task After_a_denial_the_same_request_is_refused_though_another_one_like_it_waits()
    {
        await using var host = new CibaHost
        {
            Options = options => (options.CollapseIdenticalRequests, options.DenialCooldown) = (true, TimeSpan.FromSeconds(30)),
        };
        var first = await host.AuthorizeAsync();
        await host.DenyAsync((await host.AuthorizeAsync(("requested_expiry", "300"))).AuthReqId);

        var during = await host.AuthorizeAsync();
        host.Time.Advance(TimeSpan.FromSeconds(30));
        var behind = await host.AuthorizeAsync();

        Refusal.Says(during, "access_denied", 403);
        Assert.That(behind.AuthReqId, Is.EqualTo(first.AuthReqId));
    }

    [TestCase("scope", "openid email"), TestCase("binding_message", "OTHER"), TestCase("acr_values", "b a"), TestCase("login_hint", "bob"), TestCase("client_id", "other"), Spec("U5")]
    public async Task What_differs_is_another_request(string name, string value)
    {
        await using var host = Collapsing();
        (string, string?)[] asked = [("scope", "openid"), ("binding_message", "W4SCT"), ("acr_values", "a b")];
        var first = await host.AuthorizeAsync(asked);

        var second = await host.AuthorizeAsync([.. asked.Where(field => field.Item1 != name), (name, value)]);

        Assert.That(second.AuthReqId, Is.Not.EqualTo(first.AuthReqId));
    }

    [Test, Spec("U5")]
    public async Task Unless_the_host_wants_it_alike_requests_are_two()
    {
        await using var host = new CibaHost();

        string[] ids = [(await host.AuthorizeAsync()).AuthReqId, (await host.AuthorizeAsync()).AuthReqId];

        Assert.That(ids, Is.Unique);
    }

    [Test, Spec("U5")]
    public async Task A_user_who_blocks_a_client_hears_nothing_more_of_it_and_the_host_knows()
    {
        var blocks = new FakeBlocks();
        var events = new FakeEvents();
        await using var host = Blocking(blocks, events);
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.Devices.NextAsync();

        var denied = await DenyAsync(host, id, """{"block_client":true}""");
        var again = await host.AuthorizeAsync();

        Refusal.Says(again, "access_denied", 403);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(denied.Status, Is.EqualTo(HttpStatusCode.NoContent));
            Assert.That(blocks.Told.Select(request => (request.Subject, request.ClientId, request.Id)), Is.EqualTo(new[] { ("sub-alice", "client", await host.HandleAsync(id)) }));
            Assert.That(again.Description, Is.EqualTo("This user takes no requests of this client."));
            Assert.That((await host.PollAsync(id)).Error, Is.EqualTo("access_denied"));
            Assert.That((await host.AuthorizeAsync(("client_id", "other"))).Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((await events.NextAsync(3)).Select(heard => heard.Kind), Is.EqualTo(new[] { CibaEventKind.Accepted, CibaEventKind.ClientBlocked, CibaEventKind.Decided }));
        }
    }

    [Test, Spec("U3")]
    public async Task A_host_that_cannot_remember_the_block_leaves_the_request_as_it_was()
    {
        var blocks = new FakeBlocks { OnBlock = () => throw new InvalidOperationException("The database is away.") };
        await using var host = Blocking(blocks);
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var failed = await DenyAsync(host, id, """{"block_client":true}""");
        var pending = await host.PollAsync(id);
        blocks.OnBlock = () => { };

        DeviceEndpointTests.AssertProblem(failed, 500, CibaError.ServerError.Description);
        Assert.That((pending.Error, (await DenyAsync(host, id, """{"block_client":true}""")).Status), Is.EqualTo(("authorization_pending", HttpStatusCode.NoContent)));
    }

    [Test, Spec("U2")]
    public async Task Nobody_blocks_by_another_users_request_and_nobody_who_is_locked()
    {
        var blocks = new FakeBlocks();
        await using var host = Blocking(blocks);
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var bobs = await DenyAsync(host, id, """{"block_client":true}""", "bob");
        host.Users.Lock("alice");
        var locked = await DenyAsync(host, id, """{"block_client":true}""");

        Assert.That((bobs.Status, locked.Status, blocks.Told.Count), Is.EqualTo((HttpStatusCode.NotFound, HttpStatusCode.Forbidden, 0)));
    }

    [Test]
    public async Task A_host_without_a_memory_for_blocks_says_so_and_the_request_waits_on()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var answer = await DenyAsync(host, id, """{"block_client":true}""");

        DeviceEndpointTests.AssertProblem(answer, 400, "Clients cannot be blocked here: deny the request without block_client.");
        Assert.That((await host.PollAsync(id)).Error, Is.EqualTo("authorization_pending"));
    }

    [TestCase("""{"block_client":false}"""), TestCase("{}"), TestCase("")]
    public async Task A_plain_no_blocks_nobody(string body)
    {
        var blocks = new FakeBlocks();
        await using var host = Blocking(blocks);

        var answer = await DenyAsync(host, (await host.AuthorizeAsync()).AuthReqId, body);

        Assert.That((answer.Status, blocks.Told.Count), Is.EqualTo((HttpStatusCode.NoContent, 0)));
    }

    [TestCase("""{"block_client":"yes"}"""), TestCase("""{"block_client":true,"block_client":false}"""), TestCase("[]"), TestCase("{")]
    public async Task A_no_that_is_not_understood_decides_nothing(string body)
    {
        await using var host = Blocking(new FakeBlocks());
        var id = (await host.AuthorizeAsync()).AuthReqId;

        Assert.That(((await DenyAsync(host, id, body)).Status, (await host.PollAsync(id)).Error), Is.EqualTo((HttpStatusCode.BadRequest, "authorization_pending")));
    }

    [Test, Spec("A15")]
    public async Task Where_users_are_concealed_a_block_is_not_told_to_the_client()
    {
        var blocks = new FakeBlocks();
        await using var host = new CibaHost
        {
            Options = options => options.ConcealUnknownUsers = true,
            Setup = blocks.Use,
        };
        await blocks.BlockAsync("sub-alice", "client");

        var answer = await host.AuthorizeAsync();

        Assert.That((answer.Status, host.Devices.Calls), Is.EqualTo((HttpStatusCode.OK, 0)));
    }

    private static CibaHost Collapsing() => new() { Options = options => options.CollapseIdenticalRequests = true };

    private static CibaHost Blocking(FakeBlocks blocks, FakeEvents? events = null) => new()
    {
        Setup = ciba =>
        {
            blocks.Use(ciba);
            events?.Use(ciba);
        },
    };

    private static async Task<Answer> DenyAsync(CibaHost host, string authReqId, string body, string user = "alice") =>
        await host.DeviceAsync(HttpMethod.Post, $"/requests/{await host.HandleAsync(authReqId)}/deny", user, body);
}
