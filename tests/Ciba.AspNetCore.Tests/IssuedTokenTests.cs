using System.Text.Json;

namespace Ciba.AspNetCore.Tests;

/// <summary>An issuer of the host's own may forget what tokens must be bound to; such tokens go to nobody.</summary>
[Spec("I5"), Spec("F6"), Spec("T12")]
public sealed class IssuedTokenTests
{
    private static readonly string Thumbprint = DpopCalls.Thumbprint(DpopCalls.Key);

    private static readonly object[] Forgetful =
    [
        new TestCaseData("Bearer", "opaque").SetArgDisplayNames("a bearer token"),
        new TestCaseData("DPoP", Jwt(null)).SetArgDisplayNames("a JWT without cnf"),
        new TestCaseData("DPoP", Jwt("\"text\"")).SetArgDisplayNames("a JWT with a cnf that is none"),
        new TestCaseData("DPoP", Jwt("""{"jkt":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}""")).SetArgDisplayNames("a JWT for another key"),
        new TestCaseData("DPoP", Jwt("{\"x5t#S256\":\"" + Thumbprint + "\"}")).SetArgDisplayNames("a JWT for a certificate"),
    ];

    [TestCaseSource(nameof(Forgetful))]
    public async Task Tokens_that_are_not_bound_to_the_key_that_the_request_named_are_kept_back_and_the_approval_stands(string type, string accessToken)
    {
        var tokens = new FakeTokens();
        await using var host = new CibaHost { Setup = tokens.Use, Options = DpopCalls.On };
        var id = await host.ApprovedAsync(("dpop_jkt", Thumbprint));

        tokens.OnIssue = (_, _) => Issued(type, accessToken);
        var kept = await host.PollWithAsync(id, host.Proof());
        tokens.OnIssue = (_, _) => Issued("DPoP", Jwt("{\"jkt\":\"" + Thumbprint + "\"}"));
        var given = await host.PollWithAsync(id, host.Proof());

        using (Assert.EnterMultipleScope())
        {
            Refusal.Says(kept, "server_error", 500);
            Assert.That(given.Text("token_type"), Is.EqualTo("DPoP"));
        }
    }

    [Test]
    public async Task Of_a_token_that_is_no_JWT_its_issuer_alone_knows_what_it_is_bound_to()
    {
        var tokens = new FakeTokens { OnIssue = (_, _) => Issued("DPoP", "opaque") };
        await using var host = new CibaHost { Setup = tokens.Use, Options = DpopCalls.On };
        var id = await host.ApprovedAsync(("dpop_jkt", Thumbprint));

        Assert.That((await host.PollWithAsync(id, host.Proof())).Text("access_token"), Is.EqualTo("opaque"));
    }

    [Test, Spec("D5")]
    public async Task Discovery_promises_of_an_issuer_of_the_hosts_own_what_the_host_has_said([Values] bool said)
    {
        await using var host = new CibaHost
        {
            Setup = new FakeTokens().Use,
            Options = options => options.Dpop.SigningAlgValuesSupported = said ? ["ES256"] : null,
        };

        var document = (await host.SendAsync(HttpMethod.Get, "/.well-known/openid-configuration")).Json;

        Assert.That(document.TryGetProperty("dpop_signing_alg_values_supported", out _), Is.EqualTo(said));
    }

    [Test, Spec("F3")]
    public async Task Access_tokens_of_the_profile_are_signed_by_what_it_allows()
    {
        var client = FapiCibaRegistrationTests.FapiClient();
        (client.Profile, client.IdTokenSignedResponseAlg) = (CibaProfile.FapiCiba, "PS256");
        await using var host = new CibaHost
        {
            Clients = [client],
            Tokens = options => options.SigningCredentials = [TestKeys.Make("RS256"), TestKeys.Make("PS256")],
        };
        var request = SignedCalls.Jwt(host).Claim("binding_message", "\"W4SCT\"").Sign(TestKey.For("ES256"));
        (string, string?)[] assertion = [("client_assertion_type", TestJwt.AssertionType), ("client_assertion", new TestJwt(host).Sign(TestKey.For("ES256")))];
        var id = (await host.PostAsync(ClientCalls.Authorize, [.. assertion, ("request", request)])).AuthReqId;
        await host.ApproveAsync(id);

        var tokens = await host.PostAsync(
            ClientCalls.Token,
            [("client_assertion_type", TestJwt.AssertionType), ("client_assertion", new TestJwt(host).Sign(TestKey.For("ES256"))), ("grant_type", CibaHost.GrantType), ("auth_req_id", id)],
            DpopCalls.Send(host.Proof()));

        Assert.That((Algorithm(tokens.Text("access_token")!), Algorithm(tokens.Text("id_token")!)), Is.EqualTo(("PS256", "PS256")));
    }

    private static string? Algorithm(string jwt) =>
        JsonElement.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(jwt.Split('.')[0])).GetProperty("alg").GetString();

    private static string Jwt(string? cnf) => TestJwt.Compose("""{"alg":"ES256"}""", cnf is null ? "{}" : "{\"cnf\":" + cnf + "}", _ => [1]);

    private static Task<CibaTokens?> Issued(string type, string accessToken) => Task.FromResult<CibaTokens?>(
        new() { AccessToken = accessToken, TokenType = type, IdToken = "id", ExpiresIn = TimeSpan.FromMinutes(10) });
}
