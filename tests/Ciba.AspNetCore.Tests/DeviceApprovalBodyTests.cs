using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>What the device sends along with a yes: the scopes that the user grants.</summary>
public sealed class DeviceApprovalBodyTests
{
    private const string NotExpected = "The body is not the JSON that is expected: an object with no members but scope, binding_message, authorization_details, each of its type and at most once.";
    private const string BadScope = "scope must contain openid and only values that the client asked for.";

    [TestCase(null, "openid email profile"), TestCase("", "openid email profile"), TestCase("{}", "openid email profile"), TestCase("""{"scope":null}""", "openid email profile")]
    [TestCase("""{"scope":"openid email profile"}""", "openid email profile"), TestCase("""{"scope":"openid"}""", "openid"), TestCase("""{"scope":"email  openid"}""", "email openid")]
    [TestCase(""" {"binding_message":null,"scope":"openid email"} """, "openid email"), Spec("U4")]
    public async Task The_user_grants_all_or_some_of_what_was_asked(string? json, string granted)
    {
        await using var host = new CibaHost();
        var authReqId = (await host.AuthorizeAsync(("scope", "openid email profile"))).AuthReqId;

        var answer = await host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(authReqId)}/approve", "alice", json);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.NoContent), answer.Body);
            Assert.That(ReceivedToken.Access(await host.PollAsync(authReqId)).Claims.GetProperty("scope").GetString(), Is.EqualTo(granted));
        }
    }

    private static IEnumerable<TestCaseData> BadBodies()
    {
        yield return Case("""{"scope":"openid phone"}""", BadScope);
        yield return Case("""{"scope":"email"}""", BadScope);
        yield return Case("""{"scope":""}""", BadScope);
        yield return Case("""{"scope":"OPENID"}""", BadScope);
        yield return Case("""{"scope":"openid,email"}""", BadScope);
        yield return Case("""{"scope":["openid"]}""", NotExpected);
        yield return Case("""{"scope":1}""", NotExpected);
        yield return Case("""{"scope":"\ud800"}""", NotExpected);
        yield return Case("""{"scope":"openid","scope":"openid email"}""", NotExpected);
        yield return Case("""{"scope":"openid","\u0073cope":"openid"}""", NotExpected);
        yield return Case("""{"authorization_details":[{"type":"payment","amount":1,"amount":2}]}""", NotExpected);
        yield return Case("""{"Scope":"openid"}""", NotExpected);
        yield return Case("""{"scopes":["openid"]}""", NotExpected);
        yield return Case("""{"authorizationDetails":[]}""", NotExpected);
        yield return Case("""{"bindingMessage":"W4"}""", NotExpected);
        yield return Case("""{"scope":"openid","":1}""", NotExpected);
        yield return Case("null", "The body is a JSON object.");
        yield return Case("[]", NotExpected);
        yield return Case("\"openid\"", NotExpected);
        yield return Case("{", NotExpected);
        yield return Case("   ", NotExpected);
        yield return Case("scope=openid", NotExpected);
        yield return Case("{}{}", NotExpected);
        yield return Case("""{"scope":"openid"} x""", NotExpected);
        yield return Case(string.Concat(Enumerable.Repeat("{\"a\":", 200)), NotExpected, "deep nesting");
        yield return Case($"{{\"scope\":\"{new string('x', 70_000)}\"}}", "The body is too large.", "70 KB");
        yield return new TestCaseData((byte[])[.. "{\"scope\":\""u8, 0xFF, 0xC0, .. "\"}"u8], NotExpected).SetArgDisplayNames("no UTF-8");
    }

    [TestCaseSource(nameof(BadBodies)), Spec("U4")]
    public async Task A_body_that_is_not_understood_decides_nothing(byte[] body, string detail)
    {
        await using var host = new CibaHost();
        var authReqId = (await host.AuthorizeAsync(("scope", "openid email"))).AuthReqId;

        var answer = await host.SendAsync(HttpMethod.Post, $"/device/requests/{CibaRequestId.FromAuthReqId(authReqId)}/approve", new ByteArrayContent(body), request => request.Headers.Add("X-Test-User", "alice"));

        using (Assert.EnterMultipleScope())
        {
            DeviceEndpointTests.AssertProblem(answer, 400, detail);
            Assert.That((await host.PollAsync(authReqId)).Error, Is.EqualTo("authorization_pending"));
        }
    }

    [TestCase("""{"blockClient":true}"""), TestCase("""{"Block_client":true}"""), TestCase("""{"block_client":true,"scope":"openid"}"""), TestCase("""{"block_client":"true"}"""), Spec("U4")]
    public async Task A_denial_that_is_not_understood_decides_nothing(string json)
    {
        await using var host = new CibaHost();
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;

        var answer = await host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(authReqId)}/deny", "alice", json);

        using (Assert.EnterMultipleScope())
        {
            DeviceEndpointTests.AssertProblem(answer, 400, "The body is not the JSON that is expected: an object with no members but block_client, each of its type and at most once.");
            Assert.That((await host.PollAsync(authReqId)).Error, Is.EqualTo("authorization_pending"));
        }
    }

    [Test, Spec("U4")]
    public async Task A_body_that_breaks_off_is_the_senders_fault()
    {
        await using var host = new CibaHost { Map = app => app.Use(next => context => { context.Request.Body = new BrokenStream(); return next(context); }) };

        var answer = await host.DeviceAsync(HttpMethod.Post, "/requests/x/approve", "alice", "{}");

        DeviceEndpointTests.AssertProblem(answer, 400, "The body cannot be read.");
    }

    [TestCase("email"), TestCase("openid phone"), TestCase(""), Spec("U4")]
    public async Task The_host_cannot_grant_more_than_was_asked_or_leave_out_openid(string scopes)
    {
        await using var host = new CibaHost();
        var authReqId = (await host.AuthorizeAsync(("scope", "openid email"))).AuthReqId;

        var result = await host.ApproveAsync(authReqId, approval: new CibaApproval { Scopes = scopes.Split(' ') });

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result, Is.EqualTo(CibaDecisionResult.ScopesNotAsked));
            Assert.That((await host.PollAsync(authReqId)).Error, Is.EqualTo("authorization_pending"));
        }
    }

    [Test, Spec("U3"), Spec("T5")]
    public async Task The_host_can_give_up_for_the_user_once()
    {
        await using var host = new CibaHost();
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        host.Users.Lock("alice");
        await using var scope = (await host.ServicesAsync()).CreateAsyncScope();
        var approvals = scope.ServiceProvider.GetRequiredService<ICibaApprovals>();
        var id = CibaRequestId.FromAuthReqId(authReqId)!;

        var failed = await approvals.FailAsync(id, "sub-alice", CancellationToken.None);
        var again = await approvals.FailAsync(id, "sub-alice", CancellationToken.None);
        var others = await approvals.FailAsync(id, "sub-bob", CancellationToken.None);
        var unknown = await approvals.FailAsync("", "sub-alice", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { failed, again, others, unknown }, Is.EqualTo(new[] { CibaDecisionResult.Done, CibaDecisionResult.AlreadyDecided, CibaDecisionResult.NotYours, CibaDecisionResult.Unknown }));
            Assert.That((await host.PollAsync(authReqId)).Error, Is.EqualTo("access_denied"));
        }
    }

    private static TestCaseData Case(string body, string detail, string? name = null) => new TestCaseData(Encoding.UTF8.GetBytes(body), detail).SetArgDisplayNames(name ?? body);

    private sealed class BrokenStream : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new BadHttpRequestException("Bad chunk size data.");
    }
}
