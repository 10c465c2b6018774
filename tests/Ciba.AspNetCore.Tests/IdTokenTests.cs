using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.Tokens;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests;

/// <summary>OpenID Connect Core section 2: the ID Token of the ready issuer, checked without a line of the library.</summary>
public sealed class IdTokenTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);

    [Test, Spec("I1"), Spec("I2"), Spec("I3")]
    public async Task The_id_token_says_who_when_and_for_whom_and_no_more()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync(("scope", "openid profile"), ("binding_message", "4711"))).AuthReqId;
        host.Time.Advance(TimeSpan.FromSeconds(10));
        await host.ApproveAsync(id);
        host.Time.Advance(TimeSpan.FromSeconds(7));

        var answer = await host.PollAsync(id);

        var token = ReceivedToken.Id(answer);
        var decided = Start.AddSeconds(10).ToUnixTimeSeconds();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(token.HeaderJson, Is.EqualTo($$"""{"alg":"ES256","kid":"{{token.KeyId}}","typ":"JWT"}"""));
            Assert.That(token.ClaimsJson, Is.EqualTo(
                $$"""{"iss":"https://id.example.com","sub":"sub-alice","aud":"client","iat":{{decided + 7}},"exp":{{decided + 7 + 3600}},"auth_time":{{decided}},"at_hash":"{{ReceivedToken.HalfHash("ES256", answer.Text("access_token")!)}}"}"""));
            Assert.That(await token.IsSignedByAsync(host), Is.True);
        }
    }

    [TestCase("ES256"), TestCase("PS256"), TestCase("RS256"), Spec("I1"), Spec("I3")]
    public async Task A_client_gets_its_id_token_signed_with_the_algorithm_it_registered(string algorithm)
    {
        var client = CibaHost.Client("client");
        client.IdTokenSignedResponseAlg = algorithm;
        await using var host = new CibaHost { Clients = [client] };

        var answer = await host.TokensAsync();

        var token = ReceivedToken.Id(answer);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(token.Algorithm, Is.EqualTo(algorithm));
            Assert.That(await token.IsSignedByAsync(host), Is.True);
            Assert.That(ReceivedToken.Access(answer).Algorithm, Is.EqualTo("ES256"), "the access token is not the client's to read");
        }
    }

    [TestCase("ES256"), TestCase("ES384"), TestCase("ES512"), TestCase("PS256"), TestCase("PS384"), TestCase("PS512")]
    [TestCase("RS256"), TestCase("RS384"), TestCase("RS512"), Spec("I1"), Spec("I3")]
    public async Task The_hosts_key_signs_and_at_hash_goes_with_its_algorithm(string algorithm)
    {
        await using var host = new CibaHost { Tokens = options => options.SigningCredentials = [TestKeys.Make(algorithm, "mine")] };

        var answer = await host.TokensAsync();

        var token = ReceivedToken.Id(answer);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(token.HeaderJson, Is.EqualTo($$"""{"alg":"{{algorithm}}","kid":"mine","typ":"JWT"}"""));
            Assert.That(await token.IsSignedByAsync(host), Is.True);
            Assert.That(await ReceivedToken.Access(answer).IsSignedByAsync(host), Is.True);
            Assert.That(token.Claims.GetProperty("at_hash").GetString(), Is.EqualTo(ReceivedToken.HalfHash(algorithm, answer.Text("access_token")!)));
        }
    }

    [Test, Spec("I1")]
    public async Task A_certificate_can_be_the_hosts_key()
    {
        using var rsa = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=signing", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(Start, Start.AddYears(1));
        await using var host = new CibaHost { Tokens = options => options.SigningCredentials = [new X509SigningCredentials(certificate)] };

        var token = ReceivedToken.Id(await host.TokensAsync());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(token.Algorithm, Is.EqualTo("RS256"));
            Assert.That(token.KeyId, Is.EqualTo(certificate.Thumbprint));
            Assert.That(await token.IsSignedByAsync(host), Is.True);
        }
    }

    [TestCase("ES256"), TestCase("RS256"), Spec("I1")]
    public async Task A_key_without_a_name_is_named_by_its_thumbprint(string algorithm)
    {
        await using var host = new CibaHost { Tokens = options => options.SigningCredentials = [TestKeys.Make(algorithm)] };

        var token = ReceivedToken.Id(await host.TokensAsync());

        var jwk = await token.KeyAsync(host);
        var members = algorithm == "ES256" ? new[] { "crv", "kty", "x", "y" } : ["e", "kty", "n"];
        var canonical = $"{{{string.Join(',', members.Select(name => $"\"{name}\":\"{jwk.GetProperty(name).GetString()}\""))}}}";
        Assert.That(token.KeyId, Is.EqualTo(Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))), "RFC 7638");
    }

    [Test, Spec("I1"), Spec("D5")]
    public async Task Of_several_keys_the_first_signs_and_all_are_published()
    {
        await using var host = new CibaHost
        {
            Tokens = options => options.SigningCredentials = [TestKeys.Make("PS256", "new"), TestKeys.Make("PS256", "old"), TestKeys.Make("ES256", "other")],
        };

        var token = ReceivedToken.Id(await host.TokensAsync());

        var published = (await host.SendAsync(HttpMethod.Get, "/jwks")).Json.GetProperty("keys").EnumerateArray().Select(key => key.GetProperty("kid").GetString());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(token.KeyId, Is.EqualTo("new"));
            Assert.That(published, Is.EqualTo(new[] { "new", "old", "other" }));
        }
    }

    [Test, Spec("I1"), Spec("A13")]
    public async Task What_a_key_has_signed_is_recognised_until_the_key_is_gone()
    {
        var old = TestKeys.Make("ES256", "old");
        await using var before = new CibaHost { Tokens = options => options.SigningCredentials = [old] };
        await using var during = new CibaHost { Tokens = options => options.SigningCredentials = [TestKeys.Make("ES256", "new"), old] };
        await using var after = new CibaHost { Tokens = options => options.SigningCredentials = [TestKeys.Make("ES256", "old")] };
        var token = (await before.TokensAsync()).Text("id_token");

        var rotated = await during.AuthorizeAsync(("login_hint", null), ("id_token_hint", token));
        var gone = await after.AuthorizeAsync(("login_hint", null), ("id_token_hint", token));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(rotated.Status, Is.EqualTo(HttpStatusCode.OK), rotated.Body);
            Assert.That(gone.Error, Is.EqualTo("invalid_request"));
        }
    }

    [TestCase("urn:acr:2 urn:acr:1", "urn:acr:2", "urn:acr:2", TestName = "{m}(asked and known)")]
    [TestCase(null, "urn:acr:2", null, TestName = "{m}(not asked)")]
    [TestCase("urn:acr:2", null, null, TestName = "{m}(not known)")]
    [TestCase("urn:acr:2", "urn:acr:1", "urn:acr:1", TestName = "{m}(what was reached, not what was asked)")]
    [Spec("I1"), Spec("A12")]
    public async Task The_acr_is_there_when_it_was_asked_for_and_is_known(string? asked, string? reached, string? claim)
    {
        await using var host = new CibaHost();

        var token = ReceivedToken.Id(await host.TokensAsync(new CibaApproval { Acr = reached }, ("acr_values", asked)));

        Assert.That(token.Claims.TryGetProperty("acr", out var acr) ? acr.GetString() : null, Is.EqualTo(claim));
    }

    [Test, Spec("I1")]
    public async Task The_time_and_the_methods_of_the_users_authentication_are_what_the_host_said()
    {
        await using var host = new CibaHost();

        var token = ReceivedToken.Id(await host.TokensAsync(new CibaApproval { AuthTime = Start.AddSeconds(-90), Amr = ["face", "hwk"] }));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(token.Claims.GetProperty("auth_time").GetInt64(), Is.EqualTo(Start.AddSeconds(-90).ToUnixTimeSeconds()));
            Assert.That(token.Claims.GetProperty("amr").GetRawText(), Is.EqualTo("""["face","hwk"]"""));
        }
    }

    [Test, Spec("I2")]
    public async Task Nobody_else_can_become_the_subject()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var bob = await host.ApproveAsync(id, "bob");
        var waiting = await host.PollAsync(id);
        await host.ApproveAsync(id);
        var token = ReceivedToken.Id(await host.PollAsync(id));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(bob, Is.EqualTo(CibaDecisionResult.NotYours));
            Assert.That(waiting.Error, Is.EqualTo("authorization_pending"));
            Assert.That(token.Claims.GetProperty("sub").GetString(), Is.EqualTo("sub-alice"));
        }
    }

    [Test, Spec("I1")]
    public async Task The_host_adds_claims_of_every_kind_and_changes_the_lifetime()
    {
        await using var host = new CibaHost
        {
            Tokens = options =>
            {
                options.IdTokenLifetime = TimeSpan.FromMinutes(5);
                options.ConfigureIdToken = (request, claims) =>
                {
                    claims.Remove("auth_time");
                    claims["name"] = "Ælice \"</script>";
                    claims["email_verified"] = true;
                    claims["int"] = 7;
                    claims["long"] = long.MaxValue;
                    claims["double"] = 0.5;
                    claims["groups"] = new List<string> { "a", "b" };
                    claims["address"] = JsonNode.Parse("""{"country":"DE"}""")!;
                    claims["element"] = JsonElement.Parse("[1,null]");
                    claims["client"] = request.Client.ClientId;
                };
            },
        };

        var token = ReceivedToken.Id(await host.TokensAsync());

        var claims = token.Claims;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await token.IsSignedByAsync(host), Is.True);
            Assert.That(claims.GetProperty("exp").GetInt64() - claims.GetProperty("iat").GetInt64(), Is.EqualTo(300));
            Assert.That(claims.TryGetProperty("auth_time", out _), Is.False);
            Assert.That(claims.GetProperty("name").GetString(), Is.EqualTo("Ælice \"</script>"));
            Assert.That(token.ClaimsJson, Does.EndWith(
                ""","email_verified":true,"int":7,"long":9223372036854775807,"double":0.5,"groups":["a","b"],"address":{"country":"DE"},"element":[1,null],"client":"client"}"""));
        }
    }

    private static readonly object?[] NoClaims = [null, 1.5m, Start, new Uri("https://a.example"), double.NaN, new Dictionary<string, object>(), new[] { 1, 2 }];

    [TestCaseSource(nameof(NoClaims)), Spec("T12")]
    public async Task A_claim_that_cannot_be_written_is_a_server_error_and_the_approval_stands(object? value)
    {
        var broken = true;
        await using var host = new CibaHost
        {
            Tokens = options => options.ConfigureIdToken = (_, claims) => claims["extra"] = broken ? value! : "mended",
        };
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);

        var first = await host.PollAsync(id);
        broken = false;
        var second = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Status, Is.EqualTo(HttpStatusCode.InternalServerError));
            Assert.That(first.Body, Is.EqualTo("""{"error":"server_error","error_description":"The provider failed: try again later."}"""));
            Assert.That(ReceivedToken.Id(second).Claims.GetProperty("extra").GetString(), Is.EqualTo("mended"));
        }
    }

    [TestCase("ES256"), TestCase("RS256"), TestCase("PS256"), Spec("I1")]
    public async Task Many_tokens_signed_at_once_are_all_good(string algorithm)
    {
        var client = CibaHost.Client("client");
        client.IdTokenSignedResponseAlg = algorithm;
        await using var host = new CibaHost { Clients = [client], Options = options => options.Limits.SwitchOff() };
        var ids = new List<string>();
        for (var i = 0; i < 40; i++)
        {
            ids.Add((await host.AuthorizeAsync()).AuthReqId);
            await host.ApproveAsync(ids[^1]);
        }

        // The first use of the keys is part of the race.
        var answers = await Task.WhenAll(ids.Select(id => Task.Run(() => host.PollAsync(id))));

        var jwk = await ReceivedToken.Id(answers[0]).KeyAsync(host);
        Assert.That(answers.Select(answer => ReceivedToken.Id(answer).IsSignedBy(jwk)), Has.All.True.And.Exactly(40).Items);
    }
}
