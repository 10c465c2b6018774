using System.Net;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>Clients from a configuration section: what is there is taken as it was meant, or the host does not start.</summary>
public sealed class ClientConfigurationTests
{
    [Test, Spec("D6")]
    public async Task Every_setting_of_a_client_is_read()
    {
        await using var host = Configured("""
            [{
              "ClientId": "shop", "ClientName": "The shop", "ClientSecrets": ["a-secret", "the-next-secret"], "TokenEndpointAuthMethod": "client_secret_post",
              "TokenEndpointAuthSigningAlg": "ES256", "GrantTypes": ["urn:openid:params:grant-type:ciba", "client_credentials"],
              "BackchannelTokenDeliveryMode": "poll", "BackchannelClientNotificationEndpoint": "https://rp.example/cb",
              "BackchannelUserCodeParameter": true, "IdTokenSignedResponseAlg": "PS256", "Scopes": ["profile"],
              "JwksUri": "https://rp.example/jwks", "SubjectType": "public"
            }]
            """);
        await using var scope = (await host.ServicesAsync()).CreateAsyncScope();

        var client = await scope.ServiceProvider.GetRequiredService<ICibaClientStore>().FindAsync("shop", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(client!.ClientName, Is.EqualTo("The shop"));
            Assert.That(client.ClientSecrets, Is.EqualTo(new[] { CibaClient.HashSecret("a-secret"), CibaClient.HashSecret("the-next-secret") }), "kept as hashes");
            Assert.That(client.TokenEndpointAuthMethod, Is.EqualTo("client_secret_post"));
            Assert.That(client.TokenEndpointAuthSigningAlg, Is.EqualTo("ES256"));
            Assert.That(client.GrantTypes, Is.EqualTo(new[] { CibaHost.GrantType, "client_credentials" }));
            Assert.That(client.BackchannelTokenDeliveryMode, Is.EqualTo("poll"));
            Assert.That(client.BackchannelClientNotificationEndpoint, Is.EqualTo("https://rp.example/cb"));
            Assert.That(client.BackchannelUserCodeParameter, Is.True);
            Assert.That(client.IdTokenSignedResponseAlg, Is.EqualTo("PS256"));
            Assert.That(client.Scopes, Is.EqualTo(new[] { "profile" }));
            Assert.That(client.JwksUri, Is.EqualTo("https://rp.example/jwks"));
        }
    }

    [Test, Spec("D6")]
    public async Task What_a_configuration_leaves_out_has_its_default()
    {
        await using var host = Configured("""[{"ClientId": "shop", "ClientSecrets": ["s"], "BackchannelTokenDeliveryMode": "poll", "Scopes": [], "Jwks": null}]""");
        await using var scope = (await host.ServicesAsync()).CreateAsyncScope();

        var client = await scope.ServiceProvider.GetRequiredService<ICibaClientStore>().FindAsync("shop", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(client!.ClientName, Is.EqualTo("shop"));
            Assert.That(client.TokenEndpointAuthMethod, Is.EqualTo("client_secret_basic"));
            Assert.That(client.BackchannelUserCodeParameter, Is.False);
            Assert.That(client.SubjectType, Is.EqualTo("public"));
            Assert.That(client.Scopes, Is.Empty);
        }
    }

    [TestCase("[]"), TestCase("\"\"")]
    [Spec("A5")]
    public async Task An_empty_list_of_grant_types_leaves_no_grant(string empty)
    {
        await using var host = Configured($$"""[{"ClientId": "client", "ClientSecrets": ["{{CibaHost.Secret}}"], "TokenEndpointAuthMethod": "client_secret_post", "GrantTypes": {{empty}}}]""");

        var answer = await host.PostAsync("/bc-authorize", [("client_id", "client"), ("client_secret", CibaHost.Secret), ("scope", "openid"), ("login_hint", "alice")]);

        Assert.That(answer.Error, Is.EqualTo("unauthorized_client"), answer.Body);
    }

    private const string Right = "\"ClientId\": \"shop\", \"ClientSecrets\": [\"top-secret\"], \"BackchannelTokenDeliveryMode\": \"poll\"";

    [TestCase("""[]""", "No client is configured: the section Clients given to AddClients is empty or missing. It holds a list of clients.")]
    [TestCase("""{}""", "No client is configured: the section Clients given to AddClients is empty or missing. It holds a list of clients.")]
    [TestCase("\"shop\"", "No client is configured: the section Clients given to AddClients is empty or missing. It holds a list of clients.")]
    [TestCase("""["shop"]""", "Client 'Clients:0': it is no object with the settings of a client.")]
    [TestCase("""[null]""", "Client 'Clients:0': it is no object with the settings of a client.")]
    [TestCase("[{" + Right + ", \"RedirectUri\": \"https://rp.example\"}]", "Client 'shop': RedirectUri is not a setting of a client; correct its name or leave it out.")]
    [TestCase("[{" + Right + ", \"client_name\": \"Shop\"}]", "Client 'shop': client_name is not a setting of a client; did you mean ClientName?")]
    [TestCase("[{" + Right + ", \"TlsClientAuthSubjectDn\": \"CN=x\"}]", "Client 'shop': TlsClientAuthSubjectDn goes with TokenEndpointAuthMethod 'tls_client_auth' alone; set that, or leave it out.")]
    [TestCase("[{" + Right + ", \"TlsClientCertificateBoundAccessTokens\": true}]", "Client 'shop': TlsClientCertificateBoundAccessTokens needs mutual TLS: set CibaOptions.MutualTls.Enabled, and have the server ask for client certificates.")]
    [TestCase("[{" + Right + ", \"AuthorizationDetailsTypes\": [\"payment\"]}]", "Client 'shop': AuthorizationDetailsTypes holds 'payment'; add it to CibaOptions.AuthorizationDetailsTypesSupported, or leave it out.")]
    [TestCase("[{" + Right + ", \"BackchannelAuthenticationRequestSigningAlg\": \"ES256\"}]", "Client 'shop': BackchannelAuthenticationRequestSigningAlg needs the client's public keys: Jwks or JwksUri.")]
    [TestCase("[{" + Right + ", \"BackchannelUserCodeParameter\": \"maybe\"}]", "Client 'shop': BackchannelUserCodeParameter must be true or false.")]
    [TestCase("[{" + Right + ", \"Scopes\": \"profile email\"}]", "Client 'shop': Scopes is a single value; a list is expected.")]
    [TestCase("[{" + Right + ", \"GrantTypes\": \"client_credentials\"}]", "Client 'shop': GrantTypes is a single value; a list is expected.")]
    [TestCase("[{" + Right + ", \"Scopes\": [[\"profile\"]]}]", "Client 'shop': Scopes holds a list or an object; texts are expected.")]
    [TestCase("[{" + Right + ", \"Jwks\": {\"keys\": []}}]", "Client 'shop': Jwks is a list or an object; a single value is expected.")]
    [TestCase("[{" + Right + ", \"SubjectType\": [\"public\"]}]", "Client 'shop': SubjectType is a list or an object; a single value is expected.")]
    [TestCase("[{\"ClientId\": \"shop\", \"ClientSecrets\": \"top-secret\", \"BackchannelTokenDeliveryMode\": \"poll\"}]", "Client 'shop': ClientSecrets is a single value; a list is expected.")]
    [TestCase("[{\"ClientSecrets\": [\"top-secret\"], \"BackchannelTokenDeliveryMode\": \"poll\"}]", "Client '': ClientId is missing, longer than 256 characters or not printable ASCII.")]
    [TestCase("[{\"ClientId\": null, \"ClientSecrets\": [\"top-secret\"], \"BackchannelTokenDeliveryMode\": \"poll\"}]", "Client '': ClientId is missing, longer than 256 characters or not printable ASCII.")]
    [TestCase("[{" + Right + "}, {" + Right + "}]", "Client 'shop': ClientId is there 2 times.")]
    [Spec("D7")]
    public async Task A_configuration_that_does_not_mean_what_it_says_keeps_the_host_from_starting(string clients, string sentence)
    {
        await using var host = Configured(clients);

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(exception!.Problems, Does.Contain(sentence));
            Assert.That(exception.Message, Does.Not.Contain("top-secret"));
        }
    }

    [Test, Spec("D7")]
    public async Task Sections_and_code_add_up()
    {
        await using var host = new CibaHost
        {
            Clients = [CibaHost.Client("code")],
            Setup = ciba => ciba.AddClients(Section("[{" + Right + "}]")).AddClients(Section("[{" + Right.Replace("shop", "café-less", StringComparison.Ordinal) + "}]").GetSection("nothing")),
        };

        var fromCode = await host.AuthorizeAsync();
        var fromSection = await host.PostAsync("/bc-authorize", [("scope", "openid"), ("login_hint", "alice")], request => request.Headers.Authorization = CibaHost.Basic("shop", "top-secret"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(fromCode.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(fromSection.Status, Is.EqualTo(HttpStatusCode.OK), fromSection.Body);
        }
    }

    private static CibaHost Configured(string clients) => new() { Clients = [], Setup = ciba => ciba.AddClients(Section(clients)) };

    private static IConfigurationSection Section(string clients) => new ConfigurationBuilder()
        .AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes($$"""{"Clients": {{clients}}}""")))
        .Build()
        .GetSection("Clients");
}
