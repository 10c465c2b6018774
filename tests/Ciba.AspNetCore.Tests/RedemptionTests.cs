using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 10.1.1: one set of tokens for one <c>auth_req_id</c>, whatever races and whatever breaks.</summary>
public sealed class RedemptionTests
{
    private const string ServerError = """{"error":"server_error","error_description":"The provider failed: try again later."}""";
    private const string InvalidGrant = """{"error":"invalid_grant","error_description":"The auth_req_id is unknown, used, or not this client's."}""";
    private const string NotActive = """{"error":"access_denied","error_description":"This user cannot authenticate at present."}""";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    [Test, Spec("T8")]
    public async Task Sixty_four_polls_at_once_on_two_nodes_get_one_set_of_tokens()
    {
        using var store = new MemoryCibaRequestStore(new ManualTime());
        var tokens = new FakeTokens();
        await using var one = Node(store, tokens);
        await using var two = Node(store, tokens);
        var id = (await one.AuthorizeAsync()).AuthReqId;
        await two.ApproveAsync(id);

        var answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(poll => Task.Run(() => (poll % 2 == 0 ? one : two).PollAsync(id))));

        var losers = answers.Where(answer => answer.Status != HttpStatusCode.OK).ToList();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(losers, Has.Count.EqualTo(63));
            Assert.That(losers.Select(answer => answer.Status), Is.All.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(losers.Select(answer => answer.Error), Is.All.AnyOf("authorization_pending", "invalid_grant"));
            Assert.That(tokens.Calls, Is.EqualTo(1));
        }
    }

    [Test, Spec("T8")]
    public async Task Sixty_four_polls_at_once_with_a_slow_issuer_get_one_set_of_tokens()
    {
        var gate = new Gate();
        var tokens = new FakeTokens { OnIssue = (call, token) => IssueBehind(gate, call, token) };
        await using var host = new CibaHost { Setup = tokens.Use };
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);
        using var losers = new CountdownEvent(63);
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        var polls = Enumerable.Range(0, 64).Select(_ => Task.Run(async () =>
        {
            var answer = await host.PollAsync(id);
            if (answer.Status != HttpStatusCode.OK && losers.Signal())
            {
                lost.SetResult();
            }

            return answer;
        })).ToList();
        await lost.Task.WaitAsync(Bound);
        gate.Open();
        var answers = await Task.WhenAll(polls);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Count(answer => answer.Text("access_token") == "access-1"), Is.EqualTo(1));
            Assert.That(answers.Count(answer => answer.Error == "authorization_pending"), Is.EqualTo(63));
            Assert.That(tokens.Calls, Is.EqualTo(1));
        }
    }

    [Test, Spec("T1"), Spec("T8")]
    public async Task A_used_auth_req_id_is_an_invalid_grant_to_its_end_and_a_warning_for_the_operator()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);
        await host.PollAsync(id);
        var before = host.Log.Ours.Count();

        var replayed = await host.PollAsync(id);
        var warnings = host.Log.Ours.Skip(before).Where(line => line.Level == LogLevel.Warning).ToList();
        host.Time.Advance(TimeSpan.FromMinutes(2));
        var late = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(replayed.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(replayed.Body, Is.EqualTo(InvalidGrant));
            Assert.That(late.Body, Is.EqualTo(InvalidGrant));
            Assert.That(warnings, Has.Count.EqualTo(1));
            Assert.That(warnings.Single().Text, Does.Contain("client").And.Not.Contain(id).And.Not.Contain(CibaRequestId.FromAuthReqId(id)));
        }
    }

    [Test, Spec("T12")]
    public async Task An_issuer_that_throws_is_a_server_error_now_and_success_at_the_next_poll()
    {
        var tokens = new FakeTokens { OnIssue = (call, _) => call < 3 ? throw new InvalidOperationException("a secret of the host") : Task.FromResult<CibaTokens?>(FakeTokens.Right(call)) };
        await using var host = new CibaHost { Setup = tokens.Use };

        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);
        Answer[] failed = [await host.PollAsync(id), await host.PollAsync(id)];
        var right = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(failed.Select(answer => answer.Status), Is.All.EqualTo(HttpStatusCode.InternalServerError));
            Assert.That(failed.Select(answer => answer.Body), Is.All.EqualTo(ServerError));
            Assert.That(failed[0].Header("Cache-Control"), Is.EqualTo("no-store"));
            Assert.That(failed[0].Header("X-Content-Type-Options"), Is.EqualTo("nosniff"));
            Assert.That(right.Text("access_token"), Is.EqualTo("access-3"));
        }
    }

    private static readonly TestCaseData[] Incomplete =
    [
        Tokens("none", null),
        Tokens("no access token", new() { AccessToken = null!, IdToken = "i", ExpiresIn = Bound }),
        Tokens("an empty access token", new() { AccessToken = "", IdToken = "i", ExpiresIn = Bound }),
        Tokens("no ID Token", new() { AccessToken = "a", IdToken = null!, ExpiresIn = Bound }),
        Tokens("an empty ID Token", new() { AccessToken = "a", IdToken = "", ExpiresIn = Bound }),
        Tokens("no token type", new() { AccessToken = "a", IdToken = "i", TokenType = "", ExpiresIn = Bound }),
        Tokens("no lifetime", new() { AccessToken = "a", IdToken = "i", ExpiresIn = TimeSpan.Zero }),
        Tokens("a lifetime in the past", new() { AccessToken = "a", IdToken = "i", ExpiresIn = -Bound }),
        Tokens("a lifetime that is zero on the wire", new() { AccessToken = "a", IdToken = "i", ExpiresIn = TimeSpan.FromMilliseconds(999) }),
    ];

    [TestCaseSource(nameof(Incomplete)), Spec("T12"), Spec("T7")]
    public async Task Tokens_that_a_client_could_not_use_are_a_server_error_and_the_approval_stands(CibaTokens? incomplete)
    {
        var tokens = new FakeTokens { OnIssue = (call, _) => Task.FromResult(call == 1 ? incomplete : FakeTokens.Right(call)) };
        await using var host = new CibaHost { Setup = tokens.Use };

        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);
        var failed = await host.PollAsync(id);
        var right = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(failed.Status, Is.EqualTo(HttpStatusCode.InternalServerError));
            Assert.That(failed.Body, Is.EqualTo(ServerError));
            Assert.That(right.Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test, Spec("T12")]
    public async Task A_user_lookup_that_throws_at_the_redemption_leaves_the_approval()
    {
        await using var host = new CibaHost { Setup = builder => builder.AddUserLookup<UsersThatBreak>().Services.AddSingleton<UsersThatBreak>() };
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);
        var users = (await host.ServicesAsync()).GetRequiredService<UsersThatBreak>();

        users.Broken = true;
        var failed = await host.PollAsync(id);
        users.Broken = false;
        var right = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(failed.Body, Is.EqualTo(ServerError));
            Assert.That(right.Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test, Spec("A22"), Spec("T14")]
    public async Task A_user_who_was_locked_after_the_yes_brings_no_tokens()
    {
        var tokens = new FakeTokens();
        await using var host = new CibaHost { Setup = tokens.Use };
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);
        host.Users.Lock("alice");

        var answer = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(answer.Body, Is.EqualTo(NotActive));
            Assert.That(tokens.Calls, Is.Zero);
        }
    }

    [Test, Spec("A22")]
    public async Task A_locked_users_answer_is_not_taken_and_the_request_still_waits([Values] bool yes)
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        host.Users.Lock("alice");

        var decision = yes ? await host.ApproveAsync(id) : await host.DenyAsync(id);
        var answer = await host.PollAsync(id);
        host.Users.Unlock("alice");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(decision, Is.EqualTo(CibaDecisionResult.UserNotActive));
            Assert.That(answer.Error, Is.EqualTo("authorization_pending"));
            Assert.That(await host.ApproveAsync(id), Is.EqualTo(CibaDecisionResult.Done));
        }
    }

    private static CibaHost Node(MemoryCibaRequestStore store, FakeTokens tokens) => new()
    {
        Setup = builder =>
        {
            tokens.Use(builder);
            builder.Services.Replace(ServiceDescriptor.Singleton<ICibaRequestStore>(store));
        },
    };

    private static async Task<CibaTokens?> IssueBehind(Gate gate, int call, CancellationToken cancellationToken)
    {
        await gate.PassAsync(cancellationToken);
        return FakeTokens.Right(call);
    }

    private static TestCaseData Tokens(string name, CibaTokens? tokens) => new(tokens) { TestName = $"{{m}}({name})" };

    private sealed class UsersThatBreak(FakeUsers users) : ICibaUserLookup
    {
        public bool Broken { get; set; }

        public ValueTask<CibaUserLookupResult> FindAsync(CibaHint hint, CibaClient client, CancellationToken cancellationToken) => users.FindAsync(hint, client, cancellationToken);

        public ValueTask<bool> IsActiveAsync(string subject, CancellationToken cancellationToken) =>
            Broken ? throw new TimeoutException("The directory does not answer.") : users.IsActiveAsync(subject, cancellationToken);

        public ValueTask<bool> IsUserCodeAsync(string subject, string userCode, CancellationToken cancellationToken) => users.IsUserCodeAsync(subject, userCode, cancellationToken);
    }
}
