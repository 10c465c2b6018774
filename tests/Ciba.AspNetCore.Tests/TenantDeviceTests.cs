using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace Ciba.AspNetCore.Tests;

/// <summary>Several issuers in one host: a user of one is nobody at the others, though the subjects are the same.</summary>
[Spec("U2")]
public sealed class TenantDeviceTests
{
    private static readonly string[] Others = [TenantHost.Master, $"{TenantHost.Blue}/", "https://id.example.com/BLUE", "https://id.example.com", "", "none"];

    [Test]
    public async Task A_user_of_another_issuer_sees_and_answers_nothing(
        [ValueSource(nameof(Others))] string issuer,
        [Values("GET /requests", "GET /requests/{id}", "POST /requests/{id}/approve", "POST /requests/{id}/deny", "POST /requests/{id}/resend", "GET /events")] string call)
    {
        await using var host = Host(issuer == "none" ? new Claim("sub", "sub-alice") : new Claim("sub", "sub-alice"), issuer == "none" ? null : new Claim("iss", issuer));
        var id = (await host.AuthorizeAtAsync("blue")).AuthReqId;
        var (method, path) = (call.Split(' ')[0], call.Split(' ')[1].Replace("{id}", await host.HandleAsync(id), StringComparison.Ordinal));

        var answer = await host.SendAsync(new HttpMethod(method), $"/blue/device{path}");

        DeviceEndpointTests.AssertProblem(answer, 404, "There is no such request for this user.");
        Assert.That((await host.PollAtAsync("blue", id)).Error, Is.EqualTo("authorization_pending"));
    }

    [TestCase(true), TestCase(false)]
    public async Task A_user_of_the_requests_issuer_answers(bool byClaim)
    {
        // A handler of tokens says for each claim who its issuer is.
        await using var host = byClaim ? Host(new Claim("sub", "sub-alice"), new Claim("iss", TenantHost.Blue)) : Host(new Claim("sub", "sub-alice", null, TenantHost.Blue));

        Assert.That((await ApproveAsync(host)).Status, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [TestCase(TenantHost.Blue, HttpStatusCode.NoContent), TestCase(TenantHost.Master, HttpStatusCode.NotFound), TestCase(null, HttpStatusCode.NotFound)]
    public async Task The_host_may_know_better_whose_user_it_is(string? issuer, HttpStatusCode status)
    {
        var told = new List<(string? Tenant, string? Subject)>();
        await using var host = TenantHost.Make(
            options => options.DeviceApi.UserIssuerSelector = (context, identity) =>
            {
                told.Add(((string?)context.GetRouteValue("tenant"), identity.FindFirst("sub")?.Value));
                return issuer;
            },
            beforeRouting: SignIn(new Claim("sub", "sub-alice"), new Claim("iss", TenantHost.Master)));

        Assert.That((await ApproveAsync(host)).Status, Is.EqualTo(status));
        Assert.That(told, Is.EqualTo(new[] { ("blue", "sub-alice") }));
    }

    [Test]
    public async Task What_the_claim_says_goes_before_what_its_handler_says()
    {
        await using var host = Host(new Claim("sub", "sub-alice", null, TenantHost.Blue), new Claim("iss", TenantHost.Master));

        Assert.That((await ApproveAsync(host)).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task The_issuer_is_that_of_the_identity_that_the_subject_is_from()
    {
        await using var host = TenantHost.Make(beforeRouting: app => app.Use((context, next) =>
        {
            context.User = new([new([new("sub", "sub-alice")], "test"), new([new("iss", TenantHost.Blue)], "test")]);
            return next(context);
        }));

        Assert.That((await ApproveAsync(host)).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task In_a_host_with_one_issuer_the_user_may_come_from_anywhere()
    {
        await using var host = new CibaHost { BeforeRouting = SignIn(new Claim("sub", "sub-alice"), new Claim("iss", "https://login.example.com")) };
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var answer = await host.SendAsync(HttpMethod.Post, $"/device/requests/{await host.HandleAsync(id)}/approve");

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.NoContent), answer.Body);
    }

    private static async Task<Answer> ApproveAsync(CibaHost host)
    {
        var id = (await host.AuthorizeAtAsync("blue")).AuthReqId;
        return await host.SendAsync(HttpMethod.Post, $"/blue/device/requests/{await host.HandleAsync(id)}/approve");
    }

    private static CibaHost Host(params Claim?[] claims) => TenantHost.Make(beforeRouting: SignIn(claims));

    private static Action<WebApplication> SignIn(params Claim?[] claims) => app => app.Use((context, next) =>
    {
        context.User = new ClaimsPrincipal(new ClaimsIdentity(claims.OfType<Claim>(), "test"));
        return next(context);
    });
}
