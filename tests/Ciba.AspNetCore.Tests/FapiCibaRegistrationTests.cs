namespace Ciba.AspNetCore.Tests;

/// <summary>The FAPI-CIBA profile: what provider and clients must be registered with, and what discovery says then.</summary>
public sealed class FapiCibaRegistrationTests
{
    private static IEnumerable<TestCaseData> Forbidden()
    {
        yield return Case("F1", client => (client.BackchannelTokenDeliveryMode, client.BackchannelClientNotificationEndpoint) = ("push", "https://rp.example/cb"), "BackchannelTokenDeliveryMode 'push' is forbidden; use poll or ping.");
        foreach (var method in (string[])["client_secret_basic", "client_secret_post", "client_secret_jwt"])
        {
            yield return Case("F2", client => (client.TokenEndpointAuthMethod, client.ClientSecrets) = (method, [CibaHost.Secret]), $"TokenEndpointAuthMethod '{method}' is forbidden; use one of private_key_jwt, tls_client_auth, self_signed_tls_client_auth.");
        }

        yield return Case("F3", client => (client.Jwks, client.TokenEndpointAuthSigningAlg) = (TestKey.Set(TestKey.For("ES256").Jwk(), TestKey.For("RS256").Jwk()), "RS256"), "TokenEndpointAuthSigningAlg 'RS256' is forbidden; use PS256 or ES256.");
        yield return Case("F3", client => client.IdTokenSignedResponseAlg = "RS256", "IdTokenSignedResponseAlg 'RS256' is forbidden; use PS256 or ES256.");
        yield return Case("F3", client => (client.Jwks, client.BackchannelAuthenticationRequestSigningAlg) = (TestKey.Set(TestKey.For("ES256").Jwk(), TestKey.For("ES512").Jwk()), "ES512"), "BackchannelAuthenticationRequestSigningAlg 'ES512' is forbidden; use PS256 or ES256.");
        yield return Case("F4", client => client.BackchannelAuthenticationRequestSigningAlg = null, "BackchannelAuthenticationRequestSigningAlg is missing: requests must be signed; use PS256 or ES256.");
        yield return Case("F6", client => client.DpopBoundAccessTokens = false, "TlsClientCertificateBoundAccessTokens or DpopBoundAccessTokens must be true: access tokens must be bound to a key.");

        static TestCaseData Case(string spec, Action<CibaClient> change, string sentence) => new TestCaseData(change, sentence).SetArgDisplayNames(spec, sentence);
    }

    private static IEnumerable<TestCaseData> ForbiddenOptions()
    {
        yield return Case(options => options.BackchannelTokenDeliveryModesSupported = ["poll", "push"], "BackchannelTokenDeliveryModesSupported holds push, which is forbidden: leave it out.");
        yield return Case(options => options.BackchannelTokenDeliveryModesSupported = ["ping"], "BackchannelTokenDeliveryModesSupported lacks poll, which must be supported: add it.");
        yield return Case(options => options.BackchannelAuthenticationRequestSigningAlgValuesSupported = [], "BackchannelAuthenticationRequestSigningAlgValuesSupported must be PS256, ES256 or both, or not set.");
        yield return Case(options => options.BackchannelAuthenticationRequestSigningAlgValuesSupported = ["ES256", "RS256"], "BackchannelAuthenticationRequestSigningAlgValuesSupported must be PS256, ES256 or both, or not set.");
        yield return Case(options => options.Dpop.SigningAlgValuesSupported = ["RS256"], "Dpop.SigningAlgValuesSupported must be PS256, ES256, both or empty, or not set.");
        yield return Case(options => options.Dpop.SigningAlgValuesSupported = [], "MutualTls is off and Dpop too: access tokens must be bound by one of them.");

        static TestCaseData Case(Action<CibaOptions> change, string sentence) => new TestCaseData(change, sentence).SetArgDisplayNames(sentence);
    }

    [TestCaseSource(nameof(Forbidden)), Spec("F1"), Spec("F2"), Spec("F3"), Spec("F4"), Spec("F6"), Spec("D7")]
    public async Task A_client_that_the_profile_forbids_keeps_the_host_from_starting(Action<CibaClient> change, string sentence)
    {
        var client = FapiClient();
        change(client);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await StartAsync(Host(options => options.Profile = CibaProfile.FapiCiba, client)), Does.Contain($"Client 'client': FAPI-CIBA: {sentence}"));
            client.Profile = CibaProfile.FapiCiba;
            Assert.That(await StartAsync(Host(null, client)), Does.Contain($"Client 'client': FAPI-CIBA: {sentence}"));
            client.Profile = CibaProfile.Core;
            Assert.That(await StartAsync(Host(null, client)), Is.Empty);
        }
    }

    [TestCaseSource(nameof(ForbiddenOptions)), Spec("F1"), Spec("F3"), Spec("F4"), Spec("F6")]
    public async Task Options_that_the_profile_forbids_keep_the_host_from_starting(Action<CibaOptions> change, string sentence) =>
        Assert.That(
            await StartAsync(Host(options =>
            {
                options.Profile = CibaProfile.FapiCiba;
                change(options);
            })),
            Does.Contain($"CibaOptions: FAPI-CIBA: {sentence}"));

    [Test, Spec("F3")]
    public async Task Id_tokens_are_not_signed_with_what_the_profile_forbids() => Assert.That(
        await StartAsync(Host(options => options.Profile = CibaProfile.FapiCiba, FapiClient(), tokens => tokens.SigningCredentials = [TestKeys.Make("RS256"), TestKeys.Make("PS256")])),
        Does.Contain("Client 'client': FAPI-CIBA: ID Tokens would be signed with RS256; set IdTokenSignedResponseAlg to PS256 or ES256, or give AddJwtTokenIssuer such a key first."));

    [Test, Spec("F1"), Spec("F2"), Spec("F3"), Spec("F9"), Spec("D2")]
    public async Task Discovery_lists_what_the_profile_allows_and_no_more()
    {
        using var authority = new TestAuthority();
        await using var host = Host(
            CertificateClients.Trust(authority) + (options => options.Profile = CibaProfile.FapiCiba),
            FapiClient());

        var document = (await host.SendAsync(HttpMethod.Get, "/.well-known/openid-configuration")).Json;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(List("backchannel_token_delivery_modes_supported"), Is.EqualTo("poll ping"));
            Assert.That(List("token_endpoint_auth_methods_supported"), Is.EqualTo("private_key_jwt tls_client_auth self_signed_tls_client_auth"));
            Assert.That(List("token_endpoint_auth_signing_alg_values_supported"), Is.EqualTo("PS256 ES256"));
            Assert.That(List("backchannel_authentication_request_signing_alg_values_supported"), Is.EqualTo("PS256 ES256"));
            Assert.That(List("dpop_signing_alg_values_supported"), Is.EqualTo("PS256 ES256"));
            Assert.That(List("id_token_signing_alg_values_supported"), Is.EqualTo("ES256 PS256"));
            Assert.That(document.GetProperty("tls_client_certificate_bound_access_tokens").GetBoolean(), Is.True);
        }

        string List(string name) => string.Join(' ', document.GetProperty(name).EnumerateArray().Select(value => value.GetString()));
    }

    internal static CibaClient FapiClient()
    {
        var client = ClientCalls.KeyClient("client", TestKey.Set(TestKey.For("ES256").Jwk()));
        client.BackchannelAuthenticationRequestSigningAlg = "ES256";
        client.DpopBoundAccessTokens = true;
        return client;
    }

    private static CibaHost Host(Action<CibaOptions>? options, CibaClient? client = null, Action<CibaJwtTokenIssuerOptions>? tokens = null) =>
        new() { Options = options, Clients = [client ?? FapiClient()], Tokens = tokens };

    private static async Task<string> StartAsync(CibaHost host)
    {
        await using (host)
        {
            try
            {
                await host.StartedAsync();
                return "";
            }
            catch (CibaConfigurationException exception)
            {
                return exception.Message;
            }
        }
    }
}
