using System.Net;
using System.Text.Json.Nodes;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 9449 section 4.3: which proofs of possession are taken, and what is said of the others.</summary>
[Spec("I5"), Spec("T13"), Spec("T14")]
public sealed class DpopProofTests
{
    private const string Example =
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19."
        + "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ."
        + "2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";

    [TestCase("ES256"), TestCase("ES384"), TestCase("ES512"), TestCase("PS256"), TestCase("PS384"), TestCase("PS512"), TestCase("RS256"), TestCase("RS384"), TestCase("RS512")]
    public async Task A_proof_binds_the_access_token_to_its_key(string algorithm)
    {
        await using var host = Host();
        var key = TestKey.For(algorithm);
        var id = await host.ApprovedAsync();

        var tokens = await host.PollWithAsync(id, host.NewProof(key).Sign(key, algorithm));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tokens.Text("token_type"), Is.EqualTo("DPoP"), tokens.Body);
            Assert.That(DpopCalls.Confirmation(tokens), Is.EqualTo(DpopCalls.BoundTo(key)));
            Assert.That(ReceivedToken.Id(tokens).Claims.TryGetProperty("cnf", out _), Is.False, "the ID Token is for the client itself");
        }
    }

    [Test]
    public async Task The_proof_in_RFC_9449_is_taken_and_its_thumbprint_is_the_one_there()
    {
        await using var host = new CibaHost { Clients = [DpopCalls.BoundClient()], Options = options => options.Issuer = "https://server.example.com" };
        host.Time.Advance(DateTimeOffset.FromUnixTimeSeconds(1562262616) - host.Time.GetUtcNow());
        var id = await host.ApprovedAsync();

        var tokens = await host.PollWithAsync(id, Example);

        Assert.That(DpopCalls.Confirmation(tokens), Is.EqualTo("""{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"""));
    }

    private static IEnumerable<TestCaseData> Wrong()
    {
        const string NotAJwt = "it is not a signed JWT, has a member twice, a crit or a kid that is not a string, or is longer than 16384 characters";
        yield return Case(NotAJwt, _ => "x");
        yield return Case(NotAJwt, host => host.Proof() + ".", "with a fourth part");
        yield return Case(NotAJwt, host => $"{host.Proof()}, {host.Proof()}", "two in one header");
        yield return Case(NotAJwt, host => host.NewProof().Again("htm", "\"POST\"").Sign(DpopCalls.Key), "htm twice");
        yield return Case(NotAJwt, host => host.NewProof().Header("crit", "[]").Sign(DpopCalls.Key), "crit");
        yield return Case(NotAJwt, host => host.NewProof().Header("kid", "42").Sign(DpopCalls.Key), "kid 42");
        yield return Case(NotAJwt, host => host.NewProof().Claim("x", TestJwt.Text(new string('x', 13_000))).Sign(DpopCalls.Key), "17 KB");
        foreach (var type in (string?[])[null, "\"JWT\"", "\"dpop+jwt \"", "1"])
        {
            yield return Case("its typ is not dpop+jwt", host => host.NewProof().Header("typ", type).Sign(DpopCalls.Key), $"typ {type}");
        }

        const string WrongAlgorithm = "its alg is none that is taken here: the discovery document has dpop_signing_alg_values_supported";
        yield return Case(WrongAlgorithm, host => host.NewProof().Sign("none", _ => [1]), "none");
        yield return Case(WrongAlgorithm, host => host.NewProof().Mac(DpopCalls.Key.PublicPem()), "HS256 with the public key");
        yield return Case(WrongAlgorithm, host => host.NewProof().Header("alg", "256").Sign(DpopCalls.Key), "a number");
        yield return Case("the jwk in its header does not verify its signature", host => host.NewProof().Sign(TestKey.Ec("other")), "signed with another key");
        yield return Case("the jwk in its header does not verify its signature", host => host.NewProof().Sign("ES256", _ => [1, 2, 3]), "a signature of three bytes");
        yield return Case("the jwk in its header does not verify its signature", host => host.NewProof(TestKey.For("PS256")).Sign("PS256", input => TestKey.For("RS256").Sign("RS256", input)), "RS256 for PS256");

        foreach (var jti in (string?[])[null, "\"\"", "1", TestJwt.Text(new string('j', 513))])
        {
            yield return Case("jti is required, with 512 characters at most", host => host.NewProof().Claim("jti", jti).Sign(DpopCalls.Key), $"jti {jti?[..Math.Min(9, jti.Length)]}");
        }

        foreach (var htm in (string?[])[null, "\"GET\"", "\"post\"", "[\"POST\"]"])
        {
            yield return Case("its htm is not POST", host => host.NewProof().Claim("htm", htm).Sign(DpopCalls.Key), $"htm {htm}");
        }

        foreach (var iat in (string?[])[null, "\"1768478400\"", "-1", "1e400", "null", "[]"])
        {
            yield return Case("iat is required and is a number of seconds", host => host.NewProof().Claim("iat", iat).Sign(DpopCalls.Key), $"iat {iat}");
        }

        yield return Case("its iat is in the future", host => host.NewProof().Claim("iat", "253402300799").Sign(DpopCalls.Key), "iat at the end of time");
        yield return Case("its iat is too long ago: make a new one for every request", host => host.NewProof().Claim("iat", "0").Sign(DpopCalls.Key), "iat 0");
        foreach (var (name, value) in ((string, string)[])[("exp", "1768478400"), ("exp", "\"x\""), ("nbf", "1768478431"), ("nbf", "{}")])
        {
            yield return Case("its exp is past, its nbf in the future, or one of them no number of seconds: it needs neither", host => host.NewProof().Claim(name, value).Sign(DpopCalls.Key), $"{name} {value}");
        }
    }

    [TestCaseSource(nameof(Wrong)), TestCaseSource(nameof(WrongKeys))]
    public async Task A_proof_with_a_fault_is_refused_with_its_own_sentence_and_changes_nothing(string sentence, Func<CibaHost, string> proof)
    {
        await using var host = Host();
        var id = await host.ApprovedAsync();

        var answer = await host.PollWithAsync(id, proof(host));
        var right = await host.PollWithAsync(id, host.Proof());

        Refusal.Says(answer, "invalid_dpop_proof");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Description, Is.EqualTo($"The DPoP proof is refused: {sentence}."));
            Assert.That(right.Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    private static IEnumerable<TestCaseData> WrongKeys()
    {
        const string NoKey = "it has no jwk in its header, which is the public key as a JSON object";
        yield return Case(NoKey, host => host.NewProof().Header("jwk", null).Sign(DpopCalls.Key), "no jwk");
        yield return Case(NoKey, host => host.NewProof().Header("jwk", "\"x\"").Sign(DpopCalls.Key), "jwk as a text");
        foreach (var member in (string[])["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
        {
            yield return Case("the jwk in its header is not a public key alone: take that key out of use, and send no private member of the next one", host => With(host, "ES256", jwk => jwk[member] = "AA"), member);
        }

        const string BadKey = "the jwk in its header is no EC key (P-256, P-384, P-521) and no RSA key, or not written as RFC 7518 section 6 has it, without padding and leading zeros";
        yield return Case(BadKey, host => With(host, "ES256", jwk => jwk["kty"] = "OKP"), "kty OKP");
        yield return Case(BadKey, host => With(host, "ES256", jwk => jwk["kty"] = "oct"), "kty oct");
        yield return Case(BadKey, host => With(host, "ES256", jwk => jwk.Remove("kty")), "no kty");
        yield return Case(BadKey, host => With(host, "ES256", jwk => jwk["crv"] = "secp256k1"), "secp256k1");
        yield return Case(BadKey, host => With(host, "ES256", jwk => jwk["crv"] = "P-384"), "P-384 with 32 bytes");
        yield return Case(BadKey, host => With(host, "ES256", jwk => jwk["x"] = 1), "x is a number");
        yield return Case(BadKey, host => With(host, "ES256", jwk => jwk["x"] = "\ud800"), "x is half a character");
        yield return Case(BadKey, host => With(host, "ES256", jwk => jwk["y"] = jwk["x"]!.ToString()), "a point off the curve");
        yield return Case(BadKey, host => With(host, "ES256", jwk => jwk["x"] += "="), "padding");
        yield return Case(BadKey, host => With(host, "ES256", jwk => jwk["x"] += " "), "white space");
        yield return Case(BadKey, host => With(host, "ES256", jwk => jwk["x"] = ZeroBefore(Bytes(jwk, "x"))), "a coordinate of 33 bytes");
        yield return Case(BadKey, host => With(host, "RS256", jwk => jwk["n"] = ZeroBefore(Bytes(jwk, "n"))), "a zero before the modulus");
        yield return Case(BadKey, host => With(host, "RS256", jwk => jwk["e"] = "AAEAAQ"), "a zero before the exponent");
        yield return Case(BadKey, host => With(host, "RS256", jwk => jwk["e"] = Base64Url.EncodeToString(new byte[] { 1, 0, 0, 0, 0, 0, 0, 0, 1 })), "an exponent of nine bytes");
        yield return Case(BadKey, host => With(host, "RS256", jwk => jwk["n"] = ""), "no modulus");

        yield return Case(BadKey, host => With(host, "RS256", jwk => jwk["e"] = "AQ"), "an exponent of 1");
        yield return Case(BadKey, host => With(host, "RS256", jwk => jwk["e"] = "AQAA"), "an even exponent");
        yield return Case(BadKey, host => With(host, "ES256", jwk => jwk["kid"] = 42), "kid 42");
        yield return Case(BadKey, host => With(host, "ES256", jwk => jwk["use"] = new JsonArray("sig")), "use in a list");
        yield return Case(BadKey, host => With(host, "ES256", jwk => jwk["key_ops"] = "verify"), "key_ops as a text");

        const string WrongUse = "the jwk in its header is for something else: leave use, key_ops and alg out, or make them sig, verify and the alg of the proof";
        yield return Case(WrongUse, host => With(host, "ES256", jwk => jwk["use"] = "enc"), "use enc");
        yield return Case(WrongUse, host => With(host, "ES256", jwk => jwk["use"] = ""), "an empty use");
        yield return Case(WrongUse, host => With(host, "ES256", jwk => jwk["key_ops"] = new JsonArray("sign")), "key_ops sign");
        yield return Case(WrongUse, host => With(host, "ES256", jwk => jwk["key_ops"] = new JsonArray()), "no key_ops");
        yield return Case(WrongUse, host => With(host, "ES256", jwk => jwk["alg"] = "ECDH-ES"), "alg ECDH-ES");
        yield return Case(WrongUse, host => With(host, "PS256", jwk => jwk["alg"] = "RS256"), "alg RS256 for PS256");

        const string WrongKey = "the jwk in its header does not go with its alg: ES256 needs P-256, ES384 P-384, ES512 P-521, the others RSA of 2048 to 8192 bits";
        yield return Case(WrongKey, host => host.NewProof(TestKey.For("ES384")).Sign(TestKey.For("ES384"), "ES256"), "P-384 for ES256");
        yield return Case(WrongKey, host => host.NewProof(TestKey.For("RS256")).Header("alg", "\"ES256\"").Sign(TestKey.For("RS256"), "RS256"), "RSA for ES256");
        var small = TestKey.Rsa("small", 1024);
        yield return Case(WrongKey, host => host.NewProof(small).Sign(small, "PS256"), "RSA of 1024 bits");
    }

    [Test]
    public async Task The_type_is_compared_without_case_and_other_members_are_no_fault()
    {
        await using var host = Host();
        var id = await host.ApprovedAsync();

        var proof = host.NewProof().Header("typ", "\"DPoP+JWT\"").Header("x5c", "[]").Claim("ath", "\"of-no-token\"").Claim("nonce", "\"unasked\"").Claim("iss", "\"me\"").Claim("exp", "1768478401").Claim("nbf", "1768478430");
        var tokens = await host.PollWithAsync(id, proof.Sign(DpopCalls.Key));

        Assert.That(tokens.Text("token_type"), Is.EqualTo("DPoP"), tokens.Body);
    }

    [Test]
    public async Task A_key_may_say_that_it_is_for_its_proof()
    {
        await using var host = Host();
        var id = await host.ApprovedAsync();

        var tokens = await host.PollWithAsync(id, With(host, "PS256", jwk => (jwk["use"], jwk["key_ops"], jwk["alg"], jwk["kid"]) = ("sig", new JsonArray("sign", "verify"), "PS256", "mine")));

        Assert.That(DpopCalls.Confirmation(tokens), Is.EqualTo(DpopCalls.BoundTo(TestKey.For("PS256"))), tokens.Body);
    }

    [Test]
    public async Task Several_headers_are_refused_and_so_is_an_empty_one()
    {
        await using var host = new CibaHost();

        // The server in memory drops a header that is empty, and the client of the other joins those that are several.
        await using var kestrel = new CibaHost { Setup = KestrelHost.Use };
        using var http = await KestrelHost.HttpAsync(kestrel);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/token") { Content = RawForm.Of($"{RawForm.Right}&grant_type={CibaHost.GrantType}&auth_req_id={ClientCalls.UnknownRequest}") };
        DpopCalls.Send("")(request);
        using var response = await http.SendAsync(request);

        Answer[] answers = [await host.PollWithAsync(ClientCalls.UnknownRequest, host.Proof(), host.Proof()), new Answer(response, await response.Content.ReadAsStringAsync())];

        Assert.That(answers.Select(answer => (answer.Error, answer.Description)), Is.All.EqualTo(("invalid_dpop_proof", "Send one DPoP header with one proof in it.")));
    }

    [Test]
    public async Task Algorithms_that_the_host_has_left_out_are_refused()
    {
        await using var host = new CibaHost { Clients = [DpopCalls.BoundClient()], Options = options => options.Dpop.SigningAlgValuesSupported = ["PS256"] };
        var (id, rsa) = (await host.ApprovedAsync(), TestKey.For("PS256"));

        var other = await host.PollWithAsync(id, host.Proof());
        var right = await host.PollWithAsync(id, host.NewProof(rsa).Sign(rsa, "PS256"));

        Assert.That(new[] { other.Error, right.Text("token_type") }, Is.EqualTo(new[] { "invalid_dpop_proof", "DPoP" }));
    }

    private static CibaHost Host() => new() { Clients = [DpopCalls.BoundClient()] };

    /// <summary>A proof whose key is written in another way, signed all the same.</summary>
    private static string With(CibaHost host, string algorithm, Action<JsonObject> change)
    {
        var key = TestKey.For(algorithm);
        var jwk = key.Jwk();
        change(jwk);
        return host.NewProof().Header("jwk", jwk.ToJsonString()).Sign(key, algorithm);
    }

    private static byte[] Bytes(JsonObject jwk, string name) => Base64Url.DecodeFromChars(jwk[name]!.ToString());

    private static string ZeroBefore(byte[] number) => Base64Url.EncodeToString([0, .. number]);

    private static TestCaseData Case(string sentence, Func<CibaHost, string> proof, string? name = null) => new TestCaseData(sentence, proof).SetArgDisplayNames(name ?? sentence);
}
