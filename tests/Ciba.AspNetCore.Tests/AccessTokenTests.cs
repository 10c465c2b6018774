using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 9068: the access token of the ready issuer, what the user granted, and pairwise subjects.</summary>
public sealed class AccessTokenTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);

    [Test, Spec("I4")]
    public async Task The_access_token_is_a_jwt_by_rfc_9068()
    {
        await using var host = new CibaHost();

        var token = ReceivedToken.Access(await host.TokensAsync(null, ("scope", "email openid profile")));

        var now = Start.ToUnixTimeSeconds();
        var jti = token.Claims.GetProperty("jti").GetString();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(token.HeaderJson, Is.EqualTo($$"""{"alg":"ES256","kid":"{{token.KeyId}}","typ":"at+jwt"}"""));
            Assert.That(token.ClaimsJson, Is.EqualTo(
                $$"""{"iss":"https://id.example.com","sub":"sub-alice","aud":"https://id.example.com/resources","client_id":"client","jti":"{{jti}}","iat":{{now}},"exp":{{now + 3600}},"auth_time":{{now}},"scope":"email openid profile"}"""));
            Assert.That(jti, Has.Length.EqualTo(22), "128 bits");
            Assert.That(await token.IsSignedByAsync(host), Is.True);
        }
    }

    [Test, Spec("I4")]
    public async Task Every_access_token_has_an_identifier_of_its_own()
    {
        await using var host = new CibaHost();

        var first = ReceivedToken.Access(await host.TokensAsync());
        var second = ReceivedToken.Access(await host.TokensAsync());

        Assert.That(first.Claims.GetProperty("jti").GetString(), Is.Not.EqualTo(second.Claims.GetProperty("jti").GetString()));
    }

    [Test, Spec("I4"), Spec("T7")]
    public async Task The_host_sets_audience_lifetime_and_claims()
    {
        await using var host = new CibaHost
        {
            Tokens = options =>
            {
                options.AccessTokenAudience = "https://api.example.com";
                options.AccessTokenLifetime = TimeSpan.FromSeconds(90);
                options.ConfigureAccessToken = (request, claims) => claims["tenant"] = $"{request.Subject}@{request.RequestedAt:yyyy}";
            },
        };

        var answer = await host.TokensAsync();

        var token = ReceivedToken.Access(answer);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Json.GetProperty("expires_in").GetInt32(), Is.EqualTo(90));
            Assert.That(token.Claims.GetProperty("aud").GetString(), Is.EqualTo("https://api.example.com"));
            Assert.That(token.Claims.GetProperty("exp").GetInt64(), Is.EqualTo(Start.ToUnixTimeSeconds() + 90));
            Assert.That(token.Claims.GetProperty("tenant").GetString(), Is.EqualTo("sub-alice@2026"));
            Assert.That(ReceivedToken.Id(answer).Claims.TryGetProperty("tenant", out _), Is.False);
            Assert.That(ReceivedToken.Id(answer).Claims.GetProperty("at_hash").GetString(), Is.EqualTo(ReceivedToken.HalfHash("ES256", answer.Text("access_token")!)), "of the token as it went out");
        }
    }

    [Test, Spec("T12")]
    public async Task An_access_token_claim_that_cannot_be_written_is_a_server_error_and_the_approval_stands()
    {
        var broken = true;
        await using var host = new CibaHost
        {
            Tokens = options => options.ConfigureAccessToken = (_, claims) => claims["extra"] = broken ? new object() : "mended",
        };
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);

        var first = await host.PollAsync(id);
        broken = false;
        var second = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Error, Is.EqualTo("server_error"));
            Assert.That(second.Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test, Spec("U4"), Spec("T7")]
    public async Task Fewer_scopes_than_asked_are_told_to_the_client_and_stand_in_the_token()
    {
        await using var host = new CibaHost();

        var answer = await host.TokensAsync(new CibaApproval { Scopes = ["profile", "openid", "openid"] }, ("scope", "openid email profile"));

        var accessToken = answer.Text("access_token");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Body, Is.EqualTo(
                $$"""{"access_token":"{{accessToken}}","token_type":"Bearer","expires_in":3600,"id_token":"{{answer.Text("id_token")}}","scope":"profile openid"}"""));
            Assert.That(ReceivedToken.Access(answer).Claims.GetProperty("scope").GetString(), Is.EqualTo("profile openid"));
        }
    }

    [Test, Spec("U4"), Spec("T7")]
    public async Task The_same_scopes_in_another_order_are_not_told()
    {
        await using var host = new CibaHost();

        var answer = await host.TokensAsync(new CibaApproval { Scopes = ["profile", "openid"] }, ("scope", "openid profile"));

        Assert.That(answer.Text("scope"), Is.Null);
    }

    [Test, Spec("D8")]
    public async Task A_pairwise_subject_is_the_same_for_clients_of_one_host_and_another_one_elsewhere()
    {
        await using var host = PairwiseClients.Host(
            PairwiseClients.Client("open"),
            PairwiseClients.Client("a", "https://one.example/a/jwks"),
            PairwiseClients.Client("b", "https://one.example:8443/b"),
            PairwiseClients.Client("c", "https://two.example/jwks"));
        host.Clients[0].SubjectType = "public";

        var open = await SubjectAsync(host, "open");
        var a = await SubjectAsync(host, "a");
        var b = await SubjectAsync(host, "b");
        var c = await SubjectAsync(host, "c");
        var bob = await SubjectAsync(host, "a", "bob");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(open, Is.EqualTo("sub-alice"));
            Assert.That(b, Is.EqualTo(a));
            Assert.That(new[] { open, a, c, bob }, Is.Unique);
            Assert.That(a, Does.Not.Contain("alice"));
            Assert.That(a, Has.Length.EqualTo(43), "256 bits of a keyed hash");
        }
    }

    [Test, Spec("D8")]
    public void The_sector_identifier_is_the_host_of_the_url_that_goes_with_the_delivery_mode()
    {
        var client = PairwiseClients.Client("a", "https://keys.example/jwks");
        client.BackchannelClientNotificationEndpoint = "https://callback.example/ciba";
        using (Assert.EnterMultipleScope())
        {
            Assert.That(SectorIn(CibaTokenDeliveryModes.Poll), Is.EqualTo("keys.example"));
            Assert.That(SectorIn(CibaTokenDeliveryModes.Ping), Is.EqualTo("keys.example"));
            Assert.That(SectorIn(CibaTokenDeliveryModes.Push), Is.EqualTo("callback.example"));
        }

        string? SectorIn(string mode)
        {
            client.BackchannelTokenDeliveryMode = mode;
            return client.SectorIdentifier;
        }
    }

    private static async Task<string?> SubjectAsync(CibaHost host, string client, string user = "alice")
    {
        var id = (await host.AuthorizeAsync([.. PairwiseClients.Form(host, client), ("login_hint", user)])).AuthReqId;
        await host.ApproveAsync(id, user);
        var answer = await host.PollAsync(id, PairwiseClients.Form(host, client));
        var subject = ReceivedToken.Id(answer).Claims.GetProperty("sub").GetString();
        Assert.That(ReceivedToken.Access(answer).Claims.GetProperty("sub").GetString(), Is.EqualTo(subject), "both tokens name the user alike");
        return subject;
    }
}
