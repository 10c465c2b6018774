using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;

namespace Ciba.AspNetCore.Tests;

/// <summary>Members of the discovery document that the host adds.</summary>
public sealed class AdditionalMetadataTests
{
    private const string Prefix = "CibaOptions: Discovery.AdditionalMetadata: ";
    private const string Lists = """ "grant_types_supported": ["authorization_code", "urn:openid:params:grant-type:ciba"], "response_types_supported": ["code"] """;

    [Test, Spec("D5")]
    public async Task Members_of_every_shape_stand_in_the_document_beside_the_librarys([Values] bool byConfiguration)
    {
        const string Json = """
            {
              "authorization_endpoint": "https://id.example.com/authorize", "userinfo_endpoint": "https://id.example.com/userinfo",
              "service_documentation": "https://docs.example.com/ö?a=1&b=2", "code_challenge_methods_supported": ["S256"], "request_parameter_supported": true,
              "x_level": 2, "x_ratio": -0.5, "x_date": "2026-01-15", "x_nested": {"a": [{"b": false}], "c": {"d": "e"}}, "x_version": "1",
            """ + Lists + "}";
        await using var plain = new CibaHost();
        await using var host = byConfiguration ? new CibaHost { Section = Section(Json.Replace("\"1\"", "\"\\\"1\\\"\"", StringComparison.Ordinal)) } : InCode(Json);

        var before = await DocumentAsync(plain);
        var after = await DocumentAsync(host);

        using (Assert.EnterMultipleScope())
        {
            foreach (var (name, value) in JsonNode.Parse(Json)!.AsObject())
            {
                Assert.That(Sorted(after[name]), Is.EqualTo(Sorted(value)), name);
                before.Remove(name);
                after.Remove(name);
            }

            Assert.That(after.ToJsonString(), Is.EqualTo(before.ToJsonString()), "the library's own");
        }
    }

    [Test, Spec("F9")]
    public async Task Aliases_are_merged_with_the_librarys()
    {
        await using var host = InCode(
            """
            {
              "userinfo_endpoint": "https://id.example.com/userinfo",
              "mtls_endpoint_aliases": {"userinfo_endpoint": "https://mtls.example.com/userinfo", "token_endpoint": "https://mtls.example.com/token"}
            }
            """,
            options => (options.MutualTls.Enabled, options.MutualTls.BaseAddress) = (true, "https://mtls.example.com"));

        var document = await DocumentAsync(host);

        Assert.That(Sorted(document["mtls_endpoint_aliases"]), Is.EqualTo(Sorted(JsonNode.Parse("""
            {
              "token_endpoint": "https://mtls.example.com/token", "backchannel_authentication_endpoint": "https://mtls.example.com/bc-authorize",
              "userinfo_endpoint": "https://mtls.example.com/userinfo"
            }
            """))));
    }

    [TestCase("""{"issuer": "https://other.example"}""", "issuer contradicts what the library publishes; leave it out.")]
    [TestCase("""{"token_endpoint": "https://id.example.com/connect/token"}""", "token_endpoint contradicts what the library publishes; leave it out.")]
    [TestCase("""{"jwks_uri": "https://id.example.com/keys"}""", "jwks_uri contradicts what the library publishes; leave it out.")]
    [TestCase("""{"backchannel_token_delivery_modes_supported": ["poll"]}""", "backchannel_token_delivery_modes_supported contradicts what the library publishes; leave it out.")]
    [TestCase("""{"backchannel_user_code_parameter_supported": false}""", "backchannel_user_code_parameter_supported contradicts what the library publishes; leave it out.")]
    [TestCase("""{"tls_client_certificate_bound_access_tokens": true}""", "tls_client_certificate_bound_access_tokens contradicts what the library publishes; leave it out.")]
    [TestCase("""{"dpop_signing_alg_values_supported": ["ES256K"]}""", "dpop_signing_alg_values_supported contradicts what the library publishes; leave it out.")]
    [TestCase("""{"grant_types_supported": ["authorization_code"]}""", "grant_types_supported lacks 'urn:openid:params:grant-type:ciba', which the library publishes; add it, or leave grant_types_supported out.")]
    [TestCase("""{"scopes_supported": "openid"}""", "scopes_supported must be a list of texts.")]
    [TestCase("""{"scopes_supported": ["openid", 1]}""", "scopes_supported must be a list of texts.")]
    [TestCase("""{"authorization_endpoint": "/authorize"}""", "authorization_endpoint must be an absolute https URL (http only for loopback, or with RequireHttps switched off).")]
    [TestCase("""{"userinfo_endpoint": "http://id.example.com/userinfo"}""", "userinfo_endpoint must be an absolute https URL (http only for loopback, or with RequireHttps switched off).")]
    [TestCase("""{"service_documentation": null}""", "service_documentation is null; leave it out.")]
    [TestCase("""{"mtls_endpoint_aliases": "https://mtls.example.com"}""", "mtls_endpoint_aliases must be an object.")]
    [TestCase("""{"mtls_endpoint_aliases": {"userinfo_endpoint": "https://mtls.example.com/userinfo"}}""", "mtls_endpoint_aliases.userinfo_endpoint is no alias of an endpoint in the document; add userinfo_endpoint beside mtls_endpoint_aliases, or leave it out.")]
    [TestCase("""{"mtls_endpoint_aliases": {"token_endpoint": "https://mtls.example.com/token"}}""", "mtls_endpoint_aliases.token_endpoint is the library's to publish; set MutualTls.BaseAddress instead.")]
    [Spec("D5"), Spec("F9")]
    public async Task A_member_that_contradicts_the_library_or_itself_keeps_the_host_from_starting(string members, string sentence)
    {
        await using var host = InCode(members);

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { Prefix + sentence }));
    }

    [Test, Spec("F9")]
    public async Task An_alias_that_contradicts_the_librarys_keeps_the_host_from_starting()
    {
        await using var host = InCode(
            """{"mtls_endpoint_aliases": {"token_endpoint": "https://other.example/token"}}""",
            options => (options.MutualTls.Enabled, options.MutualTls.BaseAddress) = (true, "https://mtls.example.com"));

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { Prefix + "mtls_endpoint_aliases.token_endpoint contradicts what the library publishes; leave it out." }));
    }

    [TestCase(CibaProfile.Core, true), TestCase(CibaProfile.FapiCiba, false), Spec("F2")]
    public async Task A_method_more_is_listed_but_not_under_the_profile_that_allows_no_more(CibaProfile profile, bool isListed)
    {
        await using var host = InCode(
            """{"token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"]}""",
            options => options.Profile = profile,
            profile == CibaProfile.Core ? [CibaHost.Client("client")] : []);

        if (isListed)
        {
            Assert.That((await DocumentAsync(host))["token_endpoint_auth_methods_supported"]!.AsArray().Select(method => (string?)method), Does.Contain("none"));
            return;
        }

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);
        Assert.That(exception!.Problems, Does.Contain(Prefix + "token_endpoint_auth_methods_supported contradicts what the library publishes; leave it out."));
    }

    [TestCase("""{"Discovery": {"AdditionalMetadata": {"x_empty": ""}}}""", "Ciba:Discovery:AdditionalMetadata:x_empty is empty; leave it out.")]
    [TestCase("""{"Discovery": {"AdditionalMetadata": {"ui_locales_supported": []}}}""", "Ciba:Discovery:AdditionalMetadata:ui_locales_supported is empty; leave it out.")]
    [TestCase("""{"Discovery": {"AdditionalMetadata": "x"}}""", "Ciba:Discovery:AdditionalMetadata is a single value; an object is expected.")]
    public async Task A_member_of_the_configuration_that_says_nothing_keeps_the_host_from_starting(string options, string sentence)
    {
        await using var host = new CibaHost { Section = Configuration(options) };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { sentence }));
    }

    private static CibaHost InCode(string members, Action<CibaOptions>? more = null, List<CibaClient>? clients = null) => new()
    {
        Clients = clients ?? [CibaHost.Client("client")],
        Options = options =>
        {
            foreach (var (name, value) in JsonNode.Parse(members)!.AsObject())
            {
                options.Discovery.AdditionalMetadata[name] = value?.DeepClone();
            }

            more?.Invoke(options);
        },
    };

    private static async Task<JsonObject> DocumentAsync(CibaHost host) =>
        JsonNode.Parse((await host.SendAsync(HttpMethod.Get, "/.well-known/openid-configuration")).Body)!.AsObject();

    // The order of members says nothing, and the union of two lists keeps the library's first.
    private static string Sorted(JsonNode? node) => node switch
    {
        JsonObject members => $"{{{string.Join(',', members.OrderBy(member => member.Key, StringComparer.Ordinal).Select(member => $"{member.Key}:{Sorted(member.Value)}"))}}}",
        JsonArray list => $"[{string.Join(',', list.Select(Sorted).Order(StringComparer.Ordinal))}]",
        _ => node?.ToJsonString() ?? "null",
    };

    private static IConfigurationSection Section(string members) => Configuration($$$"""{"Discovery": {"AdditionalMetadata": {{{members}}}}}""");

    private static IConfigurationSection Configuration(string options) =>
        new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes($$"""{"Ciba": {{options}}}"""))).Build().GetSection("Ciba");
}
