using System.Net;
using System.Text.Json;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 9396: what of the authorization details the user grants.</summary>
public sealed class AuthorizationDetailsApprovalTests
{
    private const string Payment = """{"type":"payment","amount":1.50,"to":"Café"}""";
    private const string Account = """{"type":"account","actions":["read"]}""";

    [TestCase(null, $"[{Payment},{Account}]"), TestCase("{}", $"[{Payment},{Account}]"), TestCase("""{"authorization_details":null}""", $"[{Payment},{Account}]")]
    [TestCase($$"""{"authorization_details":[{{Payment}},{{Account}}]}""", $"[{Payment},{Account}]"), TestCase($$"""{"authorization_details":[{{Account}}]}""", $"[{Account}]")]
    [TestCase("""{"authorization_details":[{"to":"Caf\u00e9","amount":1.5,"type":"payment"}]}""", $"[{Payment}]"), Spec("U4"), Spec("I6")]
    public async Task The_user_grants_all_or_some_of_what_was_asked(string? json, string granted)
    {
        await using var host = Host();
        var authReqId = (await host.AuthorizeAsync(("authorization_details", $"[{Payment},{Account}]"))).AuthReqId;

        var answer = await host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(authReqId)}/approve", "alice", json);
        var tokens = await host.PollAsync(authReqId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.NoContent), answer.Body);
            Assert.That(RawDetails(tokens.Json), Is.EqualTo(granted));
            Assert.That(RawDetails(ReceivedToken.Access(tokens).Claims), Is.EqualTo(granted));
            Assert.That(ReceivedToken.Id(tokens).Claims.TryGetProperty("authorization_details", out _), Is.False);
        }
    }

    private static IEnumerable<TestCaseData> NotAsked()
    {
        const string NotAsked = "authorization_details must be some of those that the client asked for, each as it was.";
        const string NotExpected = "The body is not the JSON that is expected: an object with no members but scope, binding_message, authorization_details, each of its type and at most once.";
        const string Nothing = "authorization_details must contain at least one of those that the client asked for: leave it out to approve all of them, or deny the request.";
        yield return Case("[]", Nothing, "none of them");
        yield return Case("[{\"type\":\"consent\"}]", NotAsked, "another type");
        yield return Case($"[{Payment},{Payment}]", NotAsked, "more often than asked");
        yield return Case("[{\"type\":\"payment\",\"amount\":1.51,\"to\":\"Café\"}]", NotAsked, "a larger amount");
        yield return Case("[{\"type\":\"payment\",\"amount\":\"1.50\",\"to\":\"Café\"}]", NotAsked, "a text instead of a number");
        yield return Case("[{\"type\":\"payment\",\"amount\":1.50}]", NotAsked, "a member left out");
        yield return Case("[{\"type\":\"payment\",\"amount\":1.50,\"to\":\"Café\",\"more\":1}]", NotAsked, "a member more");
        yield return Case("[{\"type\":\"payment\",\"amount\":9,\"amount\":1.50,\"to\":\"Café\"}]", NotExpected, "a member twice");
        yield return Case("[{\"type\":\"payment\",\"amount\":1.50,\"to\":\"Cafe\\u0301\"}]", NotAsked, "another spelling of the same letters");
        yield return Case("[{}]", NotAsked, "nothing");
        yield return Case("[null]", NotAsked, "null");
        yield return Case("[1,\"payment\",[]]", NotAsked, "no objects");
        yield return Case("[{\"type\":\"payment\",\"amount\":1.50,\"to\":\"\\ud800\"}]", NotAsked, "half a surrogate pair as value");
        yield return Case("[{\"type\":\"payment\",\"amount\":1.50,\"\\ud800\":\"Café\"}]", NotExpected, "half a surrogate pair as name");
        yield return Case("[{\"type\":\"payment\",\"amount\":1e99999999999,\"to\":\"Café\"}]", NotAsked, "an exponent beyond 32 bits");
        yield return Case("[{\"type\":\"payment\",\"amount\":0.001e-2147483648,\"to\":\"Café\"}]", NotAsked, "the least exponent of 32 bits");
        yield return Case("[{\"type\":\"payment\",\"amount\":1000e2147483647,\"to\":\"Café\"}]", NotAsked, "the greatest exponent of 32 bits");
        yield return Case("{}", NotExpected, "an object");
        yield return Case($"\"{Account.Replace("\"", "\\\"", StringComparison.Ordinal)}\"", NotExpected, "JSON in a text");

        static TestCaseData Case(string json, string detail, string name) => new TestCaseData(json, detail).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(NotAsked)), Spec("U4")]
    public async Task What_was_not_asked_is_not_granted_and_the_request_still_waits(string json, string detail)
    {
        await using var host = Host();
        var authReqId = (await host.AuthorizeAsync(("authorization_details", $"[{Payment},{Account}]"))).AuthReqId;

        var answer = await host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(authReqId)}/approve", "alice", $"{{\"authorization_details\":{json}}}");

        DeviceEndpointTests.AssertProblem(answer, 400, detail);
        Assert.That((await host.PollAsync(authReqId)).Error, Is.EqualTo("authorization_pending"));
    }

    [Test, Spec("U4")]
    public async Task Where_nothing_was_asked_nothing_can_be_granted()
    {
        await using var host = Host();
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;

        var result = await host.ApproveAsync(authReqId, approval: new CibaApproval { AuthorizationDetails = [JsonElement.Parse(Payment)] });

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result, Is.EqualTo(CibaDecisionResult.DetailsNotAsked));
            Assert.That((await host.PollAsync(authReqId)).Error, Is.EqualTo("authorization_pending"));
        }
    }

    [TestCase(false), TestCase(true), Spec("U4"), Spec("I6")]
    public async Task Approving_none_of_them_is_no_approval_whoever_calls(bool byDevice)
    {
        await using var host = Host();
        var authReqId = (await host.AuthorizeAsync(("scope", "openid email"), ("authorization_details", $"[{Payment}]"))).AuthReqId;

        var result = byDevice ? null : (await host.ApproveAsync(authReqId, approval: new CibaApproval { AuthorizationDetails = [] })).ToString();
        var answer = byDevice ? await host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(authReqId)}/approve", "alice", """{"authorization_details":[]}""") : null;
        var waiting = await host.PollAsync(authReqId);
        await host.ApproveAsync(authReqId, approval: new CibaApproval { AuthorizationDetails = [JsonElement.Parse(Payment)] });
        var tokens = await host.PollAsync(authReqId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result, Is.EqualTo(byDevice ? null : "AuthorizationDetailsRequired"));
            Assert.That(answer?.Text("code"), Is.EqualTo(byDevice ? "authorization_details_required" : null));
            Assert.That(waiting.Error, Is.EqualTo("authorization_pending"));
            Assert.That(RawDetails(tokens.Json), Is.EqualTo($"[{Payment}]"));
        }
    }

    [Test, Spec("U4"), Spec("I6")]
    public async Task What_the_store_cannot_show_is_not_granted_on_the_devices_word_and_gives_no_tokens()
    {
        await using var host = Host(setup: UnreadableStore.Use);
        var authReqId = (await host.AuthorizeAsync(("authorization_details", $"[{Account}]"))).AuthReqId;

        await host.ApproveAsync(authReqId, approval: new CibaApproval { AuthorizationDetails = [JsonElement.Parse(Payment)] });
        var answer = await host.PollAsync(authReqId);

        Refusal.Says(answer, "access_denied");
        Assert.That(answer.Description, Is.EqualTo("None of the authorization details that were asked for has been granted."));
    }

    [Test, Spec("P2"), Spec("P4"), Spec("I6")]
    public async Task A_push_without_any_of_them_is_a_denial_too()
    {
        using var receiver = new FakeReceiver();
        await using var host = Host(FakeReceiver.PushClient(), ciba =>
        {
            receiver.Use(ciba);
            UnreadableStore.Use(ciba);
        });
        await host.ApproveAsync((await host.AskAsync(("authorization_details", $"[{Account}]"))).AuthReqId);

        Assert.That((await receiver.NextAsync()).Tokens.Error, Is.EqualTo("access_denied"));
    }

    private static string? RawDetails(JsonElement json) => json.TryGetProperty("authorization_details", out var details) ? details.GetRawText() : null;

    private static CibaHost Host(CibaClient? client = null, Action<CibaBuilder>? setup = null)
    {
        client ??= CibaHost.Client("client");
        client.AuthorizationDetailsTypes = ["payment", "account"];
        return new CibaHost { Clients = [client, CibaHost.Client("other")], Options = options => options.AuthorizationDetailsTypesSupported = ["payment", "account", "consent"], Setup = setup };
    }
}
