using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Moq;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 7.1, RFC 7523: <c>client_secret_jwt</c> and <c>private_key_jwt</c> as honest clients use them.</summary>
public sealed class ClientAssertionTests
{
    private const string LongSecret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private static readonly string[] Endpoints = [ClientCalls.Authorize, ClientCalls.Token];
    private static readonly string[] Asymmetric = ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];
    private static readonly string[] Symmetric = ["HS256", "HS384", "HS512"];

    private static readonly string[] Audiences =
    [
        "\"https://id.example.com\"", "\"https://id.example.com/token\"", "\"https://id.example.com/bc-authorize\"",
        "[\"https://id.example.com\"]", "[\"https://elsewhere.example\",\"https://id.example.com/bc-authorize\"]",
        "[1,null,{},[\"x\"],\"https://id.example.com/token\"]",
    ];

    [Test, Spec("A3"), Spec("T9")]
    public async Task Each_algorithm_of_private_key_jwt_works_registered_or_not(
        [ValueSource(nameof(Endpoints))] string endpoint, [ValueSource(nameof(Asymmetric))] string algorithm, [Values] bool registered)
    {
        var key = TestKey.For(algorithm);
        await using var host = new CibaHost { Clients = [ClientCalls.KeyClient("client", TestKey.Set(key.Jwk()), registered ? algorithm : null)] };

        var answer = await host.CallAsync(endpoint, [], TestJwt.Form(new TestJwt(host).Sign(key, algorithm)));

        Assert.That(answer.IsAuthenticated(), answer.Body);
    }

    [Test, Spec("A3"), Spec("T9")]
    public async Task Each_algorithm_of_client_secret_jwt_works_registered_or_not(
        [ValueSource(nameof(Endpoints))] string endpoint, [ValueSource(nameof(Symmetric))] string algorithm, [Values] bool registered)
    {
        await using var host = new CibaHost { Clients = [ClientCalls.MacClient("client", LongSecret, registered ? algorithm : null)] };

        var answer = await host.CallAsync(endpoint, [], TestJwt.Form(new TestJwt(host).Mac(LongSecret, algorithm)));

        Assert.That(answer.IsAuthenticated(), answer.Body);
    }

    [Test, Spec("A4")]
    public async Task Another_algorithm_than_the_registered_one_is_refused()
    {
        var key = TestKey.For("PS256");
        await using var host = new CibaHost
        {
            Clients = [ClientCalls.KeyClient("client", TestKey.Set(key.Jwk()), "PS256"), ClientCalls.MacClient("mac", LongSecret, "HS384")],
        };

        // With the client's own key it is told its algorithm, with another nothing.
        foreach (var algorithm in Asymmetric.Where(algorithm => algorithm != "PS256"))
        {
            var answer = await AuthorizeAsync(host, new TestJwt(host).Sign(TestKey.For(algorithm), algorithm));
            if (TestKey.For(algorithm) == key)
            {
                AssertRefused(host, answer, "the client signs with PS256");
            }
            else
            {
                AssertUnproven(host, answer, "no key of the client verifies its signature");
            }
        }

        AssertRefused(host, await AuthorizeAsync(host, new TestJwt(host, "mac").Mac(LongSecret, "HS256")), "the client signs with HS384");
        AssertUnproven(host, await AuthorizeAsync(host, new TestJwt(host, "mac").Sign(key, "PS256")), "its alg does not go with the client's token_endpoint_auth_method");
    }

    [Test, Spec("A4"), Spec("T9")]
    public async Task The_audience_is_the_issuer_or_either_endpoint([ValueSource(nameof(Endpoints))] string endpoint, [ValueSource(nameof(Audiences))] string audience)
    {
        await using var host = ClientCalls.KeyHost();

        var answer = await host.CallAsync(endpoint, [], TestJwt.Form(new TestJwt(host).Claim("aud", audience).Sign(TestKey.For("ES256"))));

        Assert.That(answer.IsAuthenticated(), answer.Body);
    }

    [TestCase(null)]
    [TestCase("\"JWT\"")]
    [TestCase("\"jwt\"")]
    [TestCase("\"client-authentication+jwt\"")]
    [Spec("A4")]
    public async Task The_type_may_be_absent_or_right(string? type)
    {
        await using var host = ClientCalls.KeyHost();

        var answer = await AuthorizeAsync(host, new TestJwt(host).Header("typ", type).Sign(TestKey.For("ES256")));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [Test, Spec("A2b"), Spec("T9")]
    public async Task A_client_id_beside_the_assertion_must_match([ValueSource(nameof(Endpoints))] string endpoint)
    {
        await using var host = new CibaHost { Clients = [ClientCalls.MacClient("client"), ClientCalls.MacClient("other")] };

        var same = await host.CallAsync(endpoint, [], TestJwt.Form(new TestJwt(host).Mac(CibaHost.Secret), ("client_id", "client")));
        var other = await host.CallAsync(endpoint, [], TestJwt.Form(new TestJwt(host).Mac(CibaHost.Secret), ("client_id", "other")));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(same.IsAuthenticated(), same.Body);
            Assert.That(other.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(other.Body, Is.EqualTo("""{"error":"invalid_request","error_description":"The client_id in the form is not that of the client that authenticates."}"""));
        }
    }

    [TestCase(null)]
    [TestCase("urn:ietf:params:oauth:client-assertion-type:saml2-bearer")]
    [TestCase("URN:IETF:PARAMS:OAUTH:CLIENT-ASSERTION-TYPE:JWT-BEARER")]
    [Spec("A4")]
    public async Task An_assertion_without_its_type_is_refused(string? type)
    {
        await using var host = ClientCalls.KeyHost();

        var answer = await host.CallAsync(ClientCalls.Authorize, [], ("client_assertion", new TestJwt(host).Sign(TestKey.For("ES256"))), ("client_assertion_type", type));

        Refusal.IsUnproven(host, answer, $"The client_assertion is not accompanied by client_assertion_type={TestJwt.AssertionType}.");
    }

    [Test, Spec("A4")]
    public async Task Of_several_keys_the_kid_tells_which_and_without_it_any_fits()
    {
        TestKey first = TestKey.Ec("one"), second = TestKey.Ec("two"), nameless = TestKey.Ec("three"), foreign = TestKey.Ec("four");
        await using var host = new CibaHost
        {
            Clients = [ClientCalls.KeyClient("client", TestKey.Set(first.Jwk(), second.Jwk(), nameless.Jwk(("kid", null)), TestKey.For("PS256").Jwk()))],
            Options = options => options.Limits.SwitchOff(),
        };

        var accepted = new[]
        {
            new TestJwt(host).Sign(first), new TestJwt(host).Sign(second), new TestJwt(host).Sign(nameless),
            new TestJwt(host).Header("kid", "\"whatever\"").Sign(nameless), new TestJwt(host).Header("kid", null).Sign(second),
            new TestJwt(host).Sign(TestKey.For("PS256"), "PS256"),
        };
        var refused = new[] { new TestJwt(host).Header("kid", "\"one\"").Sign(second), new TestJwt(host).Header("kid", "\"ONE\"").Sign(first), new TestJwt(host).Header("kid", "\"one\"").Sign(foreign) };

        foreach (var assertion in accepted)
        {
            Assert.That((await AuthorizeAsync(host, assertion)).Status, Is.EqualTo(HttpStatusCode.OK));
        }

        foreach (var assertion in refused)
        {
            AssertUnproven(host, await AuthorizeAsync(host, assertion), "no key of the client verifies its signature");
        }
    }

    [Test, Spec("A3")]
    public async Task Each_of_several_secrets_makes_a_good_HMAC()
    {
        var client = ClientCalls.MacClient("client");
        client.ClientSecrets = [CibaHost.Secret, LongSecret];
        await using var host = new CibaHost { Clients = [client] };

        var statuses = new List<HttpStatusCode>();
        foreach (var secret in new[] { CibaHost.Secret, LongSecret, CibaClient.HashSecret(LongSecret), LongSecret + "0" })
        {
            statuses.Add((await AuthorizeAsync(host, new TestJwt(host).Mac(secret))).Status);
        }

        Assert.That(statuses, Is.EqualTo(new[] { HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized }));
    }

    // The defaults: 30 s for a clock that is ahead, one hour of life.
    [TestCase("exp", 1, null)]
    [TestCase("exp", 0, "it has expired")]
    [TestCase("exp", -1, "it has expired")]
    [TestCase("exp", 3630, null)]
    [TestCase("exp", 3631, "its exp is too far ahead")]
    [TestCase("iat", 30, null)]
    [TestCase("iat", 31, "its iat or nbf is in the future or not a number of seconds")]
    [TestCase("iat", -86400, null)]
    [TestCase("nbf", 0, null)]
    [TestCase("nbf", 30, null)]
    [TestCase("nbf", 31, "its iat or nbf is in the future or not a number of seconds")]
    [Spec("A4")]
    public async Task Times_count_to_the_second(string claim, int seconds, string? reason)
    {
        await using var host = ClientCalls.KeyHost(uptime: TimeSpan.FromDays(1));
        var time = TestJwt.Seconds(host.Time.GetUtcNow().AddSeconds(seconds));

        var answer = await AuthorizeAsync(host, new TestJwt(host).Claim(claim, time).Sign(TestKey.For("ES256")));

        if (reason is null)
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
        }
        else
        {
            AssertRefused(host, answer, reason);
        }
    }

    [Test, Spec("A4")]
    public async Task The_host_sets_how_long_an_assertion_lives_and_how_far_clocks_differ()
    {
        await using var host = new CibaHost
        {
            Clients = [ClientCalls.MacClient("client")],
            Options = options => (options.MaxClientAssertionLifetime, options.ClockSkew) = (TimeSpan.FromSeconds(10), TimeSpan.Zero),
        };
        var now = host.Time.GetUtcNow();

        AssertRefused(host, await AuthorizeAsync(host, new TestJwt(host).Claim("exp", TestJwt.Seconds(now.AddSeconds(11))).Mac(CibaHost.Secret)), "its exp is too far ahead");
        AssertRefused(
            host,
            await AuthorizeAsync(host, new TestJwt(host).Claim("exp", TestJwt.Seconds(now.AddSeconds(10))).Claim("iat", TestJwt.Seconds(now.AddSeconds(1))).Mac(CibaHost.Secret)),
            "its iat or nbf is in the future or not a number of seconds");
        Assert.That((await AuthorizeAsync(host, new TestJwt(host).Claim("exp", TestJwt.Seconds(now.AddSeconds(10))).Mac(CibaHost.Secret))).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("A4"), Spec("T9")]
    public async Task An_assertion_is_used_once_at_whichever_endpoint()
    {
        await using var host = ClientCalls.KeyHost();
        var assertion = new TestJwt(host).Sign(TestKey.For("ES256"));

        var first = await host.CallAsync(ClientCalls.Token, [], TestJwt.Form(assertion));
        var again = await host.CallAsync(ClientCalls.Token, [], TestJwt.Form(assertion));
        var elsewhere = await host.CallAsync(ClientCalls.Authorize, [], TestJwt.Form(assertion));

        Assert.That(first.IsAuthenticated());
        AssertRefused(host, again, "its jti was used before: sign a new one for every request");
        AssertRefused(host, elsewhere, "its jti was used before: sign a new one for every request");
        Assert.That((await host.StoreAsync()).Count, Is.Zero);
    }

    [Test, Spec("A4")]
    public async Task A_jti_belongs_to_its_client_until_the_assertion_expires()
    {
        await using var host = new CibaHost { Clients = [ClientCalls.MacClient("a"), ClientCalls.MacClient("ab")] };

        // The last one is the first again, a minute later; the third would be the first if names were only joined.
        var statuses = new List<HttpStatusCode>();
        foreach (var (client, id) in new[] { ("a", "bc"), ("a", "bc"), ("ab", "c"), ("ab", "bc") })
        {
            statuses.Add((await AuthorizeAsync(host, new TestJwt(host, client).Claim("jti", TestJwt.Text(id)).Mac(CibaHost.Secret))).Status);
        }

        host.Time.Advance(TimeSpan.FromMinutes(1));
        statuses.Add((await AuthorizeAsync(host, new TestJwt(host, "a").Claim("jti", "\"bc\"").Mac(CibaHost.Secret))).Status);

        Assert.That(statuses, Is.EqualTo(new[] { HttpStatusCode.OK, HttpStatusCode.Unauthorized, HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK }));
    }

    [Test, Spec("A4")]
    public async Task Nobody_but_the_client_uses_up_a_jti()
    {
        var cache = new Mock<ICibaReplayCache>();
        await using var host = new CibaHost { Clients = [ClientCalls.MacClient("client")], Setup = ciba => ciba.Services.AddSingleton(cache.Object) };

        await AuthorizeAsync(host, new TestJwt(host).Mac("an-attackers-secret-that-is-long-enough-for-it"));
        await AuthorizeAsync(host, new TestJwt(host).Sign("HS256", _ => RandomNumberGenerator.GetBytes(32)));
        await AuthorizeAsync(host, new TestJwt(host).Claim("aud", "\"https://elsewhere.example\"").Mac(CibaHost.Secret));
        await AuthorizeAsync(host, new TestJwt(host).Claim("exp", "1").Mac(CibaHost.Secret));

        cache.VerifyNoOtherCalls();
    }

    [Test, Spec("A4")]
    public async Task A_replay_cache_of_the_hosts_own_is_told_when_it_may_forget()
    {
        var calls = new List<(string Key, DateTimeOffset ExpiresAt)>();
        var cache = new Mock<ICibaReplayCache>();
        cache.Setup(replay => replay.TryUseAsync(It.IsAny<string>(), It.IsAny<string>(), It.IsAny<DateTimeOffset>(), It.IsAny<CancellationToken>()))
            .Returns((string key, string _, DateTimeOffset expiresAt, CancellationToken _) =>
            {
                calls.Add((key, expiresAt));
                return new ValueTask<bool>(calls.Count == 1);
            });
        await using var host = new CibaHost { Clients = [ClientCalls.MacClient("client")], Setup = ciba => ciba.Services.AddSingleton(cache.Object) };
        var assertion = new TestJwt(host).Claim("jti", "\"a-name\"").Mac(CibaHost.Secret);

        var answers = new[] { await AuthorizeAsync(host, assertion), await AuthorizeAsync(host, assertion) };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(answer => answer.Status), Is.EqualTo(new[] { HttpStatusCode.OK, HttpStatusCode.Unauthorized }));
            Assert.That(calls, Has.Count.EqualTo(2));
            Assert.That(calls.Select(call => call.ExpiresAt), Is.All.EqualTo(host.Time.GetUtcNow().AddMinutes(1)));
            Assert.That(calls[0].Key, Is.EqualTo(calls[1].Key).And.Not.Contain("a-name").And.Not.Contain("client"));
        }
    }

    private static Task<Answer> AuthorizeAsync(CibaHost host, string assertion) => host.CallAsync(ClientCalls.Authorize, [], TestJwt.Form(assertion));

    private static void AssertRefused(CibaHost host, Answer answer, string reason) => Refusal.IsProven(host, answer, $"The client_assertion is refused: {reason}.");

    private static void AssertUnproven(CibaHost host, Answer answer, string reason) => Refusal.IsUnproven(host, answer, $"The client_assertion is refused: {reason}.");
}
