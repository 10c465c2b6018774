using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>OpenID Connect Core section 5.5: the claims that a client asks for, in the ID Token of the ready issuer.</summary>
public sealed class UserClaimsTests
{
    private const string Protocol = "iss sub aud exp iat nbf jti auth_time nonce acr amr azp cnf at_hash rt_hash c_hash s_hash urn:openid:params:jwt:claim:auth_req_id urn:openid:params:jwt:claim:rt_hash";

    private static readonly string[] Always = ["iss", "sub", "aud", "iat", "exp", "auth_time", "at_hash"];

    private readonly FakeClaims _claims = new();

    [Test, Spec("I1")]
    public async Task What_was_asked_for_is_there_as_far_as_the_user_has_it()
    {
        await using var host = Host();

        var token = await TokenAsync(host, """{"email":null,"email_verified":{"essential":true},"address":null,"groups":null,"phone_number":null,"nothing":null}""");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(token.ClaimsJson, Does.EndWith(""","email":"alice@example.com","email_verified":true,"address":{"country":"DE"},"groups":["a","b"]}"""));
            Assert.That(_claims.Asked, Is.EqualTo(new[] { "sub-alice: email email_verified address groups phone_number nothing" }));
        }
    }

    [Test, Spec("I1")]
    public async Task What_was_not_asked_for_is_not_there()
    {
        await using var host = Host();

        var token = await TokenAsync(host, """{"email":null}""");

        Assert.That(Names(token), Is.EqualTo((string[])[.. Always, "email"]));
    }

    [TestCase(null), TestCase("{}"), TestCase("""{"acr":null,"auth_time":{"essential":true},"sub":null}"""), Spec("I1")]
    public async Task Nobody_is_asked_where_no_claim_of_the_user_is_wanted(string? idToken)
    {
        await using var host = Host();

        var token = await TokenAsync(host, idToken);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Names(token), Is.EqualTo(Always));
            Assert.That(_claims.Asked, Is.Empty);
        }
    }

    [Test, Spec("I1"), Spec("I2")]
    public async Task What_the_protocol_defines_is_neither_asked_for_nor_changed()
    {
        await using var host = Host();
        foreach (var name in Protocol.Split(' '))
        {
            _claims.Values[name] = "forged";
        }

        var token = await TokenAsync(host, $$"""{{{string.Join(',', Protocol.Split(' ').Append("email").Select(name => $"\"{name}\":null"))}}}""");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_claims.Asked, Is.EqualTo(new[] { "sub-alice: email" }));
            Assert.That(Names(token), Is.EqualTo((string[])[.. Always, "email"]));
            Assert.That(token.ClaimsJson, Does.Not.Contain("forged"));
        }
    }

    [TestCase("""{"value":"alice@example.com"}""", true), TestCase("""{"values":["a@example.com","alice@example.com"]}""", true), TestCase("""{"value":"alice\u0040example.com"}""", true)]
    [TestCase("""{"value":"Alice@example.com"}""", false), TestCase("""{"values":["a@example.com"]}""", false), TestCase("""{"values":[]}""", false), TestCase("""{"value":null}""", false), TestCase("""{"essential":true,"value":7}""", false)]
    [Spec("I1")]
    public async Task A_claim_with_another_value_than_was_asked_for_is_left_out(string email, bool isThere)
    {
        await using var host = Host();

        var token = await TokenAsync(host, $$"""{"email":{{email}}}""");

        Assert.That(Names(token).Contains("email"), Is.EqualTo(isThere));
    }

    [TestCase("level", "3.0"), TestCase("email_verified", "true"), TestCase("groups", """["a","b"]"""), TestCase("address", """{"country":"DE"}"""), Spec("I1")]
    public async Task A_value_is_compared_as_JSON(string name, string value)
    {
        await using var host = Host();

        var token = await TokenAsync(host, $$$"""{"{{{name}}}":{"value":{{{value}}}}}""");

        Assert.That(Names(token), Does.Contain(name));
    }

    [Test, Spec("I1")]
    public async Task A_number_of_the_host_that_cannot_be_compared_is_another()
    {
        await using var host = Host();
        _claims.Values["level"] = JsonNode.Parse("1e99999999999")!;

        var token = await TokenAsync(host, """{"level":{"value":3},"email":null}""");

        Assert.That(Names(token), Is.EqualTo((string[])[.. Always, "email"]));
    }

    [Test, Spec("I1")]
    public async Task Without_anybody_who_knows_the_claims_they_are_left_out()
    {
        await using var host = new CibaHost();

        var token = await TokenAsync(host, """{"email":{"essential":true},"name":null}""");

        Assert.That(Names(token), Is.EqualTo(Always));
    }

    [Test, Spec("I1")]
    public async Task The_hosts_last_word_on_the_id_token_comes_behind_them()
    {
        await using var host = Host(options => options.ConfigureIdToken = (_, claims) => claims.Remove("email"));

        var token = await TokenAsync(host, """{"email":null,"groups":null}""");

        Assert.That(Names(token), Is.EqualTo((string[])[.. Always, "groups"]));
    }

    [Test, Spec("T12")]
    public async Task A_failure_is_a_server_error_and_the_approval_stands()
    {
        await using var host = Host();
        _claims.Failure = new InvalidOperationException("for the operator");
        var id = (await host.AuthorizeAsync(("claims", """{"id_token":{"email":null}}"""))).AuthReqId;
        await host.ApproveAsync(id);

        var broken = await host.PollAsync(id);
        _claims.Failure = null;
        var mended = await host.PollAsync(id);

        Refusal.Says(broken, "server_error", 500);
        Assert.That(ReceivedToken.Id(mended).Claims.GetProperty("email").GetString(), Is.EqualTo("alice@example.com"));
    }

    [Test, Spec("P2")]
    public async Task A_push_has_them_too()
    {
        using var receiver = new FakeReceiver();
        await using var host = Host(setup: receiver.Use, client: FakeReceiver.PushClient());
        await host.ApproveAsync((await host.AskAsync(("claims", """{"id_token":{"email":null}}"""))).AuthReqId);

        var push = await receiver.NextAsync();

        Assert.That(ReceivedToken.Id(push.Tokens).Claims.GetProperty("email").GetString(), Is.EqualTo("alice@example.com"));
    }

    [Test]
    public async Task Who_knows_the_claims_is_made_for_each_request()
    {
        var made = new ConcurrentQueue<ScopedClaims>();
        await using var host = new CibaHost
        {
            Setup = ciba =>
            {
                ciba.Services.AddSingleton(made);
                ciba.AddUserClaims<ScopedClaims>();
            },
        };

        await TokenAsync(host, """{"email":null}""");
        await TokenAsync(host, """{"email":null}""");

        Assert.That(made, Has.Count.EqualTo(2));
    }

    private static async Task<ReceivedToken> TokenAsync(CibaHost host, string? idToken)
    {
        var answer = await host.TokensAsync(null, ("claims", idToken is null ? null : $$"""{"id_token":{{idToken}}}"""));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
        return ReceivedToken.Id(answer);
    }

    private static IEnumerable<string> Names(ReceivedToken token) => token.Claims.EnumerateObject().Select(claim => claim.Name);

    private CibaHost Host(Action<CibaJwtTokenIssuerOptions>? tokens = null, Action<CibaBuilder>? setup = null, CibaClient? client = null) => new()
    {
        Clients = [client ?? CibaHost.Client("client")],
        Tokens = tokens,
        Setup = ciba =>
        {
            ciba.Services.AddSingleton(_claims);
            ciba.AddUserClaims<FakeClaims>();
            setup?.Invoke(ciba);
        },
    };

    private sealed class FakeClaims : ICibaUserClaims
    {
        public ConcurrentQueue<string> Asked { get; } = new();

        public Exception? Failure { get; set; }

        public Dictionary<string, object> Values { get; } = new()
        {
            ["email"] = "alice@example.com",
            ["email_verified"] = true,
            ["address"] = JsonNode.Parse("""{"country":"DE"}""")!,
            ["groups"] = new[] { "a", "b" },
            ["level"] = 3,
            ["name"] = "Alice",
            ["nothing"] = null!,
        };

        public ValueTask<IReadOnlyDictionary<string, object>> GetAsync(CibaTokenRequest request, IReadOnlyCollection<string> names, CancellationToken cancellationToken)
        {
            Asked.Enqueue($"{request.Subject}: {string.Join(' ', names)}");
            return Failure is null ? new(Values) : throw Failure;
        }
    }

    private sealed class ScopedClaims : ICibaUserClaims
    {
        public ScopedClaims(ConcurrentQueue<ScopedClaims> made) => made.Enqueue(this);

        public ValueTask<IReadOnlyDictionary<string, object>> GetAsync(CibaTokenRequest request, IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
            new(new Dictionary<string, object> { ["email"] = "a@example.com" });
    }
}
