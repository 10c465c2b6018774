using System.Net;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 4 and OpenID Connect Discovery: what the provider says of itself, and its keys.</summary>
public sealed class DiscoveryTests
{
    private const string Path = "/.well-known/openid-configuration";

    [Test, Spec("D1"), Spec("D3"), Spec("D4"), Spec("D5")]
    public async Task The_document_says_what_the_provider_can_do_and_no_more()
    {
        await using var host = new CibaHost();

        var answer = await host.SendAsync(HttpMethod.Get, Path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(answer.Header("Content-Type"), Is.EqualTo("application/json"));
            Assert.That(answer.Header("Cache-Control"), Is.EqualTo("public, max-age=300"));
            Assert.That(answer.Header("X-Content-Type-Options"), Is.EqualTo("nosniff"));
            Assert.That(Indented(answer.Json), Is.EqualTo(Indented(JsonElement.Parse("""
                {
                  "issuer": "https://id.example.com",
                  "token_endpoint": "https://id.example.com/token",
                  "backchannel_authentication_endpoint": "https://id.example.com/bc-authorize",
                  "jwks_uri": "https://id.example.com/jwks",
                  "backchannel_token_delivery_modes_supported": ["poll", "ping", "push"],
                  "backchannel_user_code_parameter_supported": true,
                  "backchannel_authentication_request_signing_alg_values_supported": ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"],
                  "grant_types_supported": ["urn:openid:params:grant-type:ciba"],
                  "response_types_supported": [],
                  "scopes_supported": ["openid"],
                  "subject_types_supported": ["public"],
                  "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"],
                  "token_endpoint_auth_signing_alg_values_supported": ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512", "HS256", "HS384", "HS512"],
                  "id_token_signing_alg_values_supported": ["ES256", "PS256", "RS256"],
                  "claims_parameter_supported": true,
                  "request_uri_parameter_supported": false,
                  "dpop_signing_alg_values_supported": ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"]
                }
                """))));
        }
    }

    [Test, Spec("D2")]
    public async Task Certificates_of_an_authority_are_listed_where_one_is_trusted([Values("", "here", "file")] string trusted)
    {
        using var authority = new TestAuthority();
        var file = System.IO.Path.GetTempFileName();
        await File.WriteAllTextAsync(file, authority.Certificate.ExportCertificatePem());
        await using var host = new CibaHost
        {
            Options = CertificateClients.Trust(trusted == "here" ? [authority] : []) + (options => options.MutualTls.TrustedAuthorityFiles = trusted == "file" ? [file] : []),
        };

        var methods = (await host.SendAsync(HttpMethod.Get, Path)).Json.GetProperty("token_endpoint_auth_methods_supported").GetRawText();

        File.Delete(file);
        Assert.That(methods, Does.EndWith(trusted == "" ? ""","private_key_jwt","self_signed_tls_client_auth"]""" : ""","private_key_jwt","tls_client_auth","self_signed_tls_client_auth"]"""));
    }

    [Test, Spec("D2"), Spec("D5"), Spec("F9")]
    public async Task What_is_switched_on_is_listed_and_what_is_off_is_not()
    {
        using var authority = new TestAuthority();
        await using var on = new CibaHost
        {
            Options = options =>
            {
                options.Issuer = "https://id.example.com/tenant";
                CertificateClients.Trust(authority)(options);
                options.MutualTls.BaseAddress = "https://mtls.example.com:8443/";
                options.BackchannelAuthenticationRequestSigningAlgValuesSupported = ["PS256"];
                options.Dpop.SigningAlgValuesSupported = ["ES256"];
            },
        };
        await using var off = new CibaHost
        {
            Options = options => (options.BackchannelAuthenticationRequestSigningAlgValuesSupported, options.Dpop.SigningAlgValuesSupported) = ([], []),
        };

        var (there, absent) = ((await on.SendAsync(HttpMethod.Get, Path)).Json, (await off.SendAsync(HttpMethod.Get, Path)).Json);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(there.GetProperty("backchannel_authentication_request_signing_alg_values_supported").GetRawText(), Is.EqualTo("""["PS256"]"""));
            Assert.That(there.GetProperty("dpop_signing_alg_values_supported").GetRawText(), Is.EqualTo("""["ES256"]"""));
            Assert.That(there.GetProperty("tls_client_certificate_bound_access_tokens").GetRawText(), Is.EqualTo("true"));
            Assert.That(there.GetProperty("token_endpoint_auth_methods_supported").GetRawText(), Does.EndWith(""","private_key_jwt","tls_client_auth","self_signed_tls_client_auth"]"""));
            Assert.That(there.GetProperty("mtls_endpoint_aliases").GetRawText(), Is.EqualTo("""
                {"token_endpoint":"https://mtls.example.com:8443/tenant/token","backchannel_authentication_endpoint":"https://mtls.example.com:8443/tenant/bc-authorize"}
                """));
            Assert.That(there.GetProperty("mtls_endpoint_aliases").EnumerateObject().Select(alias => there.TryGetProperty(alias.Name, out _)), Is.All.True);
            Assert.That(absent.EnumerateObject().Select(entry => entry.Name).Where(name => name.Contains("request_signing", StringComparison.Ordinal) || name.Contains("dpop", StringComparison.Ordinal) || name.Contains("tls", StringComparison.Ordinal)), Is.Empty);
        }
    }

    [TestCase("salt"), TestCase("host"), Spec("D5")]
    public async Task Pairwise_subjects_are_listed_where_there_is_a_salt_or_an_issuer_of_the_hosts_own(string by)
    {
        await using var host = new CibaHost
        {
            Tokens = options => options.PairwiseSubjectSalt = by == "salt" ? "a-salt-that-is-long-enough-and-more" : null,
            Setup = by == "host" ? new FakeTokens().Use : null,
        };

        var document = (await host.SendAsync(HttpMethod.Get, Path)).Json;

        Assert.That(document.GetProperty("subject_types_supported").GetRawText(), Is.EqualTo("""["public","pairwise"]"""));
    }

    [Test, Spec("D1"), Spec("D5")]
    public async Task The_document_follows_the_options()
    {
        await using var host = new CibaHost
        {
            Options = options =>
            {
                options.Issuer = "https://id.example.com/tenant/";
                options.BackchannelAuthenticationPath = "/ciba/auth";
                options.TokenPath = "/oauth/token";
                options.JwksPath = "/keys";
                options.AcrValuesSupported = ["urn:acr:2", "urn:acr:1"];
                options.ScopesSupported = ["profile", "openid", "email"];
            },
            Tokens = options => options.SigningCredentials = [TestKeys.Make("PS384"), TestKeys.Make("ES256"), TestKeys.Make("ES256")],
        };

        var document = (await host.SendAsync(HttpMethod.Get, Path)).Json;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(document.GetProperty("issuer").GetString(), Is.EqualTo("https://id.example.com/tenant/"), "as it stands in iss");
            Assert.That(document.GetProperty("token_endpoint").GetString(), Is.EqualTo("https://id.example.com/tenant/oauth/token"));
            Assert.That(document.GetProperty("backchannel_authentication_endpoint").GetString(), Is.EqualTo("https://id.example.com/tenant/ciba/auth"));
            Assert.That(document.GetProperty("jwks_uri").GetString(), Is.EqualTo("https://id.example.com/tenant/keys"));
            Assert.That(document.GetProperty("acr_values_supported").GetRawText(), Is.EqualTo("""["urn:acr:2","urn:acr:1"]"""));
            Assert.That(document.GetProperty("scopes_supported").GetRawText(), Is.EqualTo("""["openid","profile","email"]"""));
            Assert.That(document.GetProperty("id_token_signing_alg_values_supported").GetRawText(), Is.EqualTo("""["PS384","ES256"]"""));
        }
    }

    [Test, Spec("D1"), Spec("D5")]
    public async Task The_endpoints_are_where_the_document_says()
    {
        await using var host = new CibaHost
        {
            Options = options => (options.BackchannelAuthenticationPath, options.TokenPath, options.JwksPath) = ("/ciba/auth", "/oauth/token", "/keys"),
        };
        var document = (await host.SendAsync(HttpMethod.Get, Path)).Json;

        var keys = await host.SendAsync(HttpMethod.Get, PathOf("jwks_uri"));
        var acknowledged = await host.PostAsync(PathOf("backchannel_authentication_endpoint"), [("client_id", "client"), ("client_secret", CibaHost.Secret), ("scope", "openid"), ("login_hint", "alice")]);
        var polled = await host.PostAsync(PathOf("token_endpoint"), [("client_id", "client"), ("client_secret", CibaHost.Secret), ("grant_type", CibaHost.GrantType), ("auth_req_id", acknowledged.AuthReqId)]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(keys.Json.GetProperty("keys").GetArrayLength(), Is.EqualTo(3));
            Assert.That(polled.Error, Is.EqualTo("authorization_pending"));
        }

        string PathOf(string name) => new Uri(document.GetProperty(name).GetString()!).AbsolutePath;
    }

    [TestCase("ES256", "alg,crv,kid,kty,use,x,y", "EC"), TestCase("RS256", "alg,e,kid,kty,n,use", "RSA"), TestCase("ES512", "alg,crv,kid,kty,use,x,y", "EC"), Spec("D5")]
    public async Task The_jwk_set_has_public_parts_only(string algorithm, string members, string keyType)
    {
        await using var host = new CibaHost { Tokens = options => options.SigningCredentials = [TestKeys.Make(algorithm, "mine")] };

        var answer = await host.SendAsync(HttpMethod.Get, "/jwks");

        var jwk = answer.Json.GetProperty("keys").EnumerateArray().Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Json.EnumerateObject().Select(member => member.Name), Is.EqualTo(new[] { "keys" }));
            Assert.That(string.Join(',', jwk.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal)), Is.EqualTo(members));
            Assert.That(jwk.GetProperty("kty").GetString(), Is.EqualTo(keyType));
            Assert.That(jwk.GetProperty("alg").GetString(), Is.EqualTo(algorithm));
            Assert.That(jwk.GetProperty("use").GetString(), Is.EqualTo("sig"));
            Assert.That(jwk.GetProperty("kid").GetString(), Is.EqualTo("mine"));
        }
    }

    [Test, Spec("D5")]
    public async Task A_token_issuer_of_the_hosts_own_without_keys_publishes_none()
    {
        await using var host = new CibaHost { Setup = ciba => ciba.AddTokenIssuer<OpaqueTokens>() };

        var keys = await host.SendAsync(HttpMethod.Get, "/jwks");
        var document = await host.SendAsync(HttpMethod.Get, Path);
        var tokens = await host.TokensAsync();
        var hinted = await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", "e30.e30.AA"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(keys.Body, Is.EqualTo("""{"keys":[]}"""));
            Assert.That(document.Json.GetProperty("id_token_signing_alg_values_supported").GetRawText(), Is.EqualTo("[]"));
            Assert.That(tokens.Body, Is.EqualTo("""{"access_token":"opaque","token_type":"Bearer","expires_in":60,"id_token":"a.b.c","refresh_token":"again"}"""));
            Assert.That(hinted.Error, Is.EqualTo("invalid_request"));
        }
    }

    [Test, Spec("D5")]
    public async Task A_host_tells_the_keys_of_its_own_token_issuer()
    {
        await using var host = new CibaHost { Setup = ciba => ciba.AddTokenIssuer<OpaqueTokens>().AddSigningKeys<TwoKeys>() };

        var keys = (await host.SendAsync(HttpMethod.Get, "/jwks")).Json.GetProperty("keys");
        var document = await host.SendAsync(HttpMethod.Get, Path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(keys.EnumerateArray().Select(key => key.GetProperty("kid").GetString()), Is.EqualTo(new[] { "one", "two" }));
            Assert.That(keys.GetRawText(), Does.Not.Contain("\"d\""));
            Assert.That(document.Json.GetProperty("id_token_signing_alg_values_supported").GetRawText(), Is.EqualTo("""["RS256","ES384"]"""));
        }
    }

    [TestCase(Path), TestCase("/jwks"), Spec("D5")]
    public async Task A_head_is_answered_as_a_get_is_without_the_body(string path)
    {
        await using var host = new CibaHost();

        var head = await host.SendAsync(HttpMethod.Head, path);
        var get = await host.SendAsync(HttpMethod.Get, path);

        Assert.That(
            (head.Status, head.Body, head.Header("Content-Type"), head.Header("Cache-Control"), head.Header("Content-Length")),
            Is.EqualTo((get.Status, "", get.Header("Content-Type"), get.Header("Cache-Control"), get.Header("Content-Length"))));
    }

    [TestCase(Path), TestCase("/jwks"), Spec("D5")]
    public async Task Discovery_is_for_reading(string path)
    {
        await using var host = new CibaHost();

        var answer = await host.SendAsync(HttpMethod.Post, path, new StringContent("{}"));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.MethodNotAllowed));
    }

    private static readonly JsonSerializerOptions Pretty = new() { WriteIndented = true };

    private static string Indented(JsonElement json) => JsonSerializer.Serialize(json, Pretty);

    private sealed class OpaqueTokens : ICibaTokenIssuer
    {
        public ValueTask<CibaTokens> IssueAsync(CibaTokenRequest request, CancellationToken cancellationToken) =>
            new(new CibaTokens { AccessToken = "opaque", IdToken = "a.b.c", RefreshToken = "again", ExpiresIn = TimeSpan.FromSeconds(60.9) });
    }

    private sealed class TwoKeys : ICibaSigningKeys
    {
        private readonly SigningCredentials[] _keys = [TestKeys.Make("RS256", "one"), TestKeys.Make("ES384", "two")];

        public ValueTask<IReadOnlyList<SigningCredentials>> GetAsync(CancellationToken cancellationToken) => new(_keys);
    }
}
