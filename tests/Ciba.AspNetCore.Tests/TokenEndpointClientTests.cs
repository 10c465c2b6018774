using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 10.1: who may ask at the token endpoint, and for what.</summary>
public sealed class TokenEndpointClientTests
{
    private static readonly TestCaseData[] WrongClients =
    [
        Wrong("no authentication", "invalid_client", ("client_secret", null)),
        Wrong("no client at all", "invalid_client", ("client_id", null), ("client_secret", null)),
        Wrong("a wrong secret", "invalid_client", ("client_secret", "wrong")),
        Wrong("an unknown client", "invalid_client", ("client_id", "nobody")),
        Wrong("not the registered method", "invalid_client", ("client_id", "basic")),
        Wrong("an assertion of nothing", "invalid_client", ("client_secret", null), ("client_assertion", "x"), ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")),
        Wrong("secret and assertion at once", "invalid_request", ("client_assertion", "x"), ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")),
        Wrong("two client_id", "invalid_request", ("client_id", "client"), ("client_id", "other")),
    ];

    [TestCaseSource(nameof(WrongClients)), Spec("T9"), Spec("T14")]
    public async Task A_client_that_does_not_prove_itself_learns_and_changes_nothing(string error, (string Name, string? Value)[] changes)
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);

        var refused = await host.PollAsync(id, changes);
        var right = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused.Status, Is.EqualTo(error == "invalid_client" ? HttpStatusCode.Unauthorized : HttpStatusCode.BadRequest));
            Assert.That(refused.Error, Is.EqualTo(error));
            Assert.That(refused.Header("WWW-Authenticate"), error == "invalid_client" ? Does.StartWith("Basic ") : Is.Null);
            Assert.That(refused.Header("Cache-Control"), Is.EqualTo("no-store"));
            Assert.That(refused.Header("X-Content-Type-Options"), Is.EqualTo("nosniff"));
            Assert.That(right.Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test, Spec("T9")]
    public async Task A_client_with_basic_authentication_gets_its_tokens_and_a_wrong_one_the_challenge()
    {
        await using var host = new CibaHost { Clients = [CibaHost.Client("basic", CibaClientAuthenticationMethods.ClientSecretBasic)] };
        (string, string?)[] request = [("scope", "openid"), ("login_hint", "alice")];
        var id = (await host.PostAsync("/bc-authorize", request, message => message.Headers.Authorization = CibaHost.Basic("basic", CibaHost.Secret))).AuthReqId;
        await host.ApproveAsync(id);
        (string, string?)[] poll = [("grant_type", CibaHost.GrantType), ("auth_req_id", id)];

        var wrong = await host.PostAsync("/token", poll, message => message.Headers.Authorization = CibaHost.Basic("basic", "wrong"));
        var right = await host.PostAsync("/token", poll, message => message.Headers.Authorization = CibaHost.Basic("basic", CibaHost.Secret));

        using (Assert.EnterMultipleScope())
        {
            Refusal.IsUnproven(host, wrong, "The secret is wrong, or not form-encoded in a Basic header.");
            Assert.That(right.Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test, Spec("T9")]
    public async Task An_assertion_is_good_for_one_poll()
    {
        await using var host = new CibaHost { Clients = [CibaHost.Client("client", CibaClientAuthenticationMethods.ClientSecretJwt)] };
        var authorization = Assertion(host, "1");
        var id = (await host.AuthorizeAsync([("client_id", null), .. authorization])).AuthReqId;
        await host.ApproveAsync(id);

        var replayed = await host.PollAsync(id, [("client_id", null), .. authorization]);
        var fresh = await host.PollAsync(id, [("client_id", null), .. Assertion(host, "2")]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(replayed.Status, Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(replayed.Error, Is.EqualTo("invalid_client"));
            Assert.That(fresh.Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test, Spec("T9"), Spec("A5")]
    public async Task A_client_without_the_grant_is_an_unauthorized_client()
    {
        var without = new CibaClient { ClientId = "without", ClientName = "Without", ClientSecrets = [CibaHost.Secret], TokenEndpointAuthMethod = CibaClientAuthenticationMethods.ClientSecretPost, GrantTypes = ["client_credentials"] };
        await using var host = new CibaHost { Clients = [without] };

        var answer = await host.PollAsync(new string('A', 44));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(answer.Error, Is.EqualTo("unauthorized_client"));
        }
    }

    [Test, Spec("T11")]
    public async Task The_wrong_urn_of_drafts_is_told_the_right_one()
    {
        await using var host = new CibaHost();

        var answer = await host.PollAsync("x", ("grant_type", "urn:ietf:params:oauth:grant-type:ciba"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(answer.Body, Is.EqualTo("""{"error":"unsupported_grant_type","error_description":"urn:ietf:params:oauth:grant-type:ciba is not the grant type of CIBA: send grant_type=urn:openid:params:grant-type:ciba."}"""));
        }
    }

    [TestCase("authorization_code"), TestCase("client_credentials"), TestCase("URN:OPENID:PARAMS:GRANT-TYPE:CIBA"), TestCase("urn:openid:params:grant-type:ciba "), Spec("T11")]
    public async Task Any_other_grant_type_is_unsupported(string grantType)
    {
        await using var host = new CibaHost();

        var answer = await host.PollAsync("x", ("grant_type", grantType));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(answer.Body, Is.EqualTo("""{"error":"unsupported_grant_type","error_description":"The only grant_type here is urn:openid:params:grant-type:ciba."}"""));
        }
    }

    [Test, Spec("T11")]
    public async Task No_grant_type_is_an_invalid_request([Values(null, "")] string? grantType)
    {
        await using var host = new CibaHost();

        var answer = await host.PollAsync("x", ("grant_type", grantType));

        Assert.That(answer.Body, Is.EqualTo("""{"error":"invalid_request","error_description":"grant_type is required: send grant_type=urn:openid:params:grant-type:ciba."}"""));
    }

    private static TestCaseData Wrong(string name, string error, params (string Name, string? Value)[] changes) => new(error, changes) { TestName = $"{{m}}({name})" };

    private static (string Name, string? Value)[] Assertion(CibaHost host, string jti)
    {
        var claims = new { iss = "client", sub = "client", aud = $"{CibaHost.Issuer}/token", jti, exp = host.Time.GetUtcNow().AddMinutes(1).ToUnixTimeSeconds() };
        var signed = $"{Base64Url.EncodeToString("""{"alg":"HS256"}"""u8)}.{Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(claims))}";
        var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(CibaHost.Secret), Encoding.ASCII.GetBytes(signed));
        return
        [
            ("client_secret", null),
            ("client_assertion", $"{signed}.{Base64Url.EncodeToString(signature)}"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ];
    }
}
