using static Ciba.AspNetCore.CibaClientAuthenticationMethods;

namespace Ciba.AspNetCore.Tests;

/// <summary>What a stranger learns of the clients: that there is one of a name, how it authenticates, or how it is registered.</summary>
public sealed class ClientEnumerationTests : IDisposable
{
    private static readonly TestKey Key = TestKey.For("ES256");

    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Test, Spec("A2"), Spec("A3"), Spec("T9")]
    public async Task Before_it_has_proved_anything_a_caller_gets_one_answer_whichever_client_it_names(
        [Values(ClientCalls.Authorize, ClientCalls.Token)] string endpoint,
        [Values(ClientSecretBasic, ClientSecretPost, ClientSecretJwt, PrivateKeyJwt, TlsClientAuth, SelfSignedTlsClientAuth)] string used)
    {
        using var stranger = new TestAuthority();
        await using var host = new CibaHost
        {
            Clients = [.. Clients()],
            Options = CertificateClients.Trust(_authority),
            BeforeRouting = CertificateClients.Shown(() => used is TlsClientAuth or SelfSignedTlsClientAuth ? stranger.Issue("CN=client, O=Example") : null),
            Setup = new FakeJwksUri(TestKey.Set(Key.Jwk())).Use,
        };

        foreach (var client in host.Clients.Select(client => client.ClientId).Append("nobody"))
        {
            var answer = used switch
            {
                ClientSecretBasic => await host.CallAsync(endpoint, [ClientCalls.Basic($"{client}:guess")]),
                ClientSecretPost => await host.CallAsync(endpoint, [], ("client_id", client), ("client_secret", "guess")),
                ClientSecretJwt => await host.CallAsync(endpoint, [], TestJwt.Form(new TestJwt(host, client).Mac("a guess of thirty-two bytes or more"))),
                PrivateKeyJwt => await host.CallAsync(endpoint, [], TestJwt.Form(new TestJwt(host, client).Sign(TestKey.Ec(Key.KeyId)))),
                _ => await host.CallAsync(endpoint, [], ("client_id", client)),
            };

            Refusal.IsUnproven(host, answer);
        }
    }

    [TestCase("Basic"), TestCase("Basic !!!!"), TestCase("Bearer x"), TestCase("Basic bm8tY29sb24="), Spec("A2")]
    public async Task A_malformed_header_is_refused_as_a_wrong_secret_is(string header)
    {
        await using var host = new CibaHost();

        Refusal.IsUnproven(host, await host.CallAsync(ClientCalls.Token, [header]), "The Authorization header is not HTTP Basic with client_id:client_secret.");
    }

    [TestCase("a+b", "a+b"), TestCase("100%", "100%"), TestCase("a%2Bb", "a%2Bb"), Spec("A3")]
    public async Task A_secret_in_a_Basic_header_that_is_not_form_encoded_is_told_that_it_must_be(string secret, string sent)
    {
        var client = CibaHost.Client("basic", ClientSecretBasic);
        client.ClientSecrets = [secret];
        await using var host = new CibaHost { Clients = [client] };

        var raw = await host.CallAsync(ClientCalls.Token, [ClientCalls.Basic($"basic:{sent}")]);
        var encoded = await host.CallAsync(ClientCalls.Token, [ClientCalls.Basic($"basic:{Uri.EscapeDataString(secret)}")]);

        // A percent sign that begins no escape is taken as it is.
        Assert.That(encoded.IsAuthenticated(), encoded.Body);
        if (secret == "100%")
        {
            Assert.That(raw.IsAuthenticated(), raw.Body);
        }
        else
        {
            Refusal.IsUnproven(host, raw, "The secret is wrong, or not form-encoded in a Basic header.");
            Assert.That(raw.Description, Does.Contain("an Authorization: Basic header with client_id and client_secret, each form-encoded"));
        }
    }

    [TestCase("aud", "\"https://elsewhere.example\"", "its aud holds neither the issuer nor the URL of the token or backchannel authentication endpoint")]
    [TestCase("exp", "1", "it has expired")]
    [TestCase("jti", null, "jti is required, with 512 characters at most")]
    [Spec("A4")]
    public async Task What_is_found_after_the_proof_is_told_to_the_client_and_to_nobody_else(string claim, string? json, string reason)
    {
        await using var host = ClientCalls.KeyHost();

        var own = await host.AuthorizeAsync(TestJwt.Form(new TestJwt(host).Claim(claim, json).Sign(Key)));
        Refusal.IsProven(host, own, $"The client_assertion is refused: {reason}.");
        var foreign = await host.AuthorizeAsync(TestJwt.Form(new TestJwt(host).Claim(claim, json).Sign(TestKey.Ec(Key.KeyId))));
        Refusal.IsUnproven(host, foreign, "The client_assertion is refused: no key of the client verifies its signature.");
    }

    private IEnumerable<CibaClient> Clients()
    {
        foreach (var method in new[] { ClientSecretBasic, ClientSecretPost, ClientSecretJwt })
        {
            yield return CibaHost.Client(method, method);
        }

        yield return ClientCalls.KeyClient(PrivateKeyJwt, TestKey.Set(Key.Jwk()));
        yield return ClientCalls.KeyClient("one algorithm", TestKey.Set(Key.Jwk()), "ES256");
        var remote = CibaHost.Client("remote", PrivateKeyJwt);
        remote.JwksUri = FakeJwksUri.Url;
        yield return remote;
        var byAuthority = CertificateClients.ByAuthority();
        byAuthority.ClientId = TlsClientAuth;
        yield return byAuthority;
        yield return CertificateClients.ByKeys(SelfSignedTlsClientAuth, _authority.SelfMade("CN=anything"));
        yield return CibaHost.Client("without the grant");
    }
}
