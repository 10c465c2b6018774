using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 7.1, RFC 8725: client assertions as attackers and broken libraries send them.</summary>
[Spec("A4")]
public sealed class ClientAssertionHardeningTests
{
    private const string NotJwt = "The client_assertion is not a signed JWT with the client_id as iss and sub.";

    private const string NotItsAlgorithm = "The client_assertion is refused: its alg does not go with the client's token_endpoint_auth_method.";

    private static readonly TestKey Key = TestKey.For("ES256");

    private static IEnumerable<TestCaseData> BadClaims
    {
        get
        {
            const string expiry = "exp is required and is a number of seconds", tooEarly = "its iat or nbf is in the future or not a number of seconds";
            const string id = "jti is required, with 512 characters at most", audience = "its aud holds neither the issuer nor the URL of the token or backchannel authentication endpoint";
            foreach (var junk in new[] { "\"1768478460\"", "true", "[]", "[1768478460]", "{}", "-1", "1e400", "-1e400", "253402300800", "1e300", "18446744073709551616", "null", "\"\\ud800\"" })
            {
                yield return new TestCaseData("exp", junk, expiry);
                yield return new TestCaseData("iat", junk, tooEarly);
                yield return new TestCaseData("nbf", junk, tooEarly);
            }

            yield return new TestCaseData("exp", null, expiry);
            yield return new TestCaseData("exp", "253402300799", "its exp is too far ahead");
            yield return new TestCaseData("exp", "0", "it has expired");
            foreach (var junk in new[] { null, "\"\"", "1", "null", "true", "[\"a\"]", "{}", "\"\\ud800\"", "\"\\udc00x\"", $"\"{new string('j', 513)}\"" })
            {
                yield return new TestCaseData("jti", junk, id);
            }

            foreach (var junk in new[]
            {
                null, "\"\"", "1", "null", "true", "[]", "{}", "[[\"https://id.example.com\"]]", "{\"https://id.example.com\":1}", "\"https://id.example.com/\"", "\"https://ID.example.com\"",
                "\"http://id.example.com\"", "\"https://id.example.com/tokens\"", "\" https://id.example.com\"", "\"https://id.example.com/jwks\"", "\"\\ud800\"", "[\"\\ud800\"]",
            })
            {
                yield return new TestCaseData("aud", junk, audience);
            }
        }
    }

    private static IEnumerable<TestCaseData> BadSubjects =>
        from claim in new[] { "iss", "sub" }
        from junk in new[] { null, "\"\"", "1", "null", "true", "[\"client\"]", "{}", "\"other\"", "\"CLIENT\"", "\"client \"", "\"\\ud800\"", "\"client\\u0000\"" }
        select new TestCaseData(claim, junk);

    private static IEnumerable<string> NotJson =>
    [
        "", " ", "null", "[]", "\"x\"", "1", "{", "{}}", "{'a':1}", "{\"a\":1,}", "{/**/}", "\uFEFF{}", "{\"a\":NaN}", "{\"a\":01}", "{\"a\":\"\t\"}",
        "{\"\\ud800\":1}", "{\"\\udc00\":{}}", "{\"i\\ud800\":1}", $"{{\"a\":{new string('[', 16)}{new string(']', 16)}}}", $"{new string('[', 7000)}",
    ];

    [TestCaseSource(nameof(BadClaims))]
    public async Task A_claim_that_breaks_the_rules_is_named(string claim, string? json, string reason)
    {
        await using var host = ClientCalls.KeyHost();

        await AssertProvenAsync(host, new TestJwt(host).Claim(claim, json).Sign(Key), $"The client_assertion is refused: {reason}.");
    }

    [TestCaseSource(nameof(BadSubjects))]
    public async Task Issuer_and_subject_are_the_client_and_nothing_else(string claim, string? json)
    {
        await using var host = ClientCalls.KeyHost();

        await AssertRefusedAsync(host, new TestJwt(host).Claim(claim, json).Sign(Key), NotJwt);
    }

    [TestCase("1768478460.5")]
    [TestCase("1.76847846e9")]
    [TestCase("17684784600e-1")]
    [TestCase("1768478400.001")]
    public async Task A_time_may_have_fractions_and_an_exponent(string expiry)
    {
        await using var host = ClientCalls.KeyHost();

        var answer = await AuthorizeAsync(host, new TestJwt(host).Claim("exp", expiry).Sign(Key));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [Test]
    public async Task A_claim_that_is_there_twice_is_no_JWT([Values("iss", "sub", "aud", "exp", "jti", "unknown")] string claim, [Values] bool escaped)
    {
        await using var host = ClientCalls.KeyHost();
        var name = escaped ? $"\\u{(int)claim[0]:x4}{claim[1..]}" : claim;

        await AssertRefusedAsync(host, new TestJwt(host).Claim("unknown", "1").Again(name, "\"client\"").Sign(Key), NotJwt);
    }

    [Test]
    public async Task A_header_member_that_is_there_twice_is_no_JWT([Values("alg", "kid", "\\u0061lg")] string name)
    {
        await using var host = ClientCalls.KeyHost();
        var claims = Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(new TestJwt(host).Sign(Key).Split('.')[1]));

        await AssertRefusedAsync(host, TestJwt.Compose($$"""{"alg":"ES256","kid":"ec-256","{{name}}":"ES256"}""", claims, input => Key.Sign("ES256", input)), NotJwt);
    }

    [TestCaseSource(nameof(NotJson))]
    public async Task A_part_that_is_no_JSON_object_is_no_JWT(string part)
    {
        await using var host = ClientCalls.KeyHost();
        var claims = Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(new TestJwt(host).Sign(Key).Split('.')[1]));

        await AssertRefusedAsync(host, TestJwt.Compose(part, claims, input => Key.Sign("ES256", input)), NotJwt);
        await AssertRefusedAsync(host, TestJwt.Compose("""{"alg":"ES256"}""", part, input => Key.Sign("ES256", input)), NotJwt);
    }

    [Test]
    public async Task Unknown_claims_and_headers_are_ignored_whatever_they_hold()
    {
        await using var host = ClientCalls.KeyHost();
        var assertion = new TestJwt(host).Claim("x", "[[[[[[[[{\"\":1e999}]]]]]]]]").Claim("y", "\"\\ud800\"").Claim("z", "\"\\u0000\"").Header("cty", "\"JWT\"").Sign(Key);

        Assert.That((await AuthorizeAsync(host, assertion)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase("[\"b64\"]")]
    [TestCase("[\"exp\"]")]
    [TestCase("[]")]
    [TestCase("null")]
    public async Task A_critical_extension_is_refused(string crit)
    {
        await using var host = ClientCalls.KeyHost();

        await AssertRefusedAsync(host, new TestJwt(host).Header("crit", crit).Header("b64", "false").Sign(Key), NotJwt);
    }

    [TestCase("\"at+jwt\"")]
    [TestCase("\"oauth-authz-req+jwt\"")]
    [TestCase("\"\"")]
    [TestCase("null")]
    [TestCase("1")]
    [TestCase("[\"JWT\"]")]
    [TestCase("\"\\ud800\"")]
    public async Task A_JWT_of_another_type_is_refused(string type)
    {
        await using var host = ClientCalls.KeyHost();

        await AssertProvenAsync(
            host, new TestJwt(host).Header("typ", type).Sign(Key), "The client_assertion is refused: its typ is neither absent nor JWT nor client-authentication+jwt.");
    }

    [TestCase("\"none\"")]
    [TestCase("\"None\"")]
    [TestCase("\"es256\"")]
    [TestCase("\"ES256K\"")]
    [TestCase("\"EdDSA\"")]
    [TestCase("\"HS256\"")]
    [TestCase("\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"")]
    [TestCase("\"\"")]
    [TestCase("\"\\ud800\"")]
    [TestCase("null")]
    [TestCase("256")]
    [TestCase("[\"ES256\"]")]
    public async Task An_algorithm_that_is_not_the_clients_is_refused(string algorithm)
    {
        await using var host = new CibaHost { Clients = [ClientCalls.KeyClient("client", TestKey.Set(Key.Jwk()), "ES256")] };

        await AssertRefusedAsync(host, new TestJwt(host).Header("alg", algorithm).Sign(Key), NotItsAlgorithm);
    }

    [Test]
    public async Task An_unsigned_JWT_is_none([Values("", "AA", null)] string? signature)
    {
        await using var host = ClientCalls.KeyHost();
        var parts = new TestJwt(host).Header("alg", "\"none\"").Sign(Key).Split('.');

        var answer = await AuthorizeAsync(host, signature is null ? $"{parts[0]}.{parts[1]}" : $"{parts[0]}.{parts[1]}.{signature}");

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Unauthorized), answer.Body);
    }

    [Test]
    public async Task A_public_key_is_no_HMAC_secret([Values("ES256", "RS256")] string keyOf, [Values("HS256", "HS384", "HS512")] string algorithm)
    {
        var key = TestKey.For(keyOf);
        var client = ClientCalls.KeyClient("client", TestKey.Set(key.Jwk()));
        client.ClientSecrets = [CibaHost.Secret];
        await using var host = new CibaHost { Clients = [client] };

        foreach (var secret in new[] { key.PublicPem(), key.PublicPem().Trim(), client.Jwks!, key.Jwk().ToJsonString(), "", CibaHost.Secret })
        {
            await AssertRefusedAsync(host, new TestJwt(host).Mac(secret, algorithm), NotItsAlgorithm);
        }
    }

    [Test]
    public async Task A_key_that_comes_along_in_the_header_is_ignored()
    {
        await using var host = ClientCalls.KeyHost();
        var attacker = TestKey.Ec("ec-256");
        using var ecdsa = ECDsa.Create();
        var certificate = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=client", ecdsa, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(99));
        var assertion = new TestJwt(host)
            .Header("jwk", attacker.Jwk().ToJsonString())
            .Header("jku", "\"https://attacker.example/jwks\"")
            .Header("x5u", "\"https://attacker.example/cert\"")
            .Header("x5c", new JsonArray(Convert.ToBase64String(certificate.RawData)).ToJsonString());

        const string refused = "The client_assertion is refused: no key of the client verifies its signature.";
        await AssertRefusedAsync(host, assertion.Sign(attacker), refused);
        await AssertRefusedAsync(host, assertion.Sign("ES256", input => ecdsa.SignData(input, HashAlgorithmName.SHA256)), refused);
        Assert.That((await AuthorizeAsync(host, assertion.Sign(Key))).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_signature_of_a_wrong_form_or_length_is_refused()
    {
        await using var host = new CibaHost { Clients = [ClientCalls.KeyClient("client", TestKey.Set(Key.Jwk(), TestKey.For("RS256").Jwk())), ClientCalls.MacClient("mac")] };

        byte[][] signatures = [[0], new byte[63], new byte[64], new byte[65], [.. Enumerable.Repeat((byte)0xFF, 64)], new byte[255], new byte[256], new byte[257], new byte[4096]];
        const string refused = "The client_assertion is refused: no key of the client verifies its signature.";

        foreach (var signature in signatures)
        {
            await AssertRefusedAsync(host, new TestJwt(host).Sign("ES256", _ => signature), refused);
            await AssertRefusedAsync(host, new TestJwt(host).Sign("RS256", _ => signature), refused);
            await AssertRefusedAsync(host, new TestJwt(host).Sign("PS512", _ => signature), refused);
            await AssertRefusedAsync(host, new TestJwt(host, "mac").Sign("HS256", _ => signature), refused);
        }

        // A part of the right HMAC, and the right one with more behind it.
        foreach (var length in new[] { 1, 16, 31, 33 })
        {
            await AssertRefusedAsync(
                host, new TestJwt(host, "mac").Sign("HS256", input => [.. TestJwt.Hmac("HS256", Encoding.UTF8.GetBytes(CibaHost.Secret), input).Concat(new byte[8]).Take(length)]), refused);
        }
    }

    [Test]
    public async Task Many_threads_may_check_signatures_at_once([Values("ES256", "PS256", "HS256")] string algorithm)
    {
        await using var host = new CibaHost
        {
            Clients = [algorithm == "HS256" ? ClientCalls.MacClient("client") : ClientCalls.KeyClient("client", TestKey.Set(TestKey.For(algorithm).Jwk()))],
            Options = options => options.Limits.SwitchOff(),
        };
        var assertions = Enumerable.Range(0, 64)
            .Select(_ => algorithm == "HS256" ? new TestJwt(host).Mac(CibaHost.Secret) : new TestJwt(host).Sign(TestKey.For(algorithm), algorithm))
            .SelectMany(right => new[] { right, Forge(right) });

        var answers = await Task.WhenAll(assertions.Select(assertion => Task.Run(() => AuthorizeAsync(host, assertion))));

        Assert.That(answers.Select(answer => answer.Status), Is.EqualTo(Enumerable.Repeat(new[] { HttpStatusCode.OK, HttpStatusCode.Unauthorized }, 64).SelectMany(pair => pair)));
    }

    // Another character in the middle of the signature.
    private static string Forge(string assertion)
    {
        var at = assertion.Length - 20;
        return $"{assertion[..at]}{(assertion[at] == 'A' ? 'B' : 'A')}{assertion[(at + 1)..]}";
    }

    [TestCase("https://mtls.example.com/token", true), TestCase("https://mtls.example.com/bc-authorize", true), TestCase("https://mtls.example.com/", false), Spec("A4")]
    public async Task The_audience_may_be_where_certificates_are_asked_for(string audience, bool taken)
    {
        await using var host = new CibaHost
        {
            Clients = [ClientCalls.KeyClient("client", TestKey.Set(TestKey.For("ES256").Jwk()))],
            Options = options => (options.MutualTls.Enabled, options.MutualTls.BaseAddress) = (true, "https://mtls.example.com"),
        };

        Assert.That((await AuthorizeAsync(host, new TestJwt(host).Claim("aud", $"\"{audience}\"").Sign(TestKey.For("ES256")))).IsAuthenticated(), Is.EqualTo(taken));
    }

    private static Task<Answer> AuthorizeAsync(CibaHost host, string assertion) => host.CallAsync(ClientCalls.Authorize, [], TestJwt.Form(assertion));

    private static async Task AssertRefusedAsync(CibaHost host, string assertion, string reason)
    {
        Refusal.IsUnproven(host, await AuthorizeAsync(host, assertion), reason);
        Assert.That((await host.StoreAsync()).Count, Is.Zero);
    }

    private static async Task AssertProvenAsync(CibaHost host, string assertion, string description)
    {
        Refusal.IsProven(host, await AuthorizeAsync(host, assertion), description);
        Assert.That((await host.StoreAsync()).Count, Is.Zero);
    }
}
