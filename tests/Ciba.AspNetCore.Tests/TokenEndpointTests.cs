using System.Net;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>Sections 10.1 and 11: <c>POST /token</c>.</summary>
public sealed class TokenEndpointTests
{
    private const string InvalidGrant = """{"error":"invalid_grant","error_description":"The auth_req_id is unknown, used, or not this client's."}""";
    private const string NoAuthReqId = """{"error":"invalid_request","error_description":"auth_req_id is required: send the one from the authentication response."}""";
    private const string Pending = """{"error":"authorization_pending","error_description":"The user has not answered yet."}""";
    private const string Denied = """{"error":"access_denied","error_description":"The authentication request was denied."}""";
    private const string Expired = """{"error":"expired_token","error_description":"The auth_req_id has expired: make a new authentication request."}""";

    private static readonly TimeSpan OneTick = TimeSpan.FromTicks(1);

    [Test, Spec("T2")]
    public async Task A_poll_before_the_answer_is_pending()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var answer = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(answer.Body, Is.EqualTo(Pending));
            Assert.That(answer.Header("Content-Type"), Is.EqualTo("application/json"));
            Assert.That(answer.Header("Cache-Control"), Is.EqualTo("no-store"));
            Assert.That(answer.Header("X-Content-Type-Options"), Is.EqualTo("nosniff"));
            Assert.That(answer.Header("Pragma"), Is.EqualTo("no-cache"));
            Assert.That(host.Log.Ours.Where(line => line.Category.EndsWith(".TokenEndpoint", StringComparison.Ordinal)), Is.Empty);
        }
    }

    [Test, Spec("T1")]
    public async Task A_poll_without_auth_req_id_is_an_invalid_request([Values(null, "")] string? authReqId)
    {
        await using var host = new CibaHost();

        var answer = await host.PollAsync(authReqId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(answer.Body, Is.EqualTo(NoAuthReqId));
        }
    }

    [Test, Spec("T1")]
    public async Task A_poll_with_two_auth_req_ids_is_an_invalid_request_that_moves_nothing()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var twice = await host.PollAsync(id, ("auth_req_id", id), ("auth_req_id", id));
        var next = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(twice.Body, Is.EqualTo("""{"error":"invalid_request","error_description":"The parameter auth_req_id is there more than once."}"""));
            Assert.That(next.Body, Is.EqualTo(Pending));
        }
    }

    private static IEnumerable<TestCaseData<Func<string, string>>> WrongIds()
    {
        yield return Wrong("unknown", id => id[0] + new string('A', 43));
        yield return Wrong("short", id => id[..^1]);
        yield return Wrong("long", id => id + "A");
        yield return Wrong("another shard", id => (id[0] == 'A' ? 'B' : 'A') + id[1..]);
        yield return Wrong("another last character", id => id[..^1] + (id[^1] == 'A' ? 'B' : 'A'));
        yield return Wrong("the digest that the device knows", id => CibaRequestId.FromAuthReqId(id)!);
        yield return Wrong("padded", id => $"{id} ");
        yield return Wrong("not base64url", id => id[..^1] + "+");
        yield return Wrong("not ASCII", id => id[..^1] + "é");
        yield return Wrong("one character", _ => "x");
        yield return Wrong("only white space", _ => " ");
        yield return Wrong("huge", _ => new string('A', 60_000));

        static TestCaseData<Func<string, string>> Wrong(string name, Func<string, string> change) => new(change) { TestName = $"{{m}}({name})" };
    }

    [TestCaseSource(nameof(WrongIds)), Spec("T1")]
    public async Task An_auth_req_id_that_is_not_the_one_given_is_an_invalid_grant(Func<string, string> change)
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);

        var answer = await host.PollAsync(change(id));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(answer.Body, Is.EqualTo(InvalidGrant));
        }
    }

    [Test, Spec("T1"), Spec("T14")]
    public async Task Another_clients_auth_req_id_is_an_invalid_grant_and_stays_redeemable([Values] bool approved)
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        if (approved)
        {
            await host.ApproveAsync(id);
        }

        var others = await host.PollAsync(id, ("client_id", "other"));
        var owners = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(others.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(others.Body, Is.EqualTo(InvalidGrant));
            Assert.That(owners.Status, Is.EqualTo(approved ? HttpStatusCode.OK : HttpStatusCode.BadRequest));
            Assert.That(owners.Error, Is.EqualTo(approved ? null : "authorization_pending"));
        }
    }

    [Test, Spec("T5")]
    public async Task The_users_no_is_access_denied_at_every_poll()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.DenyAsync(id);

        Answer[] answers = [await host.PollAsync(id), await host.PollAsync(id)];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(answers.Select(answer => answer.Body), Is.All.EqualTo(Denied));
        }
    }

    [Test, Spec("T5")]
    public async Task A_request_that_failed_is_access_denied()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await using var scope = (await host.ServicesAsync()).CreateAsyncScope();
        var approvals = scope.ServiceProvider.GetRequiredService<ICibaApprovals>();

        var failed = await approvals.FailAsync(CibaRequestId.FromAuthReqId(id)!, FakeUsers.SubjectOf("alice"), CancellationToken.None);
        var answer = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(failed, Is.EqualTo(CibaDecisionResult.Done));
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(answer.Body, Is.EqualTo(Denied));
        }
    }

    [Test, Spec("T4")]
    public async Task A_request_is_expired_from_the_instant_that_expires_in_names()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync(("requested_expiry", "30"))).AuthReqId;

        host.Time.Advance(TimeSpan.FromSeconds(30) - OneTick);
        var before = await host.PollAsync(id);
        host.Time.Advance(OneTick);
        var after = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before.Body, Is.EqualTo(Pending));
            Assert.That(after.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(after.Body, Is.EqualTo(Expired));
        }
    }

    [Test, Spec("T4")]
    public async Task An_expired_request_is_remembered_for_the_retention_and_then_an_invalid_grant([Values(60, 300)] int retention)
    {
        await using var host = new CibaHost { Options = options => options.ExpiredRequestRetention = TimeSpan.FromSeconds(retention) };
        var id = (await host.AuthorizeAsync()).AuthReqId;

        host.Time.Advance(TimeSpan.FromSeconds(120 + retention) - OneTick);
        var late = await host.PollAsync(id);
        host.Time.Advance(OneTick);
        var tooLate = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(late.Body, Is.EqualTo(Expired));
            Assert.That(tooLate.Body, Is.EqualTo(InvalidGrant));
        }
    }

    [Test, Spec("T4")]
    public async Task An_answer_that_nobody_fetched_in_time_is_expired([Values] bool approved)
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        _ = approved ? await host.ApproveAsync(id) : await host.DenyAsync(id);
        host.Time.Advance(TimeSpan.FromMinutes(2));

        var answer = await host.PollAsync(id);

        Assert.That(answer.Body, Is.EqualTo(Expired));
    }

    [Test, Spec("T7")]
    public async Task The_users_yes_brings_the_tokens()
    {
        await using var host = new CibaHost();

        var answer = await host.TokensAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(answer.Json.EnumerateObject().Select(member => member.Name), Is.EqualTo(new[] { "access_token", "token_type", "expires_in", "id_token" }));
            Assert.That(answer.Text("token_type"), Is.EqualTo("Bearer"));
            Assert.That(answer.Json.GetProperty("expires_in").GetInt32(), Is.EqualTo(3600));
            Assert.That(answer.Header("Content-Type"), Is.EqualTo("application/json"));
            Assert.That(answer.Header("Cache-Control"), Is.EqualTo("no-store"));
            Assert.That(answer.Header("X-Content-Type-Options"), Is.EqualTo("nosniff"));
            Assert.That(answer.Header("Pragma"), Is.EqualTo("no-cache"));
        }
    }

    [Test, Spec("T7")]
    public async Task Fewer_scopes_than_asked_are_named_in_the_answer()
    {
        await using var host = new CibaHost();

        var answer = await host.TokensAsync(new CibaApproval { Scopes = ["email", "openid"] }, ("scope", "profile openid email"));

        Assert.That(answer.Text("scope"), Is.EqualTo("email openid"));
    }

    [Test, Spec("T7")]
    public async Task The_whole_answer_of_a_hosts_own_issuer_is_what_it_gave()
    {
        var tokens = new FakeTokens
        {
            OnIssue = (_, _) => Task.FromResult<CibaTokens?>(new()
            {
                AccessToken = "a.b+c/d==",
                TokenType = "DPoP",
                IdToken = "e.f.g",
                RefreshToken = "r",
                ExpiresIn = TimeSpan.FromSeconds(90.9),
            }),
        };
        await using var host = new CibaHost { Setup = tokens.Use };

        var answer = await host.TokensAsync();

        Assert.That(answer.Body, Is.EqualTo("""{"access_token":"a.b+c/d==","token_type":"DPoP","expires_in":90,"id_token":"e.f.g","refresh_token":"r"}"""));
    }
}
