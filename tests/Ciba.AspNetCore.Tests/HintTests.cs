using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.Tokens;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests;

/// <summary>Sections 7.1 and 7.2: whom a request is for.</summary>
public sealed class HintTests
{
    private ECDsa _key = null!;

    [SetUp]
    public void MakeKey() => _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    [TearDown]
    public void DisposeOfKey() => _key.Dispose();

    [Test, Spec("A6")]
    public async Task A_request_without_a_hint_is_told_to_send_one()
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("login_hint", null));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(answer.Body, Is.EqualTo("""{"error":"invalid_request","error_description":"Send exactly one of login_hint, login_hint_token and id_token_hint: there is none."}"""));
    }

    [Test, Spec("A6")]
    public async Task Two_hints_are_refused_even_where_they_name_the_same_user([Values("login_hint_token", "id_token_hint")] string second)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync((second, "alice"));

        Assert.That(answer.Error, Is.EqualTo("invalid_request"));
        Assert.That(answer.Description, Does.EndWith("there are several, leave out all but one."));
    }

    [Test, Spec("A15")]
    public async Task A_hint_that_names_nobody_is_unknown_user_id()
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("login_hint", "mallory"));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(answer.Body, Is.EqualTo("""{"error":"unknown_user_id","error_description":"The hint does not name a known user."}"""));
    }

    [Test, Spec("A15"), Spec("A22")]
    public async Task A_host_that_conceals_its_users_answers_for_nobody_as_for_somebody([Values("mallory", "bob")] string hint)
    {
        await using var host = new CibaHost { Options = options => options.ConcealUnknownUsers = true };
        host.Users.Lock("bob");

        var answer = await host.AuthorizeAsync(("login_hint", hint));
        var pending = await host.PollAsync(answer.AuthReqId);
        host.Time.Advance(TimeSpan.FromMinutes(2));
        var expired = await host.PollAsync(answer.AuthReqId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(answer.AuthReqId, Has.Length.EqualTo((await host.AuthorizeAsync()).AuthReqId.Length));
            Assert.That(pending.Error, Is.EqualTo("authorization_pending"));
            Assert.That(expired.Error, Is.EqualTo("expired_token"));
            Assert.That((await host.Devices.NextAsync()).Subject, Is.EqualTo("sub-alice"), "nobody else is told");
        }
    }

    [Test, Spec("A15"), Spec("U5")]
    public async Task A_host_that_conceals_its_users_holds_nobody_to_the_same_limit()
    {
        await using var host = new CibaHost { Options = options => (options.ConcealUnknownUsers, options.MaxPendingRequestsPerUser) = (true, 1) };
        await host.AuthorizeAsync(("login_hint", "mallory"));

        Assert.That((await host.AuthorizeAsync(("login_hint", "mallory"))).Error, Is.EqualTo("access_denied"));
        Assert.That((await host.AuthorizeAsync(("login_hint", "trudy"))).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("A22")]
    public async Task A_locked_user_is_access_denied()
    {
        await using var host = new CibaHost();
        host.Users.Lock("alice");

        var answer = await host.AuthorizeAsync();

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That(answer.Body, Is.EqualTo("""{"error":"access_denied","error_description":"This user cannot authenticate at present."}"""));
    }

    [Test, Spec("A14")]
    public async Task A_login_hint_token_is_the_hosts_to_read()
    {
        await using var host = new CibaHost();
        host.Users.ReadLoginHintToken = token => token switch
        {
            "good" => CibaUserLookupResult.Found(new CibaUser { Subject = "sub-bob" }),
            "old" => CibaUserLookupResult.ExpiredLoginHintToken,
            "forged" => CibaUserLookupResult.Invalid("The login_hint_token is not signed by a trusted issuer."),
            _ => CibaUserLookupResult.Unknown,
        };

        async Task<Answer> Send(string token) => await host.AuthorizeAsync(("login_hint", null), ("login_hint_token", token));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await Send("good")).Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((await host.Devices.NextAsync()).Subject, Is.EqualTo("sub-bob"));
            Assert.That((await Send("old")).Body, Is.EqualTo("""{"error":"expired_login_hint_token","error_description":"The login_hint_token has expired."}"""));
            Assert.That((await Send("forged")).Body, Is.EqualTo("""{"error":"invalid_request","error_description":"The login_hint_token is not signed by a trusted issuer."}"""));
            Assert.That((await Send("other")).Error, Is.EqualTo("unknown_user_id"));
        }
    }

    [Test, Spec("A13")]
    public async Task An_ID_Token_of_ours_names_its_user_even_when_it_has_expired()
    {
        await using var host = new CibaHost();
        var idToken = (await host.TokensAsync()).Text("id_token");
        await host.Devices.NextAsync();
        host.Time.Advance(TimeSpan.FromDays(30));

        var answer = await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", idToken));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await host.Devices.NextAsync()).Subject, Is.EqualTo("sub-alice"));
    }

    [Test, Spec("A13")]
    public async Task An_ID_Token_of_a_user_who_is_gone_is_unknown_user_id()
    {
        await using var host = new CibaHost();
        var idToken = (await host.TokensAsync()).Text("id_token");
        host.Users.Names.Remove("alice");

        Assert.That((await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", idToken))).Error, Is.EqualTo("unknown_user_id"));
    }

    [Test, Spec("A13")]
    public async Task An_ID_Token_of_another_client_is_no_hint()
    {
        await using var host = new CibaHost();
        var idToken = (await host.TokensAsync()).Text("id_token");

        AssertNotOurs(await host.AuthorizeAsync(("client_id", "other"), ("login_hint", null), ("id_token_hint", idToken)));
    }

    [Test, Spec("A13")]
    public async Task An_access_token_is_no_hint_even_where_its_audience_is_the_client()
    {
        await using var host = new CibaHost { Tokens = options => options.AccessTokenAudience = "client" };
        var accessToken = (await host.TokensAsync()).Text("access_token");

        AssertNotOurs(await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", accessToken)));
    }

    [TestCase("iss", "https://other.example.com"), TestCase("aud", "other"), TestCase("sub", ""), TestCase("sub", null), TestCase("iss", null), TestCase("aud", null)]
    [Spec("A13")]
    public async Task A_signed_token_with_a_wrong_claim_is_no_hint(string claim, string? value)
    {
        await using var host = SigningWithKey();
        var claims = RightClaims();
        claims[claim] = value;

        AssertNotOurs(await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", Sign(claims, _key))));
    }

    [Test, Spec("A13")]
    public async Task The_claims_that_those_are_compared_with_are_right()
    {
        await using var host = SigningWithKey();

        Assert.That((await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", Sign(RightClaims(), _key)))).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("A13")]
    public async Task A_token_that_somebody_else_signed_is_no_hint()
    {
        await using var host = SigningWithKey();
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        AssertNotOurs(await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", Sign(RightClaims(), stranger))));
    }

    [TestCase("none"), TestCase("HS256"), TestCase("RS256"), TestCase("ES384")]
    [Spec("A13")]
    public async Task A_token_that_names_another_algorithm_is_no_hint(string algorithm)
    {
        await using var host = SigningWithKey();

        AssertNotOurs(await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", Sign(RightClaims(), _key, algorithm))));
    }

    [TestCase("x"), TestCase("a.b.c"), TestCase("..."), TestCase("a.b.c.d.e"), TestCase("e30.e30.AA")]
    [Spec("A13")]
    public async Task What_is_no_JWT_is_no_hint(string token)
    {
        await using var host = new CibaHost();

        AssertNotOurs(await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", token)));
    }

    private static void AssertNotOurs(Answer answer)
    {
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(answer.Body, Is.EqualTo("""{"error":"invalid_request","error_description":"The id_token_hint is not an ID Token that this provider issued to this client."}"""));
    }

    private CibaHost SigningWithKey() => new()
    {
        Tokens = options => options.SigningCredentials = [new SigningCredentials(new ECDsaSecurityKey(_key), "ES256")],
    };

    private static JsonObject RightClaims() => new() { ["iss"] = CibaHost.Issuer, ["aud"] = "client", ["sub"] = "sub-alice", ["exp"] = 1 };

    private static string Sign(JsonObject claims, ECDsa key, string algorithm = "ES256")
    {
        var input = $"{Encode($$"""{"alg":"{{algorithm}}","typ":"JWT"}""")}.{Encode(claims.ToJsonString())}";
        return $"{input}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256))}";
    }

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
