using System.Net;
using Ciba.AspNetCore.Authentication;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 7.1.1: the parameters of a signed request stand in the JWT, whatever JSON they are, and nowhere else.</summary>
[Spec("R3")]
public sealed class SignedRequestParameterTests
{
    private const string Assertion = "The request is refused: its sub is the client_id, as in a client_assertion: leave sub out.";

    private static readonly string[] Parameters =
    [
        "scope", "client_notification_token", "acr_values", "login_hint_token", "id_token_hint", "login_hint", "binding_message", "user_code", "requested_expiry", "dpop_jkt",
        "resource", "authorization_details", "claims", "request_context",
    ];

    private static IEnumerable<TestCaseData> WrongTypes =>
        from name in Parameters
        from json in new[] { "null", "true", "1", "[]", "[1]", "[\"\\u0000\"]", "{}", "\"\\ud800\"", "\"a\\u0000\"" }
        where !(name switch
        {
            "requested_expiry" => json is "1",
            "resource" => json is "[]",
            "authorization_details" => json[0] == '[',
            "claims" or "request_context" => json is "{}",
            _ => false,
        })
        select new TestCaseData(name, json);

    private static IEnumerable<TestCaseData> RightTypes =>
    [
        new("scope", "\"openid \\u0065mail\"", new[] { "openid email" }),
        new("client_notification_token", "\"a.b~c\"", new[] { "a.b~c" }),
        new("requested_expiry", "60", new[] { "60" }),
        new("requested_expiry", "\"60\"", new[] { "60" }),
        new("dpop_jkt", "\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"", new[] { "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }),
        new("resource", "\"https://a.example\"", new[] { "https://a.example" }),
        new("resource", "[\"https://a.example\",\"https://b.example\",\"\"]", new[] { "https://a.example", "https://b.example" }),
        new("resource", "[]", Array.Empty<string>()),
        new("authorization_details", """[ {"type":"\u0061","x":1.50} ]""", new[] { """[ {"type":"\u0061","x":1.50} ]""" }),
        new("authorization_details", """ "[{\"type\":\"a\"}]" """, new[] { """[{"type":"a"}]""" }),
        new("claims", """{"id_token":{"email":null}}""", new[] { """{"id_token":{"email":null}}""" }),
        new("claims", """ "{\"id_token\":{}}" """, new[] { """{"id_token":{}}""" }),
        new("request_context", """{"ip":"::1"}""", new[] { """{"ip":"::1"}""" }),
        new("request_context", """ "{}" """, new[] { "{}" }),
        new("binding_message", "\"\"", Array.Empty<string>()),
    ];

    [TestCaseSource(nameof(Parameters))]
    public async Task A_parameter_beside_the_request_is_named(string name)
    {
        await using var host = SignedCalls.Host();

        var answer = await host.SignedAsync(SignedCalls.Jwt(host), (name, "openid"));

        await host.RefusesAsync(answer, $"{name} stands beside request: make it a claim of the request, with every other parameter of it.");
    }

    [Test]
    public async Task A_parameter_that_stands_in_both_places_alike_is_refused_too()
    {
        await using var host = SignedCalls.Host();

        var answer = await host.SignedAsync(SignedCalls.Jwt(host), ("scope", "openid"));

        await host.RefusesAsync(answer, "scope stands beside request: make it a claim of the request, with every other parameter of it.");
    }

    [TestCase("authorization_details", """[{"type":"payment","to":"\u202Eknab"}]""", "invalid_authorization_details")]
    [TestCase("acr_values", "\"urn:\\u202Eknab\"", "invalid_request")]
    [TestCase("claims", """{"id_token":{"acr":{"value":"\u202Eknab"}}}""", "invalid_request")]
    public async Task What_would_read_otherwise_than_it_is_meant_is_refused_in_a_signed_request_too(string name, string json, string error)
    {
        await using var host = SignedCalls.Host();

        await Refusal.LeavesNothingAsync(host, await host.SignedAsync(SignedCalls.Jwt(host).Claim(name, json)), error);
    }

    [Test]
    public async Task Client_authentication_and_what_is_no_parameter_stay_outside()
    {
        await using var host = SignedCalls.Host();

        var answer = await host.SignedAsync(SignedCalls.Jwt(host), ("unknown", "1"), ("Scope", "x"), ("nonce", "n"), ("login_hint_token", ""));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [Test]
    public async Task The_client_may_authenticate_by_an_assertion_with_the_same_key()
    {
        var client = ClientCalls.KeyClient("client", TestKey.Set(SignedCalls.Key.Jwk()), "ES256");
        client.BackchannelAuthenticationRequestSigningAlg = "ES256";
        await using var host = new CibaHost { Clients = [client] };

        var answer = await host.SignedAsync(SignedCalls.Jwt(host), TestJwt.Form(new TestJwt(host).Sign(SignedCalls.Key)));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [Test]
    public async Task An_assertion_is_no_request_and_a_request_no_assertion()
    {
        var client = ClientCalls.KeyClient("client", TestKey.Set(SignedCalls.Key.Jwk()), "ES256");
        client.BackchannelAuthenticationRequestSigningAlg = "ES256";
        await using var host = new CibaHost { Clients = [client] };

        var asRequest = await host.SignedAsync(new TestJwt(host).Sign(SignedCalls.Key), TestJwt.Form(new TestJwt(host).Sign(SignedCalls.Key)));
        var asAssertion = await host.SignedAsync(SignedCalls.Jwt(host), TestJwt.Form(SignedCalls.Jwt(host).Sign(SignedCalls.Key)));

        await host.RefusesAsync(asRequest, Assertion);
        await Refusal.LeavesNothingAsync(host, asAssertion, "invalid_client", 401);
    }

    [Test, Spec("R0"), Spec("A4")]
    public async Task One_JWT_is_not_a_request_and_an_assertion_at_once()
    {
        var client = ClientCalls.KeyClient("client", TestKey.Set(SignedCalls.Key.Jwk()), "ES256");
        client.BackchannelAuthenticationRequestSigningAlg = "ES256";
        await using var host = new CibaHost { Clients = [client] };
        var both = SignedCalls.Jwt(host).Claim("sub", "\"client\"").Sign(SignedCalls.Key);

        await host.RefusesAsync(await host.SignedAsync(both, TestJwt.Form(both)), Assertion);
    }

    [TestCaseSource(nameof(WrongTypes)), Spec("R0")]
    public async Task A_parameter_of_a_wrong_type_is_named(string name, string json)
    {
        await using var host = SignedCalls.Host();
        var rule = name switch
        {
            "requested_expiry" => "is a number, or a string without NUL that holds one.",
            "resource" => "is a string without NUL, or an array of 32 such strings at most.",
            "authorization_details" => "is a JSON array, or a string without NUL that holds one.",
            "claims" or "request_context" => "is a JSON object, or a string without NUL that holds one.",
            _ => "is a string without NUL.",
        };

        await host.RefusesAsync(SignedCalls.Jwt(host).Claim(name, json), $"The claim {name} of the request {rule}");
    }

    [TestCaseSource(nameof(RightTypes))]
    public async Task A_parameter_arrives_as_a_form_would_have_it(string name, string json, string[] values)
    {
        await using var host = SignedCalls.Host();
        var jwt = Jose.Jwt.ReadRequest(SignedCalls.Jwt(host).Claim(name, json.Trim()).Sign(SignedCalls.Key))!;

        Assert.That(SignedParameters.Read(jwt).Failed(out _, out var parameters), Is.False);

        Assert.That(parameters!.All(name), Is.EqualTo(values));
    }

    [TestCase("request", "\"a.b.c\""), TestCase("request_uri", "\"https://client.example/r\""), TestCase("request", "null"), TestCase("request_uri", "{}"), Spec("R7")]
    public async Task A_request_within_the_request_is_refused(string name, string json)
    {
        await using var host = SignedCalls.Host();

        await host.RefusesAsync(SignedCalls.Jwt(host).Claim(name, json), $"A signed request holds no {name}: make the parameters claims of the one JWT.");
    }

    [TestCase("60", 60), TestCase("\"60\"", 60), TestCase("300.0", 300), TestCase("3e2", 300), TestCase("6.0E+1", 60), TestCase("12000e-2", 120), TestCase("1e20", 600), TestCase("1", 1), TestCase("100000", 600), TestCase("99999999999999999999999999", 600), Spec("A11")]
    public async Task The_requested_expiry_is_a_number_or_a_string(string json, int expiresIn)
    {
        await using var host = SignedCalls.Host();

        var answer = await host.SignedAsync(SignedCalls.Jwt(host).Claim("requested_expiry", json));

        Assert.That(answer.Json.GetProperty("expires_in").GetInt32(), Is.EqualTo(expiresIn));
    }

    [TestCase("0"), TestCase("-1"), TestCase("-0"), TestCase("1.5"), TestCase("60.001"), TestCase("0.0"), TestCase("-60.0"), TestCase("-6e1"), TestCase("601e-1"), TestCase("1e-400"), TestCase("1e400"), TestCase("\"60.0\""), TestCase("\"6e1\""), TestCase("\"0\""), TestCase("\"-60\""), TestCase("\"a\""), TestCase("\" 60\""), Spec("A11")]
    public async Task A_requested_expiry_that_is_no_positive_whole_number_is_refused(string json)
    {
        await using var host = SignedCalls.Host();

        await host.RefusesAsync(SignedCalls.Jwt(host).Claim("requested_expiry", json), "requested_expiry is a positive whole number of seconds.");
    }

    [Test]
    public async Task Authorization_details_reach_the_device_as_they_were_signed([Values] bool asString)
    {
        const string details = """[{"type":"payment","amount":"12.50","to":{"name":"Bob"}}]""";
        var client = SignedCalls.Client();
        client.AuthorizationDetailsTypes = ["payment"];
        await using var host = new CibaHost { Clients = [client], Options = options => options.AuthorizationDetailsTypesSupported = ["payment"] };

        await host.SignedAsync(SignedCalls.Jwt(host).Claim("authorization_details", asString ? TestJwt.Text(details) : details));

        Assert.That((await host.Devices.NextAsync()).AuthorizationDetails.Single().GetRawText(), Is.EqualTo(details[1..^1]));
    }

    [TestCase(16, HttpStatusCode.OK), TestCase(17, HttpStatusCode.BadRequest)]
    public async Task What_a_form_may_nest_a_request_may_too(int depth, HttpStatusCode status)
    {
        var client = SignedCalls.Client();
        client.AuthorizationDetailsTypes = ["a"];
        await using var host = new CibaHost { Clients = [client], Options = options => options.AuthorizationDetailsTypesSupported = ["a"] };

        var details = $$"""[{"type":"a","x":{{new string('[', depth - 2)}}{{new string(']', depth - 2)}}}]""";
        var answer = await host.SignedAsync(SignedCalls.Jwt(host).Claim("authorization_details", details));

        Assert.That(answer.Status, Is.EqualTo(status), answer.Body);
    }

    [Test]
    public async Task The_parameters_are_held_to_their_rules()
    {
        await using var host = SignedCalls.Host();

        foreach (var (name, json, error) in new[]
        {
            ("scope", "\"profile\"", "invalid_scope"), ("scope", "\"openid admin\"", "invalid_scope"), ("login_hint", "\"nobody\"", "unknown_user_id"), ("binding_message", "\"\\u202e\"", "invalid_binding_message"),
            ("id_token_hint", "\"a.b.c\"", "invalid_request"), ("authorization_details", "[]", "invalid_authorization_details"), ("scope", null, "invalid_request"), ("login_hint", null, "invalid_request"),
        })
        {
            await Refusal.LeavesNothingAsync(host, await host.SignedAsync(SignedCalls.Jwt(host).Claim(name, json)), error);
        }
    }

    [Test]
    public async Task There_may_be_32_resources_and_no_more()
    {
        await using var host = SignedCalls.Host();
        TestJwt Jwt(int count) => SignedCalls.Jwt(host).Claim("resource", $"[{string.Join(',', Enumerable.Range(0, count).Select(number => $"\"https://{number}.example\""))}]");

        await host.RefusesAsync(Jwt(33), "The claim resource of the request is a string without NUL, or an array of 32 such strings at most.");
        Assert.That(SignedParameters.Read(Jose.Jwt.ReadRequest(Jwt(32).Sign(SignedCalls.Key))!).Failed(out _, out var parameters) ? 0 : parameters!.All("resource").Count(), Is.EqualTo(32));
    }

    [Test, Spec("A20")]
    public async Task A_request_may_have_64_KiB_and_no_more()
    {
        await using var host = SignedCalls.Host();
        var most = await host.SignedAsync(OfLength(host, 64 * 1024));
        var more = await host.SignedAsync(OfLength(host, (64 * 1024) + 1));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(most.Status, Is.EqualTo(HttpStatusCode.OK), most.Body);
            Assert.That(more.Description, Is.EqualTo("The form cannot be read: it is cut off, or has too many or too long fields."));
            Assert.That(Jose.Jwt.ReadRequest(new string('a', Jose.Jwt.MaxRequestLength + 1)), Is.Null);
        }
    }

    // Three bytes are four characters: a longer header makes up for what is left over.
    private static string OfLength(CibaHost host, int length)
    {
        var lengths =
            from header in Enumerable.Range(0, 3)
            let empty = Filled(host, header, 0).Length
            from fill in Enumerable.Range(((length - empty) * 3 / 4) - 1, 3)
            select Filled(host, header, fill);
        return lengths.First(request => request.Length == length);
    }

    private static string Filled(CibaHost host, int header, int claim) =>
        SignedCalls.Jwt(host).Header("h", TestJwt.Text(new string('h', header))).Claim("fill", TestJwt.Text(new string('f', claim))).Sign(SignedCalls.Key);
}
