using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>
/// Section 10.3.1: a client could not tell a push without the right claims from one that somebody slipped in, so none is sent.
/// </summary>
[Spec("P3")]
public sealed class PushTokenTests : IDisposable
{
    private const string AuthReqId = "urn:openid:params:jwt:claim:auth_req_id";
    private const string RefreshTokenHash = "urn:openid:params:jwt:claim:rt_hash";
    private const string Cure = "see CibaTokenRequest.CreateIdTokenClaims";

    private readonly FakeReceiver _receiver = new();
    private readonly PushIssuer _issuer = new() { RefreshToken = "refresh-1" };
    private readonly FakeEvents _events = new();

    public void Dispose()
    {
        _issuer.Dispose();
        _receiver.Dispose();
    }

    [Test]
    public async Task An_id_token_without_a_claim_that_binds_it_is_not_sent([Values(AuthReqId, "at_hash", RefreshTokenHash)] string claim)
    {
        _issuer.Claims = claims => claims.Remove(claim);

        await AssertNotSentAsync($"the ID Token lacks the claim {claim}, {Cure}");
    }

    [Test]
    public async Task An_id_token_that_is_bound_to_something_else_is_not_sent([Values(AuthReqId, "at_hash", RefreshTokenHash)] string claim)
    {
        _issuer.Claims = claims => claims[claim] = $"{((string)claims[claim])[1..]}A";

        await AssertNotSentAsync($"the ID Token's claim {claim} is wrong, {Cure}");
    }

    [Test]
    public async Task An_id_token_that_names_the_hash_without_its_urn_is_not_sent()
    {
        _issuer.Claims = claims =>
        {
            claims["rt_hash"] = claims[RefreshTokenHash];
            claims.Remove(RefreshTokenHash);
        };

        await AssertNotSentAsync($"the ID Token lacks the claim {RefreshTokenHash}, {Cure}");
    }

    [Test]
    public async Task A_claim_that_is_no_text_is_none([Values(AuthReqId, "at_hash", RefreshTokenHash)] string claim)
    {
        _issuer.Claims = claims => claims[claim] = 4711;

        await AssertNotSentAsync($"the ID Token lacks the claim {claim}, {Cure}");
    }

    [TestCase("a.b.c.d.e"), TestCase("opaque"), TestCase("e30.e30."), TestCase("e30.e30.AA"), TestCase("eyJhbGciOiJub25lIn0.e30."), TestCase("eyJhbGciOiJub25lIn0.e30.AA"), TestCase("..")]
    public async Task What_is_no_signed_jwt_is_not_sent(string idToken)
    {
        _issuer.IdToken = _ => idToken;

        await AssertNotSentAsync("the ID Token is no signed JWT");
    }

    [Test]
    public async Task An_encrypted_id_token_is_not_sent()
    {
        // Five parts, as RFC 7516 has them, around the right one.
        _issuer.IdToken = idToken => $"{TestJwt.Encode("""{"alg":"RSA-OAEP","enc":"A256GCM"}""")}.AA.AA.{TestJwt.Encode(idToken)}.AA";

        await AssertNotSentAsync("the ID Token is no signed JWT");
    }

    [Test]
    public async Task An_id_token_of_another_request_is_not_sent()
    {
        string? first = null;
        _issuer.IdToken = idToken => first ??= idToken;
        await using var host = Host();
        await host.ApproveAsync((await host.AskAsync()).AuthReqId);
        await _events.NextAsync(CibaEventKind.Delivered);
        await host.ApproveAsync((await host.AskAsync()).AuthReqId);

        Assert.That((await _events.NextAsync(CibaEventKind.Undelivered)).Reason, Is.EqualTo($"the ID Token's claim {AuthReqId} is wrong, {Cure}"));
    }

    [TestCase("ES256"), TestCase("ES384"), TestCase("ES512"), TestCase("PS256"), TestCase("PS384"), TestCase("RS256"), Spec("P2")]
    public async Task The_ready_issuers_tokens_are_sent_whatever_they_are_signed_with(string algorithm)
    {
        await using var host = new CibaHost
        {
            Clients = [FakeReceiver.PushClient()],
            Options = CallbackCalls.Quietly,
            Setup = _receiver.Use,
            Tokens = options => options.SigningCredentials = [TestKeys.Make(algorithm, "k")],
        };
        await host.ApproveAsync((await host.AskAsync()).AuthReqId);

        var tokens = (await _receiver.NextAsync()).Tokens;

        var idToken = ReceivedToken.Id(tokens);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await idToken.IsSignedByAsync(host));
            Assert.That(idToken.Claims.GetProperty("at_hash").GetString(), Is.EqualTo(ReceivedToken.HalfHash(algorithm, tokens.Text("access_token")!)));
        }
    }

    private async Task AssertNotSentAsync(string reason)
    {
        await using var host = Host();
        await host.FirstLookAsync();
        await host.ApproveAsync((await host.AskAsync()).AuthReqId);

        var heard = await _events.NextAsync(CibaEventKind.Undelivered);
        for (var looks = 0; looks < 12; looks++)
        {
            await host.LookAsync();
        }

        await host.StopAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((heard.TokenDeliveryMode, heard.Reason), Is.EqualTo(("push", reason)));
            Assert.That(_receiver.Calls, Is.Zero);
            Assert.That(_issuer.Calls, Is.EqualTo(1), "no second try");
            Assert.That(host.Log.Ours.Where(line => line.Level >= LogLevel.Warning && line.Category.EndsWith("OutboxWorker", StringComparison.Ordinal)).Select(line => (line.Level, line.Text.Trim().Split(": ", 2)[1])), Is.EqualTo(new[] { (LogLevel.Error, reason) }));
        }
    }

    private CibaHost Host() => new()
    {
        Clients = [FakeReceiver.PushClient()],
        Options = CallbackCalls.Quietly,
        Setup = ciba =>
        {
            _receiver.Use(ciba);
            _issuer.Use(ciba);
            _events.Use(ciba);
        },
    };
}
