using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary><see cref="CibaMetadata"/>: CIBA in a discovery document of the host's own.</summary>
[Spec("D1"), Spec("D3"), Spec("D4"), Spec("D5")]
public sealed class MetadataTests
{
    [Test]
    public async Task A_hosts_document_gains_what_CIBA_has_and_keeps_what_it_said()
    {
        await using var host = new CibaHost
        {
            Options = options =>
            {
                options.BackchannelTokenDeliveryModesSupported = ["poll", "ping"];
                options.ScopesSupported = ["payments", "profile"];
                options.AcrValuesSupported = ["urn:acr:1", "urn:acr:2"];
            },
        };

        var document = await MergedAsync(host, """
            {
              "issuer": "https://the.host.example",
              "authorization_endpoint": "https://the.host.example/connect/authorize",
              "token_endpoint": "https://the.host.example/connect/token",
              "jwks_uri": "https://the.host.example/keys",
              "backchannel_logout_supported": true,
              "backchannel_user_code_parameter_supported": false,
              "grant_types_supported": ["authorization_code", "refresh_token"],
              "response_types_supported": ["code"],
              "scopes_supported": ["profile", "openid", "email"],
              "acr_values_supported": ["urn:acr:2", "urn:acr:0"],
              "subject_types_supported": ["public"],
              "token_endpoint_auth_methods_supported": ["private_key_jwt", "tls_client_auth"],
              "token_endpoint_auth_signing_alg_values_supported": ["EdDSA", "ES256"],
              "id_token_signing_alg_values_supported": ["RS256"],
              "claims_parameter_supported": true,
              "x_of_the_host": { "a": [1, 2] }
            }
            """);

        Assert.That(document, Is.EqualTo(Indented("""
            {
              "issuer": "https://the.host.example",
              "authorization_endpoint": "https://the.host.example/connect/authorize",
              "token_endpoint": "https://the.host.example/connect/token",
              "jwks_uri": "https://the.host.example/keys",
              "backchannel_logout_supported": true,
              "backchannel_user_code_parameter_supported": true,
              "grant_types_supported": ["authorization_code", "refresh_token", "urn:openid:params:grant-type:ciba"],
              "response_types_supported": ["code"],
              "scopes_supported": ["profile", "openid", "email", "payments"],
              "acr_values_supported": ["urn:acr:2", "urn:acr:0", "urn:acr:1"],
              "subject_types_supported": ["public"],
              "token_endpoint_auth_methods_supported": ["private_key_jwt", "tls_client_auth", "client_secret_basic", "client_secret_post", "client_secret_jwt"],
              "token_endpoint_auth_signing_alg_values_supported": ["EdDSA", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512", "HS256", "HS384", "HS512"],
              "id_token_signing_alg_values_supported": ["RS256"],
              "claims_parameter_supported": true,
              "x_of_the_host": { "a": [1, 2] },
              "backchannel_authentication_endpoint": "https://id.example.com/bc-authorize",
              "backchannel_token_delivery_modes_supported": ["poll", "ping"],
              "backchannel_authentication_request_signing_alg_values_supported": ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"],
              "dpop_signing_alg_values_supported": ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"]
            }
            """)));
    }

    [TestCase("{}")]
    [TestCase("""{ "grant_types_supported": null }""")]
    public async Task What_a_document_leaves_unsaid_of_its_grants_is_said(string without)
    {
        await using var host = new CibaHost();

        var document = await MergedAsync(host, without);

        var grants = """
            "grant_types_supported": ["authorization_code", "implicit", "urn:openid:params:grant-type:ciba"],
            """;
        var backchannel = """
            "backchannel_authentication_endpoint": "https://id.example.com/bc-authorize",
            "backchannel_token_delivery_modes_supported": ["poll", "ping", "push"],
            "backchannel_user_code_parameter_supported": true,
            "backchannel_authentication_request_signing_alg_values_supported": ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"],
            """;
        Assert.That(document, Is.EqualTo(Indented($$"""
            {
              {{(without is "{}" ? backchannel + grants : grants + backchannel)}}
              "scopes_supported": ["openid"],
              "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"],
              "token_endpoint_auth_signing_alg_values_supported": ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512", "HS256", "HS384", "HS512"],
              "dpop_signing_alg_values_supported": ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"]
            }
            """)));
    }

    [Test]
    public async Task What_binds_tokens_is_added_where_the_host_has_said_that_it_does()
    {
        await using var host = new CibaHost
        {
            Options = options =>
            {
                options.MutualTls.Enabled = true;
                options.MutualTls.BaseAddress = "https://mtls.example.com";
                options.Dpop.SigningAlgValuesSupported = ["ES256"];
            },
        };

        var own = JsonNode.Parse(await MergedAsync(host, """{ "token_endpoint": "https://id.example.com/token", "dpop_signing_alg_values_supported": ["PS256"] }"""))!;
        var other = JsonNode.Parse(await MergedAsync(host, """{ "token_endpoint": "https://id.example.com/connect/token", "mtls_endpoint_aliases": { "token_endpoint": "https://mtls.host.example/token" } }"""))!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(own["tls_client_certificate_bound_access_tokens"]!.GetValue<bool>(), Is.True);
            Assert.That(own["dpop_signing_alg_values_supported"]!.ToJsonString(), Is.EqualTo("""["PS256","ES256"]"""));
            Assert.That(own["mtls_endpoint_aliases"]!.ToJsonString(), Is.EqualTo("""{"token_endpoint":"https://mtls.example.com/token","backchannel_authentication_endpoint":"https://mtls.example.com/bc-authorize"}"""));
            Assert.That(other["mtls_endpoint_aliases"]!.ToJsonString(), Is.EqualTo("""{"token_endpoint":"https://mtls.host.example/token","backchannel_authentication_endpoint":"https://mtls.example.com/bc-authorize"}"""));
        }
    }

    [TestCase(true), TestCase(false)]
    public async Task DPoP_is_added_where_it_is_on(bool named)
    {
        await using var host = new CibaHost { Setup = new FakeTokens().Use, Options = options => options.Dpop.SigningAlgValuesSupported = named ? ["ES256"] : null };

        Assert.That(JsonNode.Parse(await MergedAsync(host, "{}"))!.AsObject().ContainsKey("dpop_signing_alg_values_supported"), Is.EqualTo(named));
    }

    [Test]
    public async Task Merging_twice_is_merging_once()
    {
        await using var host = new CibaHost();

        var once = await MergedAsync(host, """{ "grant_types_supported": ["authorization_code"] }""");
        var twice = await MergedAsync(host, once);

        Assert.That(twice, Is.EqualTo(once));
    }

    [Test]
    public async Task A_list_that_is_none_is_the_hosts_mistake()
    {
        await using var host = new CibaHost();

        Assert.That(() => MergedAsync(host, """{ "scopes_supported": "openid" }"""), Throws.ArgumentException.With.Message.Contains("scopes_supported is no array"));
    }

    [Test]
    public async Task The_entries_are_what_is_CIBAs_alone()
    {
        await using var host = new CibaHost { Options = options => (options.Issuer, options.BackchannelAuthenticationRequestSigningAlgValuesSupported) = ("https://id.example.com/below", ["ES256", "PS256"]) };

        var entries = (await MetadataAsync(host)).Entries;

        Assert.That(entries, Is.EqualTo(new Dictionary<string, object>
        {
            ["backchannel_authentication_endpoint"] = "https://id.example.com/below/bc-authorize",
            ["backchannel_token_delivery_modes_supported"] = new[] { "poll", "ping", "push" },
            ["backchannel_user_code_parameter_supported"] = true,
            ["backchannel_authentication_request_signing_alg_values_supported"] = new[] { "ES256", "PS256" },
        }));
    }

    [Test]
    public async Task Merged_into_the_document_of_MapCibaDiscovery_it_changes_nothing()
    {
        await using var host = new CibaHost { Options = options => options.AcrValuesSupported = ["urn:acr:1"] };
        var document = (await host.SendAsync(HttpMethod.Get, "/.well-known/openid-configuration")).Body;

        Assert.That(await MergedAsync(host, document), Is.EqualTo(Indented(document)));
    }

    private static async Task<CibaMetadata> MetadataAsync(CibaHost host) => (await host.ServicesAsync()).GetRequiredService<CibaMetadata>();

    private static async Task<string> MergedAsync(CibaHost host, string document)
    {
        var json = JsonNode.Parse(document)!.AsObject();
        (await MetadataAsync(host)).MergeInto(json);
        return Indented(json.ToJsonString());
    }

    private static string Indented(string json) => JsonNode.Parse(json)!.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
}
