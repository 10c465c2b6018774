using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests;

/// <summary>The keys of a token issuer of the host's own: those that cannot be used are said, and harm no others.</summary>
public sealed class HostSigningKeyTests
{
    private const string DiscoveryPath = "/.well-known/openid-configuration";

    public static IEnumerable<TestCaseData> Unusable()
    {
        yield return Case(
            new SigningCredentials(JsonWebKeyConverter.ConvertFromSecurityKey(TestKeys.Make("RS256").Key), "RS256"),
            "AddSigningKeys: a JsonWebKey is not taken: give an ECDsaSecurityKey, an RsaSecurityKey or an X509SecurityKey.");
        yield return Case(
            new SigningCredentials(new SymmetricSecurityKey(new byte[64]), "HS256"),
            "AddSigningKeys: the algorithm 'HS256' is not one of ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512.");
        yield return Case(
            new SigningCredentials(new SymmetricSecurityKey(new byte[64]), "RS256"),
            "AddSigningKeys: RS256 needs an RSA key of 2048 to 8192 bits.");
        yield return Case(
            new SigningCredentials(TestKeys.Make("ES384").Key, "ES256"),
            "AddSigningKeys: ES256 needs an EC key on the curve P-256.");

        static TestCaseData Case(SigningCredentials credentials, string sentence) => new TestCaseData(credentials, sentence).SetArgDisplayNames(sentence);
    }

    [TestCaseSource(nameof(Unusable)), Spec("D7")]
    public async Task Keys_that_cannot_be_used_stop_the_host(SigningCredentials credentials, string sentence)
    {
        await using var host = new RotatingKeys { Now = [TestKeys.Make("ES256"), credentials] }.Host();

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { sentence }));
    }

    [TestCaseSource(nameof(Unusable)), Spec("D5")]
    public async Task Keys_that_cannot_be_used_and_come_later_are_left_out(SigningCredentials credentials, string sentence)
    {
        var keys = new RotatingKeys { Now = [TestKeys.Make("ES512", "good")] };
        await using var host = keys.Host();
        await host.StartedAsync();
        keys.Now = [credentials, .. keys.Now];

        var shown = new[] { await host.SendAsync(HttpMethod.Get, "/jwks"), await host.SendAsync(HttpMethod.Get, "/jwks") };
        var document = await host.SendAsync(HttpMethod.Get, DiscoveryPath);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(shown.Select(answer => answer.Status), Is.All.EqualTo(HttpStatusCode.OK));
            Assert.That(shown[0].Json.GetProperty("keys").EnumerateArray().Select(key => key.GetProperty("kid").GetString()), Is.EqualTo(new[] { "good" }));
            Assert.That(document.Json.GetProperty("id_token_signing_alg_values_supported").GetRawText(), Is.EqualTo("""["ES512"]"""));
            Assert.That(host.Log.Ours.Where(line => line.Level == LogLevel.Error).Select(line => line.Text), Has.One.Contains(sentence));
        }
    }

    [Test, Spec("A13")]
    public async Task A_key_that_cannot_be_used_checks_no_hint_and_breaks_none()
    {
        using var forger = new TokenForger();
        var keys = new RotatingKeys { Now = [forger.Credentials] };
        await using var host = keys.Host();
        await host.StartedAsync();
        keys.Now = [new SigningCredentials(new SymmetricSecurityKey(new byte[64]), "ES256"), .. keys.Now];

        var answer = await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", forger.Sign()));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [Test, Spec("D5")]
    public async Task A_key_that_is_made_from_numbers_is_shown()
    {
        using var rsa = RSA.Create(2048);
        var numbers = rsa.ExportParameters(includePrivateParameters: true);
        await using var host = new RotatingKeys { Now = [new(new RsaSecurityKey(numbers) { KeyId = "numbers" }, "PS256")] }.Host();

        var shown = await host.SendAsync(HttpMethod.Get, "/jwks");

        Assert.That(shown.Body, Is.EqualTo(
            $$"""{"keys":[{"kty":"RSA","use":"sig","alg":"PS256","kid":"numbers","n":"{{Base64Url.EncodeToString(numbers.Modulus)}}","e":"AQAB"}]}"""));
    }
}
