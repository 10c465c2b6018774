using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 9396: what exactly the client asks for, from the form to the tokens.</summary>
public sealed class AuthorizationDetailsTests
{
    private const string Payment = """{"type":"payment","amount":1.50,"to":"Café"}""";
    private const string Account = """{"type":"account","actions":["read"]}""";

    private static IEnumerable<TestCaseData> BadDetails()
    {
        const string Malformed = "authorization_details is a JSON array of objects, each with its type as a text, and no name twice in an object.";
        const string Misleading = "A name or a text in authorization_details holds text direction or control characters: send plain text, with tabs and line breaks at most.";
        const string Unknown = "A type in authorization_details is not known here, or not for this client.";
        yield return Case("[", Malformed);
        yield return Case("[]x", Malformed);
        yield return Case("[{\"type\":\"payment\"},]", Malformed, "a comma too many");
        yield return Case("[{\"type\":\"payment\"}/* */]", Malformed, "a comment");
        yield return Case("null", Malformed);
        yield return Case("payment", Malformed);
        yield return Case(Payment, Malformed, "an object without its array");
        yield return Case("[]", Malformed);
        yield return Case("[null]", Malformed);
        yield return Case("[\"payment\"]", Malformed, "a text");
        yield return Case($"[[{Payment}]]", Malformed, "an array in the array");
        yield return Case("[{}]", Malformed);
        yield return Case($"[{Payment},{{\"amount\":1}}]", Malformed, "no type in the second");
        yield return Case("[{\"Type\":\"payment\"}]", Malformed, "Type");
        yield return Case("[{\"type\":1}]", Malformed, "a number as type");
        yield return Case("[{\"type\":null}]", Malformed, "null as type");
        yield return Case("[{\"type\":[\"payment\"]}]", Malformed, "a list as type");
        yield return Case("[{\"type\":\"\"}]", Malformed, "an empty type");
        yield return Case("[{\"type\":\"\\ud800\"}]", Malformed, "half a surrogate pair as type");
        yield return Case("[{\"type\":\"payment\",\"to\":\"\\udc00\"}]", Malformed, "half a surrogate pair as value");
        yield return Case("[{\"type\":\"payment\",\"\\ud800\":1}]", Malformed, "half a surrogate pair as name");
        yield return Case("[{\"type\":\"payment\",\"deep\":[{\"a\":[\"\\ud800\\ud800\"]}]}]", Malformed, "half a surrogate pair further down");
        yield return Case("[{\"type\":\"payment\",\"amount\":1e99999999999}]", Malformed, "an exponent beyond 32 bits");
        yield return Case("[{\"type\":\"payment\",\"deep\":[{\"a\":[-0.1E-99999999999]}]}]", Malformed, "an exponent beyond 32 bits further down");
        yield return Case("[{\"type\":\"payment\",\"type\":\"account\"}]", Malformed, "type twice");
        yield return Case("[{\"type\":\"payment\",\"a\":{\"b\":1,\"\\u0062\":2}}]", Malformed, "a name twice further down, once escaped");
        yield return Case($"[{{\"type\":\"payment\",\"a\":{new string('[', 15)}{new string(']', 15)}}}]", Malformed, "17 levels");
        yield return Case($"[{{\"type\":\"payment\",\"a\":{new string('[', 4000)}{new string(']', 4000)}}}]", Malformed, "4000 levels");
        yield return Case($"[{{\"type\":\"payment\",\"a\":\"{new string('x', 8192)}\"}}]", "authorization_details is too long: 8192 characters at most.", "too long");
        foreach (var code in new[] { "061C", "200E", "200F", "202A", "202B", "202C", "202D", "202E", "2066", "2067", "2068", "2069", "0000", "001B", "000B", "007F", "0085" })
        {
            yield return Case($"[{{\"type\":\"payment\",\"to\":\"Shop\\u{code} 1\"}}]", Misleading, $"U+{code} in a text");
        }

        yield return Case("[{\"type\":\"payment\",\"to\":\"\u202Eknab\"}]", Misleading, "an override as it is");
        yield return Case("[{\"type\":\"payment\",\"a\\u202Emount\":1}]", Misleading, "an override in a name");
        yield return Case("[{\"type\":\"account\"},{\"type\":\"payment\",\"deep\":[1,{\"a\":[[\"\\u2067\"]]}]}]", Misleading, "an isolate further down");
        yield return Case("[{\"type\":\"payment\",\"deep\":[{\"\\u0007\":null}]}]", Misleading, "a control character in a name further down");
        yield return Case("[{\"type\":\"insurance\"}]", Unknown, "a type that nobody knows");
        yield return Case("[{\"type\":\"Payment\"}]", Unknown, "a type in other letters");
        yield return Case("[{\"type\":\"consent\"}]", Unknown, "a type that is not this client's");
        yield return Case($"[{Payment},{{\"type\":\"consent\"}}]", Unknown, "one of two types that is not this client's");

        static TestCaseData Case(string json, string description, string? name = null) => new TestCaseData(json, description).SetArgDisplayNames(name ?? json);
    }

    [TestCaseSource(nameof(BadDetails)), Spec("A20")]
    public async Task What_is_no_list_of_known_details_is_refused(string json, string description)
    {
        await using var host = Host();

        var answer = await host.AuthorizeAsync(("authorization_details", json));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_authorization_details");
        Assert.That(answer.Description, Is.EqualTo(description));
    }

    [Test, Spec("A20")]
    public async Task A_client_without_types_of_its_own_asks_for_none()
    {
        await using var host = Host();

        var answer = await host.AuthorizeAsync(("client_id", "other"), ("authorization_details", $"[{Payment}]"));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_authorization_details");
    }

    [Test, Spec("A1")]
    public async Task Details_without_a_value_are_none_and_twice_is_refused()
    {
        await using var host = Host();

        var absent = await host.AuthorizeAsync(("authorization_details", ""));
        var twice = await host.AuthorizeAsync(("authorization_details", $"[{Payment}]"), ("authorization_details", $"[{Payment}]"));

        Assert.That(absent.Status, Is.EqualTo(HttpStatusCode.OK), absent.Body);
        Refusal.Says(twice, "invalid_request");
    }

    [TestCase("""[{"type":"payment","amount":1.50}]"""), TestCase("""[{"amount":1e400,"type":"payment","big":12345678901234567890.10}]""")]
    [TestCase("""[{"type":"payment","to":"Ärger & <b>'quotes'</b> \"\\ \t\r\n","none":null,"yes":true,"list":[1,[],{}]}]""")]
    [TestCase("[{\"type\":\"payment\",\"to\":\"\u0646\u0627\u0645\u0647\u200c\u0647\u0627\"}]")]
    [TestCase("""[{"type":"payment"},{"type":"payment"},{"type":"account"}]"""), Spec("U1"), Spec("I6")]
    public async Task Details_come_through_as_they_are(string json)
    {
        await using var host = Host();

        var authReqId = (await host.AuthorizeAsync(("authorization_details", json))).AuthReqId;
        var told = await host.Devices.NextAsync();
        var listed = await host.DeviceAsync(HttpMethod.Get, "/requests", "alice");
        var shown = await host.DeviceAsync(HttpMethod.Get, $"/requests/{told.Id}", "alice");
        await host.ApproveAsync(authReqId);
        var tokens = await host.PollAsync(authReqId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That($"[{string.Join(',', told.AuthorizationDetails.Select(detail => detail.GetRawText()))}]", Is.EqualTo(json));
            Assert.That(RawDetails(shown.Json), Is.EqualTo(json));
            Assert.That(RawDetails(listed.Json[0]), Is.EqualTo(json));
            Assert.That(RawDetails(tokens.Json), Is.EqualTo(json));
            Assert.That(RawDetails(ReceivedToken.Access(tokens).Claims), Is.EqualTo(json));
        }
    }

    [Test, Spec("I6")]
    public async Task Characters_beyond_the_first_plane_are_the_same_however_they_are_written()
    {
        await using var host = Host();

        var tokens = await host.TokensAsync(null, ("authorization_details", """[{"type":"payment","😀":"😀"}]"""));

        Assert.That(tokens.Json.GetProperty("authorization_details")[0].GetProperty("😀").GetString(), Is.EqualTo("😀"));
    }

    [Test, Spec("U1")]
    public async Task The_device_sees_them_among_all_the_rest()
    {
        await using var host = Host();
        var id = CibaRequestId.FromAuthReqId((await host.AuthorizeAsync(("authorization_details", $" [ {Payment} , {Account} ] "), ("binding_message", "W4SCT"), ("acr_values", "urn:a"))).AuthReqId);

        var answer = await host.DeviceAsync(HttpMethod.Get, $"/requests/{id}", "alice");

        Assert.That(answer.Body, Is.EqualTo(
            $$"""{"id":"{{id}}","client_id":"client","client_name":"The client","scope":"openid","created_at":"2026-01-15T12:00:00+00:00","expires_at":"2026-01-15T12:02:00+00:00","binding_message":"W4SCT","authorization_details":[{{Payment}},{{Account}}],"acr_values":"urn:a"}"""));
    }

    [Test, Spec("T7"), Spec("I6")]
    public async Task Where_none_were_asked_there_is_no_such_member()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var shown = await host.DeviceAsync(HttpMethod.Get, $"/requests/{CibaRequestId.FromAuthReqId(id)}", "alice");
        await host.ApproveAsync(id, approval: new CibaApproval { AuthorizationDetails = [] });
        var tokens = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(shown.Json.TryGetProperty("authorization_details", out _), Is.False);
            Assert.That(tokens.Json.EnumerateObject().Select(member => member.Name), Is.EqualTo(new[] { "access_token", "token_type", "expires_in", "id_token" }));
            Assert.That(ReceivedToken.Access(tokens).Claims.TryGetProperty("authorization_details", out _), Is.False);
        }
    }

    [TestCase(true), TestCase(false), Spec("P2"), Spec("I6")]
    public async Task A_push_has_those_that_were_granted(bool asked)
    {
        using var receiver = new FakeReceiver();
        await using var host = Host(FakeReceiver.PushClient(), receiver.Use);
        var id = (await host.AskAsync(("authorization_details", asked ? $"[{Payment},{Account}]" : null))).AuthReqId;
        await host.ApproveAsync(id, approval: asked ? new CibaApproval { AuthorizationDetails = [JsonElement.Parse(Account)] } : null);

        var push = await receiver.NextAsync();

        string[] members = ["auth_req_id", "access_token", "token_type", "expires_in", "id_token"];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(push.Tokens.Json.EnumerateObject().Select(member => member.Name), Is.EqualTo(asked ? [.. members, "authorization_details"] : members));
            Assert.That(RawDetails(push.Tokens.Json), Is.EqualTo(asked ? $"[{Account}]" : null));
            Assert.That(RawDetails(ReceivedToken.Access(push.Tokens).Claims), Is.EqualTo(asked ? $"[{Account}]" : null));
        }
    }

    [Test, Spec("I6")]
    public async Task A_host_that_issues_the_tokens_is_told_what_was_asked_and_what_was_granted()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync(("authorization_details", $"[{Payment},{Account}]"))).AuthReqId;
        await host.ApproveAsync(id, approval: new CibaApproval { AuthorizationDetails = [JsonElement.Parse(Account)] });
        await using var scope = (await host.ServicesAsync()).CreateAsyncScope();

        await using var grant = await scope.ServiceProvider.GetRequiredService<ICibaGrants>().RedeemAsync(id, "client", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(grant.Request!.AuthorizationDetails.Select(detail => detail.GetRawText()), Is.EqualTo(new[] { Account }));
            Assert.That(grant.Request.RequestedAuthorizationDetails.Select(detail => detail.GetRawText()), Is.EqualTo(new[] { Payment, Account }));
        }
    }

    private static string? RawDetails(JsonElement json) => json.TryGetProperty("authorization_details", out var details) ? details.GetRawText() : null;

    private static CibaHost Host(CibaClient? client = null, Action<CibaBuilder>? setup = null)
    {
        client ??= CibaHost.Client("client");
        client.AuthorizationDetailsTypes = ["payment", "account"];
        return new CibaHost { Clients = [client, CibaHost.Client("other")], Options = options => options.AuthorizationDetailsTypesSupported = ["payment", "account", "consent"], Setup = setup };
    }
}
