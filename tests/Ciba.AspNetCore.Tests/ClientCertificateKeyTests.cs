using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 8705 section 2.2: the certificates that a client has registered among its keys.</summary>
public sealed class ClientCertificateKeyTests : IDisposable
{
    private readonly TestAuthority _authority = new();
    private X509Certificate2? _shown;

    public void Dispose() => _authority.Dispose();

    [Test, Spec("A3")]
    public async Task Only_the_first_certificate_of_a_registered_key_is_the_clients()
    {
        var certificate = _authority.Issue("CN=one");
        var client = CertificateClients.ByKeys("client", certificate);
        client.Jwks = TestKey.Set(CertificateClients.Jwk(certificate, _authority.Certificate));
        await using var host = Host(client);
        _shown = certificate;
        var first = await AskAsync(host);
        _shown = _authority.Certificate;
        var second = await AskAsync(host);

        Assert.That(first.IsAuthenticated());
        Refusal.Says(second, "invalid_client", 401);
    }

    [Test, Spec("A3")]
    public async Task Certificates_are_fetched_from_jwks_uri_again_where_one_is_not_known()
    {
        var (old, next) = (_authority.SelfMade("CN=old"), _authority.SelfMade("CN=next"));
        using var uri = new FakeJwksUri(TestKey.Set(CertificateClients.Jwk(old)));
        var client = CertificateClients.ByKeys("client", old);
        (client.Jwks, client.JwksUri) = (null, FakeJwksUri.Url);
        await using var host = new CibaHost
        {
            Clients = [client],
            Options = CertificateClients.Trust(),
            BeforeRouting = CertificateClients.Shown(() => _shown),
            Setup = ciba => ciba.Services.AddHttpClient(CibaCallbackOptions.JwksUriHttpClientName).ConfigurePrimaryHttpMessageHandler(() => uri),
        };
        _shown = old;
        var first = await AskAsync(host);
        await AskAsync(host);
        var calls = uri.Calls;
        uri.Jwks = TestKey.Set(CertificateClients.Jwk(next));
        _shown = next;
        var tooSoon = await AskAsync(host);
        host.Time.Advance(TimeSpan.FromSeconds(30));
        var rotated = await AskAsync(host);
        _shown = old;
        var gone = await AskAsync(host);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.IsAuthenticated(), first.Body);
            Assert.That(calls, Is.EqualTo(1));
            Assert.That(tooSoon.Error, Is.EqualTo("invalid_client"));
            Assert.That(rotated.IsAuthenticated(), rotated.Body);
            Assert.That(gone.Error, Is.EqualTo("invalid_client"));
        }
    }

    [Test, Spec("A3")]
    public async Task A_jwks_uri_that_cannot_be_read_is_told_to_the_operator()
    {
        var client = CertificateClients.ByKeys("client", _authority.SelfMade("CN=a"));
        (client.Jwks, client.JwksUri) = (null, FakeJwksUri.Url);
        using var uri = new FakeJwksUri("{}");
        await using var host = new CibaHost
        {
            Clients = [client],
            Options = CertificateClients.Trust(),
            BeforeRouting = CertificateClients.Shown(() => _shown),
            Setup = ciba => ciba.Services.AddHttpClient(CibaCallbackOptions.JwksUriHttpClientName).ConfigurePrimaryHttpMessageHandler(() => uri),
        };
        _shown = _authority.SelfMade("CN=a");

        Refusal.IsUnproven(host, await AskAsync(host), "The client certificate is refused: the keys at the client's jwks_uri cannot be read.");
    }

    private static IEnumerable<TestCaseData> Keys()
    {
        yield return Case("of another key", false, (jwk, other) => jwk["x"] = other["x"]!.DeepClone());
        yield return Case("of an RSA key", false, (jwk, _) => (jwk["kty"], jwk["n"], jwk["e"]) = ("RSA", "AQAB", "AQAB"));
        yield return Case("alone", true, (jwk, _) => { jwk.Remove("x"); jwk.Remove("y"); });
        yield return Case("for encryption", false, (jwk, _) => jwk["use"] = "enc");
        yield return Case("for signatures", true, (jwk, _) => (jwk["use"], jwk["alg"], jwk["key_ops"]) = ("sig", "ES256", new JsonArray("sign", "verify")));
        yield return Case("for signing alone", false, (jwk, _) => jwk["key_ops"] = new JsonArray("sign"));
        yield return Case("for key agreement", false, (jwk, _) => jwk["alg"] = "ECDH-ES");
        yield return Case("with a kid that is a number", false, (jwk, _) => jwk["kid"] = 42);
        yield return Case("no base64", false, (jwk, _) => jwk["x5c"] = new JsonArray("%"));
        yield return Case("no certificate", false, (jwk, _) => jwk["x5c"] = new JsonArray("AAAA"));
        yield return Case("with something behind", false, (jwk, _) => jwk["x5c"] = new JsonArray(Convert.ToBase64String([.. Convert.FromBase64String(jwk["x5c"]![0]!.GetValue<string>()), 0])));
        yield return Case("of no list", false, (jwk, _) => jwk["x5c"] = jwk["x5c"]![0]!.DeepClone());
        yield return Case("of numbers", false, (jwk, _) => jwk["x5c"] = new JsonArray(1));
        yield return Case("empty", false, (jwk, _) => jwk["x5c"] = new JsonArray());

        static TestCaseData Case(string name, bool good, Action<JsonObject, JsonObject> change) => new TestCaseData(good, change).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Keys)), Spec("A3"), Spec("D7")]
    public async Task A_registered_certificate_is_one_of_its_key(bool good, Action<JsonObject, JsonObject> change)
    {
        var certificate = _authority.SelfMade("CN=a");
        var jwk = CertificateClients.Jwk(certificate);
        change(jwk, CertificateClients.Jwk(_authority.SelfMade("CN=b")));
        var client = CertificateClients.ByKeys("client", certificate);
        client.Jwks = TestKey.Set(jwk, TestKey.For("ES256").Jwk());
        await using var host = Host(client);
        _shown = certificate;

        if (good)
        {
            Assert.That((await AskAsync(host)).IsAuthenticated());
            return;
        }

        Assert.That((await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync))!.Problems, Is.EqualTo(new[]
        {
            "Client 'client': Jwks holds no certificate: self_signed_tls_client_auth needs a key with x5c, whose first certificate is of that key.",
        }));
    }

    [Test, Spec("A3"), Spec("D7")]
    public async Task A_registered_certificate_of_a_short_RSA_key_is_ignored([Values] bool alone)
    {
        using var key = RSA.Create(1024);
        var client = RsaClient(key, out _, alone);
        await using var host = Host(client);

        Assert.That((await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync))!.Problems, Has.Some.StartsWith("Client 'client': Jwks holds no key"));
    }

    [Test, Spec("A3")]
    public async Task A_registered_certificate_may_be_of_an_RSA_key([Values] bool alone)
    {
        using var key = RSA.Create(2048);
        var client = RsaClient(key, out var certificate, alone);
        await using var host = Host(client);
        _shown = certificate;

        Assert.That((await AskAsync(host)).IsAuthenticated());
    }

    private static CibaClient RsaClient(RSA key, out X509Certificate2 certificate, bool alone)
    {
        certificate = new CertificateRequest("CN=rsa", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pss).CreateSelfSigned(TestAuthority.From, TestAuthority.Until);
        var numbers = key.ExportParameters(false);
        var jwk = new JsonObject { ["kty"] = "RSA", ["x5c"] = new JsonArray(Convert.ToBase64String(certificate.RawData)) };
        if (!alone)
        {
            (jwk["n"], jwk["e"]) = (System.Buffers.Text.Base64Url.EncodeToString(numbers.Modulus), System.Buffers.Text.Base64Url.EncodeToString(numbers.Exponent));
        }

        var client = CertificateClients.ByKeys("client");
        client.Jwks = TestKey.Set(jwk);
        return client;
    }

    private static Task<Answer> AskAsync(CibaHost host) => host.CallAsync(ClientCalls.Authorize, [], ("client_id", "client"));

    private CibaHost Host(CibaClient client) =>
        new() { Clients = [client], Options = CertificateClients.Trust(_authority), BeforeRouting = CertificateClients.Shown(() => _shown) };
}
