using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>How the user is to be authenticated: acr_values, and acr among the claims (OpenID Connect Core section 5.5.1.1).</summary>
public sealed class AuthenticationContextTests
{
    private const string Essential = """{"id_token":{"acr":{"essential":true,"values":["urn:acr:2","urn:acr:3"]}}}""";

    [TestCase("urn:a urn:b", """{"value":"urn:c"}""", "urn:a urn:b urn:c"), TestCase("urn:a urn:b", """{"values":["urn:b","urn:c","urn:c"]}""", "urn:a urn:b urn:c")]
    [TestCase(null, """{"value":"urn:b","values":["urn:a"]}""", "urn:b urn:a"), TestCase("urn:a", "null", "urn:a"), TestCase(null, "null", null), Spec("A12"), Spec("U1")]
    public async Task What_claims_ask_for_comes_behind_acr_values(string? acrValues, string acr, string? expected)
    {
        await using var host = new CibaHost();

        await host.AuthorizeAsync(("acr_values", acrValues), ("claims", $$$"""{"id_token":{"acr":{{{acr}}}}}"""));
        var told = await host.Devices.NextAsync();
        var shown = await host.DeviceAsync(HttpMethod.Get, $"/requests/{told.Id}", "alice");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(string.Join(' ', told.AcrValues), Is.EqualTo(expected ?? ""));
            Assert.That(shown.Text("acr_values"), Is.EqualTo(expected));
        }
    }

    [TestCase("""{"acr":null}""", "urn:acr:2", "urn:acr:2"), TestCase("""{"acr":{"value":"urn:acr:2"}}""", "urn:acr:2", "urn:acr:2"), TestCase("""{"acr":{"essential":true}}""", "urn:acr:2", "urn:acr:2")]
    [TestCase("""{"acr":{"values":["urn:acr:3"]}}""", "urn:acr:2", "urn:acr:2"), TestCase("""{"acr":null}""", null, null), TestCase("""{"email":null}""", "urn:acr:2", null), Spec("I1"), Spec("A12")]
    public async Task The_acr_is_there_where_claims_ask_for_it_and_it_is_known(string idToken, string? reached, string? claim)
    {
        await using var host = new CibaHost();

        var token = ReceivedToken.Id(await host.TokensAsync(new CibaApproval { Acr = reached, Amr = ["face"] }, ("claims", $$"""{"id_token":{{idToken}}}""")));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(token.Claims.TryGetProperty("acr", out var acr) ? acr.GetString() : null, Is.EqualTo(claim));
            Assert.That(token.Claims.GetProperty("amr").GetRawText(), Is.EqualTo("""["face"]"""), "whoever asked");
        }
    }

    [TestCase(null), TestCase("urn:acr:1"), TestCase("URN:ACR:2"), TestCase("urn:acr:2 urn:acr:3"), Spec("A12"), Spec("U3")]
    public async Task Where_it_is_essential_less_is_no_approval_and_the_request_still_waits(string? reached)
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync(("acr_values", "urn:acr:1"), ("claims", Essential))).AuthReqId;

        var result = await host.ApproveAsync(id, approval: new CibaApproval { Acr = reached });
        var waiting = await host.PollAsync(id);
        var better = await host.ApproveAsync(id, approval: new CibaApproval { Acr = "urn:acr:3" });
        var token = ReceivedToken.Id(await host.PollAsync(id));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result, Is.EqualTo(CibaDecisionResult.AcrNotReached));
            Assert.That(waiting.Error, Is.EqualTo("authorization_pending"));
            Assert.That(better, Is.EqualTo(CibaDecisionResult.Done));
            Assert.That(token.Claims.GetProperty("acr").GetString(), Is.EqualTo("urn:acr:3"));
        }
    }

    [Test, Spec("A12")]
    public async Task An_approval_of_everything_says_nothing_of_how_the_user_was_authenticated()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync(("claims", Essential))).AuthReqId;

        Assert.That(await host.ApproveAsync(id), Is.EqualTo(CibaDecisionResult.AcrNotReached));
    }

    [Test, Spec("A12")]
    public async Task What_must_be_reached_is_told_to_the_device_before_it_asks_the_user()
    {
        await using var host = new CibaHost();
        var id = CibaRequestId.FromAuthReqId((await host.AuthorizeAsync(("claims", Essential))).AuthReqId);
        var wish = CibaRequestId.FromAuthReqId((await host.AuthorizeAsync(("acr_values", "urn:acr:1"))).AuthReqId);

        var told = await host.Devices.NextAsync();
        var shown = await host.DeviceAsync(HttpMethod.Get, $"/requests/{id}", "alice");
        var shownWish = await host.DeviceAsync(HttpMethod.Get, $"/requests/{wish}", "alice");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(told.RequiredAcrValues, Is.EqualTo(new[] { "urn:acr:2", "urn:acr:3" }));
            Assert.That(shown.Text("required_acr_values"), Is.EqualTo("urn:acr:2 urn:acr:3"));
            Assert.That(shownWish.Body, Does.Contain("acr_values").And.Not.Contain("required"));
        }
    }

    [Test, Spec("A12")]
    public async Task The_device_learns_that_the_user_must_be_authenticated_better()
    {
        await using var host = new CibaHost();

        // The user of this device has reached urn:acr:2.
        var id = (await host.AuthorizeAsync(("claims", """{"id_token":{"acr":{"essential":true,"value":"urn:acr:3"}}}"""))).AuthReqId;
        var enough = (await host.AuthorizeAsync(("claims", Essential))).AuthReqId;
        var answer = await host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(id)}/approve", "alice");
        var taken = await host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(enough)}/approve", "alice");

        DeviceEndpointTests.AssertProblem(answer, 409, "The user must be authenticated in one of the ways that the request demands.");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Text("code"), Is.EqualTo("acr_not_reached"));
            Assert.That(taken.Status, Is.EqualTo(HttpStatusCode.NoContent), taken.Body);
            Assert.That(await host.DenyAsync(id), Is.EqualTo(CibaDecisionResult.Done), "a no needs no such thing");
        }
    }

    [TestCase("""{"value":"urn:acr:3"}"""), TestCase("""{"essential":false,"value":"urn:acr:3"}"""), TestCase("""{"essential":true}"""), Spec("A12")]
    public async Task What_is_not_essential_is_a_wish(string acr)
    {
        await using var host = new CibaHost { Options = options => options.AcrValuesSupported = ["urn:acr:1"] };
        var id = (await host.AuthorizeAsync(("claims", $$$"""{"id_token":{"acr":{{{acr}}}}}"""))).AuthReqId;

        Assert.That(await host.ApproveAsync(id, approval: new CibaApproval { Acr = "urn:acr:1" }), Is.EqualTo(CibaDecisionResult.Done));
    }

    [TestCase("urn:acr:1", true), TestCase("urn:acr:1 urn:acr:3", false), TestCase("", false), Spec("A12"), Spec("A20")]
    public async Task What_nobody_can_reach_is_refused_at_once(string supported, bool isRefused)
    {
        await using var host = new CibaHost { Options = options => options.AcrValuesSupported = supported.Split(' ', StringSplitOptions.RemoveEmptyEntries) };

        var answer = await host.AuthorizeAsync(("claims", Essential));

        if (!isRefused)
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
            return;
        }

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo("None of the essential acr values in claims can be reached here: ask for one that discovery lists in acr_values_supported."));
    }

    [Test, Spec("A12"), Spec("T12")]
    public async Task What_the_store_could_not_show_at_the_approval_is_seen_at_the_redemption()
    {
        await using var host = new CibaHost { Setup = UnreadableStore.Use };
        var id = (await host.AuthorizeAsync(("claims", Essential))).AuthReqId;
        await host.ApproveAsync(id);

        var answer = await host.PollAsync(id);

        Refusal.Says(answer, "access_denied");
        Assert.That(answer.Description, Is.EqualTo("The user was not authenticated as the request demands."));
    }

    [Test, Spec("A12"), Spec("P2")]
    public async Task A_push_client_learns_of_it_too()
    {
        using var receiver = new FakeReceiver();
        await using var host = new CibaHost
        {
            Clients = [FakeReceiver.PushClient()],
            Setup = ciba =>
            {
                receiver.Use(ciba);
                UnreadableStore.Use(ciba);
            },
        };
        await host.ApproveAsync((await host.AskAsync(("claims", Essential))).AuthReqId);

        var push = await receiver.NextAsync();

        Assert.That(push.Tokens.Error, Is.EqualTo("access_denied"));
    }
}
