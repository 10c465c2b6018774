using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 4: a client that breaks the rules keeps the host from starting, by a sentence that names client and field.</summary>
public sealed class ClientRegistrationTests
{
    private const string BrokenHash = "ClientSecrets has an entry that looks like a hash and is none that is known here; write the secret itself, or sha256: and exactly 64 hexadecimal digits (CibaClient.HashSecret).";
    private const string ProveKeys = "SubjectType 'pairwise' needs proof that the keys at JwksUri are the client's (section 4): use private_key_jwt, self_signed_tls_client_auth, or signed requests (BackchannelAuthenticationRequestSigningAlg).";

    private static IEnumerable<TestCaseData> Broken()
    {
        yield return Case(client => client.BackchannelTokenDeliveryMode = null, "BackchannelTokenDeliveryMode is missing; a client with the CIBA grant has one: poll, ping or push.");
        yield return Case(client => client.BackchannelTokenDeliveryMode = "", "BackchannelTokenDeliveryMode is missing; a client with the CIBA grant has one: poll, ping or push.");
        yield return Case(client => (client.GrantTypes, client.BackchannelTokenDeliveryMode) = ([CibaHost.GrantType], null), "BackchannelTokenDeliveryMode is missing; a client with the CIBA grant has one: poll, ping or push.");
        yield return Case(client => client.BackchannelTokenDeliveryMode = "ping", "BackchannelClientNotificationEndpoint is missing; a client in ping mode is told there.");
        yield return Case(client => client.BackchannelTokenDeliveryMode = "push", "BackchannelClientNotificationEndpoint is missing; a client in push mode is told there.");
        yield return Case(client => (client.GrantTypes, client.BackchannelTokenDeliveryMode) = ([], "push"), "BackchannelClientNotificationEndpoint is missing; a client in push mode is told there.");
        yield return Case(client => client.BackchannelTokenDeliveryMode = "Poll", "BackchannelTokenDeliveryMode 'Poll' is unknown; use poll, ping or push.");
        yield return Case(client => client.BackchannelClientNotificationEndpoint = "http://rp.example/cb", "BackchannelClientNotificationEndpoint must be an absolute https URL without fragment and user information.");
        yield return Case(client => client.BackchannelClientNotificationEndpoint = "/cb", "BackchannelClientNotificationEndpoint must be an absolute https URL without fragment and user information.");
        yield return Case(client => client.BackchannelClientNotificationEndpoint = "https://rp.example/cb#here", "BackchannelClientNotificationEndpoint must be an absolute https URL without fragment and user information.");
        yield return Case(client => client.BackchannelClientNotificationEndpoint = "https://rp.example/cb#", "BackchannelClientNotificationEndpoint must be an absolute https URL without fragment and user information.");
        yield return Case(client => client.BackchannelClientNotificationEndpoint = "https://me:pw@rp.example/cb", "BackchannelClientNotificationEndpoint must be an absolute https URL without fragment and user information.");
        yield return Case(client => client.BackchannelAuthenticationRequestSigningAlg = "ES256", "BackchannelAuthenticationRequestSigningAlg needs the client's public keys: Jwks or JwksUri.");
        yield return Case(client => client.BackchannelAuthenticationRequestSigningAlg = "HS256", "BackchannelAuthenticationRequestSigningAlg 'HS256' is not an asymmetric algorithm; use one of ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512.");
        yield return Case(client => client.BackchannelAuthenticationRequestSigningAlg = "none", "BackchannelAuthenticationRequestSigningAlg 'none' is not an asymmetric algorithm; use one of ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512.");
        yield return Case(client => client.TokenEndpointAuthMethod = "none", "TokenEndpointAuthMethod 'none': a public client cannot use CIBA (section 7.1); give it a secret or a key.");
        yield return Case(client => client.TokenEndpointAuthMethod = "tls_client_auth", "TokenEndpointAuthMethod 'tls_client_auth' needs exactly one of TlsClientAuthSubjectDn, TlsClientAuthSanDns, TlsClientAuthSanUri, TlsClientAuthSanIp and TlsClientAuthSanEmail (RFC 8705 section 2.1.2).");
        yield return Case(client => client.TokenEndpointAuthMethod = "self_signed_tls_client_auth", "TokenEndpointAuthMethod 'self_signed_tls_client_auth' needs the client's certificates, as x5c of keys: Jwks or JwksUri.");
        yield return Case(client => client.TokenEndpointAuthMethod = "Client_Secret_Post", "TokenEndpointAuthMethod 'Client_Secret_Post' is unknown; use one of client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth, self_signed_tls_client_auth.");
        yield return Case(client => client.TokenEndpointAuthMethod = null!, "TokenEndpointAuthMethod '' is unknown; use one of client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth, self_signed_tls_client_auth.");
        yield return Case(client => client.ClientSecrets = [], "ClientSecrets is empty, or has an empty entry; client_secret_post needs at least one secret.");
        yield return Case(client => client.ClientSecrets = [CibaHost.Secret, ""], "ClientSecrets is empty, or has an empty entry; client_secret_post needs at least one secret.");
        yield return Case(client => client.ClientSecrets = null!, "ClientSecrets is null; leave it out, or give it a list.");
        yield return Case(client => (client.TokenEndpointAuthMethod, client.ClientSecrets) = ("client_secret_jwt", [CibaClient.HashSecret(CibaHost.Secret)]), "ClientSecrets holds a hash; client_secret_jwt computes with the secret itself.");
        yield return Case(client => (client.TokenEndpointAuthMethod, client.ClientSecrets) = ("client_secret_jwt", ["31 bytes are not enough for HS2"]), "ClientSecrets: HS256 needs a secret of 32 bytes at least (RFC 7518 section 3.2).");
        foreach (var broken in BrokenHashes)
        {
            yield return Malformed(client => client.ClientSecrets = [CibaHost.Secret, broken], $"{broken.Length} characters: {broken[..8]}");
        }

        yield return Malformed(client => (client.TokenEndpointAuthMethod, client.ClientSecrets) = ("client_secret_jwt", [BrokenHashes[0]]), "client_secret_jwt");
        yield return Case(client => (client.TokenEndpointAuthMethod, client.TokenEndpointAuthSigningAlg) = ("client_secret_jwt", "HS512"), "ClientSecrets: HS512 needs a secret of 64 bytes at least (RFC 7518 section 3.2).");
        yield return Case(client => (client.TokenEndpointAuthMethod, client.TokenEndpointAuthSigningAlg) = ("client_secret_jwt", "ES256"), "TokenEndpointAuthSigningAlg 'ES256' does not go with client_secret_jwt; use one of HS256, HS384, HS512.");
        yield return Case(client => PrivateKey(client, "ES256").TokenEndpointAuthSigningAlg = "HS256", "TokenEndpointAuthSigningAlg 'HS256' does not go with private_key_jwt; use one of ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512.");
        yield return Case(client => PrivateKey(client, "ES256").TokenEndpointAuthSigningAlg = "none", "TokenEndpointAuthSigningAlg 'none' does not go with private_key_jwt; use one of ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512.");
        yield return Case(client => PrivateKey(client, "ES256").TokenEndpointAuthSigningAlg = "PS256", "Jwks holds no key for PS256.");
        yield return Case(client => PrivateKey(client, "ES256").BackchannelAuthenticationRequestSigningAlg = "PS256", "Jwks holds no key for the BackchannelAuthenticationRequestSigningAlg PS256.");
        yield return Case(client => (client.BackchannelAuthenticationRequestSigningAlg, client.Jwks) = ("ES256", "{}"), "Jwks is no JWK Set: an object with an array 'keys' is expected.");
        yield return Case(client => PrivateKey(client, "ES256").Jwks = null, "private_key_jwt needs the client's public keys: Jwks or JwksUri.");
        yield return Case(client => PrivateKey(client, "ES256").JwksUri = "https://rp.example/jwks", "Jwks and JwksUri exclude each other.");
        yield return Case(client => PrivateKey(client, "ES256").Jwks = "{", "Jwks is no JWK Set: an object with an array 'keys' is expected.");
        yield return Case(client => PrivateKey(client, "ES256").Jwks = "{}", "Jwks is no JWK Set: an object with an array 'keys' is expected.");
        yield return Case(client => PrivateKey(client, "ES256").Jwks = """{"keys":[]}""", "Jwks holds no key that can check a signature (EC P-256, P-384, P-521, or RSA of 2048 to 8192 bits).");
        yield return Case(client => PrivateKey(client, "ES256").Jwks = """{"keys":[null,{"kty":"oct","k":"AAAA"}]}""", "Jwks holds no key that can check a signature (EC P-256, P-384, P-521, or RSA of 2048 to 8192 bits).");
        yield return Case(client => PrivateKey(client, "RS256", rsaBits: 1024), "Jwks holds no key that can check a signature (EC P-256, P-384, P-521, or RSA of 2048 to 8192 bits).");
        yield return Case(client => PrivateKey(client, "ES256", change: jwk => jwk["use"] = "enc"), "Jwks holds no key that can check a signature (EC P-256, P-384, P-521, or RSA of 2048 to 8192 bits).");
        yield return Case(client => PrivateKey(client, "ES256", change: jwk => jwk["d"] = "AAAA"), "Jwks holds a private key: take the 'd' members out, and that key out of use.");
        yield return Case(client => PrivateKey(client, "ES256", keys: 33), "Jwks holds more than 32 keys; register fewer, or raise CibaOptions.ClientKeys.MaxKeys.");
        yield return Case(client => client.JwksUri = "http://rp.example/jwks", "JwksUri must be an absolute https URL (http only for loopback).");
        yield return Case(client => client.JwksUri = "https://me:pw@rp.example/jwks", "JwksUri must be an absolute https URL (http only for loopback).");
        yield return Case(client => client.JwksUri = "jwks", "JwksUri must be an absolute https URL (http only for loopback).");
        yield return Case(client => client.IdTokenSignedResponseAlg = "HS256", "IdTokenSignedResponseAlg 'HS256' is unknown or not asymmetric; use one of ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512.");
        yield return Case(client => client.IdTokenSignedResponseAlg = "none", "IdTokenSignedResponseAlg 'none' is unknown or not asymmetric; use one of ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512.");
        yield return Case(client => client.SubjectType = "pairwise", "SubjectType 'pairwise' needs JwksUri, whose host is the sector identifier (section 4).");
        yield return Unproven(client => (client.SubjectType, client.JwksUri) = ("pairwise", "https://rp.example/jwks"), "a secret");
        yield return Unproven(client => (client.SubjectType, client.JwksUri, client.TokenEndpointAuthMethod) = ("pairwise", "https://rp.example/jwks", "client_secret_jwt"), "a MAC");
        yield return Unproven(client => (client.SubjectType, client.JwksUri, client.TokenEndpointAuthMethod, client.TlsClientAuthSanDns) = ("pairwise", "https://rp.example/jwks", "tls_client_auth", "rp.example"), "a certificate by its authority");
        yield return Unproven(client => (client.SubjectType, client.JwksUri, client.BackchannelTokenDeliveryMode, client.BackchannelClientNotificationEndpoint) = ("pairwise", "https://rp.example/jwks", "ping", "https://rp.example/cb"), "a secret in ping mode");
        yield return Case(client => client.SubjectType = "private", "SubjectType 'private' is unknown; use public or pairwise.");
        yield return Case(client => client.Scopes = ["profile", "two values"], "Scopes holds a value that is no scope (RFC 6749 section 3.3).");
        yield return Case(client => client.Scopes = [""], "Scopes holds a value that is no scope (RFC 6749 section 3.3).");
        yield return Case(client => client.Scopes = null!, "Scopes is null; leave it out, or give it a list.");
    }

    private static readonly string Hash = CibaClient.HashSecret(CibaHost.Secret);

    private static readonly string[] BrokenHashes =
    [
        Hash[..^1], $"{Hash}0", $"{Hash[..^1]}g", $"{Hash}\n", $" {Hash}", "sha256:abc", Hash.Replace("sha256", "SHA256", StringComparison.Ordinal),
        Hash.Replace("sha256", "sha-256", StringComparison.Ordinal), Hash.Replace("sha256", "sha512", StringComparison.Ordinal), "$2b$12$KIXQ4wJ1sJ7S1cQ0h3uJ7uZ",
    ];

    [TestCaseSource(nameof(Broken)), Spec("D6"), Spec("D7"), Spec("D8")]
    public async Task A_client_against_the_rules_keeps_the_host_from_starting(Action<CibaClient> change, string sentence)
    {
        var client = CibaHost.Client("shop");
        change(client);
        await using var host = new CibaHost { Clients = [client] };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Does.Contain($"Client 'shop': {sentence}"));
        Assert.That(exception.Message, Does.Not.Contain(CibaHost.Secret));
    }

    [TestCase(""), TestCase(null), TestCase("with\ttab"), TestCase("ünïcode"), Spec("D7")]
    public async Task A_client_has_an_identifier_in_printable_ascii(string? id)
    {
        var client = CibaHost.Client(id!);
        client.ClientName = "The client";
        await using var host = new CibaHost { Clients = [client] };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { $"Client '{id}': ClientId is missing, longer than 256 characters or not printable ASCII." }));
    }

    [Test, Spec("D7")]
    public async Task A_client_identifier_is_there_once_and_not_too_long()
    {
        var tooLong = new string('x', 257);
        var client = CibaHost.Client(tooLong);
        client.ClientName = null;
        await using var host = new CibaHost { Clients = [CibaHost.Client("twice"), CibaHost.Client("twice"), client] };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[]
        {
            "Client 'twice': ClientId is there 2 times.",
            $"Client '{tooLong}': ClientId is missing, longer than 256 characters or not printable ASCII.",
        }));
    }

    private static IEnumerable<TestCaseData> Right()
    {
        yield return new TestCaseData((CibaClient client) => { client.GrantTypes = ["client_credentials"]; client.BackchannelTokenDeliveryMode = null; }).SetName("{m}(without the grant there need be no mode)");
        yield return new TestCaseData((CibaClient client) => { client.BackchannelClientNotificationEndpoint = "https://rp.example/cb?x=1"; }).SetName("{m}(an endpoint that waits for ping)");
        yield return new TestCaseData((CibaClient client) => { (client.BackchannelTokenDeliveryMode, client.BackchannelClientNotificationEndpoint) = ("ping", "https://rp.example/cb?x=1"); }).SetName("{m}(ping)");
        yield return new TestCaseData((CibaClient client) => { (client.BackchannelTokenDeliveryMode, client.BackchannelClientNotificationEndpoint) = ("push", "https://rp.example:8443/cb"); }).SetName("{m}(push)");
        yield return new TestCaseData((CibaClient client) => { client.ClientSecrets = [CibaHost.Secret, CibaClient.HashSecret("next")]; }).SetName("{m}(two secrets, one a hash)");
        yield return new TestCaseData((CibaClient client) => { client.JwksUri = "http://localhost:9/jwks"; }).SetName("{m}(http to this machine)");
        yield return new TestCaseData((CibaClient client) => { PrivateKey(client, "ES256"); }).SetName("{m}(a key without any algorithm named)");
        yield return new TestCaseData((CibaClient client) => { PrivateKey(client, "ES256").BackchannelAuthenticationRequestSigningAlg = "ES256"; }).SetName("{m}(signed requests with a key by value)");
        yield return new TestCaseData((CibaClient client) => { (client.BackchannelAuthenticationRequestSigningAlg, client.JwksUri) = ("PS384", "http://localhost:9/jwks"); }).SetName("{m}(signed requests with keys by reference)");
        yield return new TestCaseData((CibaClient client) => { client.TokenEndpointAuthMethod = "client_secret_jwt"; client.ClientSecrets = ["exactly 32 bytes, just enough 4 "]; }).SetName("{m}(the shortest secret for HS256)");
    }

    [TestCaseSource(nameof(Right)), Spec("D6")]
    public async Task A_client_within_the_rules_is_taken(Action<CibaClient> change)
    {
        var client = CibaHost.Client("shop");
        change(client);
        await using var host = new CibaHost { Clients = [client], Options = options => options.Callbacks.AllowedNetworks = ["127.0.0.1"] };

        await host.StartedAsync();

        await using var scope = (await host.ServicesAsync()).CreateAsyncScope();
        Assert.That(await scope.ServiceProvider.GetRequiredService<ICibaClientStore>().FindAsync("shop", CancellationToken.None), Is.SameAs(client));
    }

    [Test, Spec("D7")]
    public async Task A_client_store_of_the_hosts_own_cannot_bring_in_a_client_against_the_rules()
    {
        await using var host = new CibaHost { Clients = [], Setup = ciba => ciba.AddClientStore<PushClients>() };

        var answer = await host.PostAsync("/bc-authorize", [("client_id", "shop"), ("client_secret", CibaHost.Secret), ("scope", "openid"), ("login_hint", "alice")]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Body, Is.EqualTo("""{"error":"unauthorized_client","error_description":"This client's registration does not allow CIBA: the provider's log says why."}"""));
            Assert.That(host.Log.Ours.Select(line => line.Text), Has.One.Contains("Client 'shop': BackchannelClientNotificationEndpoint is missing; a client in push mode is told there."));
            Assert.That(host.Devices.Calls, Is.Zero);
        }
    }

    private static TestCaseData Case(Action<CibaClient> change, string sentence) => new TestCaseData(change, sentence).SetArgDisplayNames(sentence);

    private static TestCaseData Unproven(Action<CibaClient> change, string name) => new TestCaseData(change, ProveKeys).SetArgDisplayNames($"pairwise with {name}");

    private static TestCaseData Malformed(Action<CibaClient> change, string name) => new TestCaseData(change, BrokenHash).SetArgDisplayNames($"a broken hash, {name}");

    private static CibaClient PrivateKey(CibaClient client, string algorithm, int keys = 1, int rsaBits = 2048, Action<JsonObject>? change = null)
    {
        client.TokenEndpointAuthMethod = "private_key_jwt";
        client.ClientSecrets = [];
        client.Jwks = new JsonObject { ["keys"] = new JsonArray([.. Enumerable.Range(0, keys).Select(_ => Jwk(algorithm, rsaBits, change))]) }.ToJsonString();
        return client;
    }

    private static JsonObject Jwk(string algorithm, int rsaBits, Action<JsonObject>? change)
    {
        JsonObject jwk;
        if (algorithm == "ES256")
        {
            using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var q = ecdsa.ExportParameters(false).Q;
            jwk = new() { ["kty"] = "EC", ["crv"] = "P-256", ["x"] = Base64Url.EncodeToString(q.X), ["y"] = Base64Url.EncodeToString(q.Y) };
        }
        else
        {
            using var rsa = RSA.Create(rsaBits);
            var key = rsa.ExportParameters(false);
            jwk = new() { ["kty"] = "RSA", ["n"] = Base64Url.EncodeToString(key.Modulus), ["e"] = Base64Url.EncodeToString(key.Exponent) };
        }

        change?.Invoke(jwk);
        return jwk;
    }

    private sealed class PushClients : ICibaClientStore
    {
        private readonly CibaClient _client = CibaHost.Client("shop");

        public ValueTask<CibaClient?> FindAsync(string clientId, CancellationToken cancellationToken)
        {
            _client.BackchannelTokenDeliveryMode = "push";
            return new(_client);
        }
    }
}
