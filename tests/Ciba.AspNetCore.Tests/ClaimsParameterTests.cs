using System.Net;
using System.Text.Json;

namespace Ciba.AspNetCore.Tests;

/// <summary>OpenID Connect Core section 5.5: the parameter claims, as it is asked and shown.</summary>
public sealed class ClaimsParameterTests
{
    private static IEnumerable<TestCaseData> Bad()
    {
        const string Malformed = "claims is a JSON object of 8 levels at most, without a name twice in an object.";
        const string IdToken = "id_token in claims is an object whose members are null or objects, with essential as true or false and values as a list.";
        const string Name = "id_token in claims asks for 64 claims at most, each by a name of 128 characters at most that can all be seen: no spaces, no control or text direction characters.";
        const string Acr = "The values of acr in claims are texts in printable ASCII without spaces, quotation marks and backslashes.";
        yield return Case("{", Malformed);
        yield return Case("null", Malformed);
        yield return Case("[]", Malformed);
        yield return Case("\"email\"", Malformed);
        yield return Case("{} {}", Malformed);
        yield return Case("{\"id_token\":{},\"id_token\":{}}", Malformed, "id_token twice");
        yield return Case("{\"id_token\":{\"email\":null,\"\\u0065mail\":null}}", Malformed, "a claim twice, once escaped");
        yield return Case("{\"userinfo\":{\"a\":1,\"a\":1}}", Malformed, "a name twice in what is ignored");
        yield return Case("{\"id_token\":{\"\\ud800\":null}}", Malformed, "half a surrogate pair as name");
        yield return Case("{\"id_token\":{\"name\":{\"value\":\"\\ud800\"}}}", Malformed, "half a surrogate pair as value");
        yield return Case("{\"id_token\":{\"age\":{\"value\":1e99999999999}}}", Malformed, "an exponent beyond 32 bits");
        yield return Case($"{{\"x\":{new string('[', 8)}{new string(']', 8)}}}", Malformed, "9 levels");
        yield return Case($"{{\"x\":\"{new string('x', 4096)}\"}}", "claims is too long: 4096 characters at most.", "too long");
        yield return Case("{\"id_token\":null}", IdToken);
        yield return Case("{\"id_token\":[\"email\"]}", IdToken);
        yield return Case("{\"id_token\":\"email\"}", IdToken);
        yield return Case("{\"id_token\":{\"email\":true}}", IdToken);
        yield return Case("{\"id_token\":{\"email\":\"a@example.com\"}}", IdToken);
        yield return Case("{\"id_token\":{\"email\":{\"essential\":\"true\"}}}", IdToken);
        yield return Case("{\"id_token\":{\"email\":{\"essential\":null}}}", IdToken);
        yield return Case("{\"id_token\":{\"email\":{\"values\":\"a@example.com\"}}}", IdToken);
        foreach (var name in new[] { "", " ", "an email", "\\u202Eliame", "email\\nnothing else", "email\\r", "a\\tb", "a\\u0000", "a\\u2028b", "\\u2066a\\u2069", "a\\u200Bb", "\\u061Ca", "\\uFEFFemail", "\\u3164", "a\\u2800", "a\\u0301", "\\uE000", "\\uDB40\\uDC41", "a\\uFFFE", new string('x', 129) })
        {
            yield return Case($"{{\"id_token\":{{\"email\":null,\"{name}\":null}}}}", Name, $"the name {name}");
        }

        yield return Case($"{{\"id_token\":{{{string.Join(',', Enumerable.Range(0, 65).Select(i => $"\"a{i}\":null"))}}}}}", Name, "65 names");
        yield return Case("{\"id_token\":{\"acr\":{\"value\":2}}}", Acr);
        yield return Case("{\"id_token\":{\"acr\":{\"value\":\"\"}}}", Acr);
        yield return Case("{\"id_token\":{\"acr\":{\"values\":[\"urn:a\",null]}}}", Acr);
        yield return Case("{\"id_token\":{\"acr\":{\"values\":[\"urn:a urn:b\"]}}}", Acr);
        foreach (var acr in new[] { "urn:\\u0007", "urn:\\u202Eknab", "urn:\\u00E9", "urn:\\u200B", "a\\\\b", "a\\\"b" })
        {
            yield return Case($"{{\"id_token\":{{\"acr\":{{\"values\":[\"{acr}\"]}}}}}}", Acr, $"the acr {acr}");
        }

        static TestCaseData Case(string json, string description, string? name = null) => new TestCaseData(json, description).SetArgDisplayNames(name ?? json);
    }

    [TestCaseSource(nameof(Bad)), Spec("A20")]
    public async Task What_is_no_claims_parameter_is_refused(string json, string description)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("claims", json));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo(description));
    }

    [TestCase("{}", new string[0]), TestCase("""{"id_token":{}}""", new string[0]), TestCase("""{"userinfo":{"email":null}}""", new string[0]), TestCase("""{"userinfo":7,"more":[]}""", new string[0])]
    [TestCase("""{"id_token":{"email":null,"name":{},"http://example.com/id":{"essential":true,"value":[1],"unknown":7}},"userinfo":{"picture":null}}""", new[] { "email", "name", "http://example.com/id" })]
    [TestCase("""{"id_token":{"email":{"essential":false,"values":[]},"acr":null}}""", new[] { "email", "acr" })]
    public async Task The_device_sees_the_names_of_what_is_asked_in_the_id_token(string json, string[] names)
    {
        await using var host = new CibaHost();

        await host.AuthorizeAsync(("claims", json));
        var told = await host.Devices.NextAsync();
        var shown = await host.DeviceAsync(HttpMethod.Get, $"/requests/{told.Id}", "alice");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(told.RequestedIdTokenClaims, Is.EqualTo(names));
            Assert.That(shown.Json.TryGetProperty("claims", out var claims) ? claims.GetRawText() : null, Is.EqualTo(names.Length == 0 ? null : JsonSerializer.Serialize(names)));
        }
    }

    [Test]
    public async Task Names_may_be_of_any_letters_and_as_many_and_as_long_as_is_allowed()
    {
        await using var host = new CibaHost();
        string[] names = ["größe", "名前#ja-Hani-JP", "𝒳", "https://example.com/a_b-c.d", new string('x', 128), .. Enumerable.Range(0, 59).Select(i => $"a{i}")];

        await host.AuthorizeAsync(("claims", $$$"""{"id_token":{{{{string.Join(',', names.Select(name => $"\"{name}\":null"))}}}}}"""));

        Assert.That((await host.Devices.NextAsync()).RequestedIdTokenClaims, Is.EqualTo(names));
    }

    [TestCase("""{"value":"sub-alice"}"""), TestCase("""{"values":["sub-bob","sub-alice"]}"""), TestCase("""{"essential":true}"""), TestCase("null")]
    public async Task The_user_may_be_named_twice(string sub)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("claims", $$$"""{"id_token":{"sub":{{{sub}}}}}"""));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [TestCase("""{"value":"sub-bob"}"""), TestCase("""{"value":"SUB-ALICE"}"""), TestCase("""{"value":7}"""), TestCase("""{"value":null}"""), TestCase("""{"values":["sub-bob"]}"""), TestCase("""{"values":[]}"""), Spec("A20"), Spec("I2")]
    public async Task Another_user_than_the_hint_names_is_refused(string sub)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("claims", $$$"""{"id_token":{"sub":{{{sub}}}}}"""));

        await Refusal.LeavesNothingAsync(host, answer, "unknown_user_id");
        Assert.That(answer.Description, Is.EqualTo("The hint does not name the user whom sub in claims names."));
    }

    [TestCase("alice"), TestCase("nobody"), Spec("A15")]
    public async Task Where_unknown_users_are_concealed_so_is_who_another_is(string hint)
    {
        await using var host = new CibaHost { Options = options => options.ConcealUnknownUsers = true };

        var answer = await host.AuthorizeAsync(("login_hint", hint), ("claims", """{"id_token":{"sub":{"value":"sub-bob"}}}"""));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
            Assert.That((await host.PollAsync(answer.AuthReqId)).Error, Is.EqualTo("authorization_pending"));
            Assert.That((await host.DeviceAsync(HttpMethod.Get, "/requests", "alice")).Body, Is.EqualTo("[]"), "nobody is asked");
        }
    }

    [TestCase("""{"value":"sub-alice"}"""), TestCase("""{"values":["x"]}"""), Spec("A20")]
    public async Task A_client_with_pairwise_subjects_cannot_name_the_user_so(string sub)
    {
        await using var host = PairwiseClients.Host(PairwiseClients.Client());

        var answer = await host.AuthorizeAsync([.. PairwiseClients.Form(host), ("claims", $$$"""{"id_token":{"sub":{{{sub}}}}}""")]);
        var id = (await host.AuthorizeAsync([.. PairwiseClients.Form(host), ("claims", """{"id_token":{"sub":null}}""")])).AuthReqId;
        await host.ApproveAsync(id);
        var plain = await host.PollAsync(id, PairwiseClients.Form(host));

        Refusal.Says(answer, "invalid_request");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Description, Is.EqualTo("A value of sub in claims cannot be asked for by a client with pairwise subjects: name the user by a hint alone."));
            Assert.That(ReceivedToken.Id(plain).Claims.GetProperty("sub").GetString(), Is.Not.EqualTo("sub-alice"));
        }
    }

    [Test]
    public async Task A_request_for_other_claims_is_another_request_and_one_in_other_circumstances_is_not()
    {
        await using var host = new CibaHost { Options = options => options.CollapseIdenticalRequests = true };

        var first = await host.AuthorizeAsync(("claims", """{"id_token":{"email":null}}"""), ("request_context", """{"ip":"192.0.2.1"}"""));
        var again = await host.AuthorizeAsync(("claims", """{"id_token":{"email":null}}"""), ("request_context", """{"ip":"192.0.2.2"}"""));
        var other = await host.AuthorizeAsync(("claims", """{"id_token":{"email":{"essential":true}}}"""));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(again.AuthReqId, Is.EqualTo(first.AuthReqId));
            Assert.That(other.AuthReqId, Is.Not.EqualTo(first.AuthReqId));
        }
    }
}
