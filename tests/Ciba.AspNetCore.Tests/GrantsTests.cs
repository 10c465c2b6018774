using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary><see cref="ICibaGrants"/>: the CIBA grant from a token endpoint of the host's own.</summary>
public sealed class GrantsTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    [Test, Spec("T2"), Spec("T3")]
    public async Task A_poll_that_is_not_ready_is_an_error_without_a_request()
    {
        await using var host = new CibaHost();
        await using var scope = await ScopeAsync(host);
        var id = (await host.AuthorizeAsync()).AuthReqId;

        CibaGrant[] grants = [await RedeemAsync(scope, id), await RedeemAsync(scope, id)];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(grants.Select(grant => grant.Error), Is.EqualTo(new[] { CibaError.AuthorizationPending, CibaError.SlowDown }));
            Assert.That(grants.Select(grant => grant.Request), Is.All.Null);
            Assert.That(() => grants[0].CompleteAsync(CancellationToken.None).AsTask(), Throws.InvalidOperationException);
        }
    }

    [TestCase(null), TestCase(""), Spec("T1")]
    public async Task Without_an_auth_req_id_it_says_what_the_endpoint_says(string? authReqId)
    {
        await using var host = new CibaHost();
        await using var scope = await ScopeAsync(host);
        var grants = scope.ServiceProvider.GetRequiredService<ICibaGrants>();

        var error = (await RedeemAsync(scope, authReqId)).Error!;
        var withContext = (await grants.RedeemAsync(authReqId, "client", new DefaultHttpContext { RequestServices = scope.ServiceProvider })).Error!;
        var endpoint = await host.PollAsync(authReqId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((error.Error, error.Description, error.StatusCode), Is.EqualTo(("invalid_request", endpoint.Description, 400)));
            Assert.That(withContext, Is.SameAs(error));
            Assert.That(endpoint.Error, Is.EqualTo("invalid_request"));
        }
    }

    [TestCase("x"), TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), Spec("T1")]
    public async Task An_auth_req_id_that_was_never_given_is_an_invalid_grant(string? authReqId)
    {
        await using var host = new CibaHost();
        await using var scope = await ScopeAsync(host);

        Assert.That((await RedeemAsync(scope, authReqId)).Error, Is.SameAs(CibaError.InvalidGrant));
    }

    [Test, Spec("T1")]
    public async Task A_client_that_the_store_does_not_know_is_the_hosts_mistake()
    {
        await using var host = new CibaHost();
        await using var scope = await ScopeAsync(host);
        var id = await ApprovedAsync(host);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => RedeemAsync(scope, id, "nobody"), Throws.ArgumentException.With.Property("ParamName").EqualTo("clientId"));
            Assert.That(() => RedeemAsync(scope, id, ""), Throws.ArgumentException.With.Property("ParamName").EqualTo("clientId"));
            Assert.That((await RedeemAsync(scope, id, "other")).Error, Is.SameAs(CibaError.InvalidGrant));
        }
    }

    [Test, Spec("T5"), Spec("T4")]
    public async Task The_end_of_a_request_is_the_error_of_section_11()
    {
        await using var host = new CibaHost();
        await using var scope = await ScopeAsync(host);
        var denied = (await host.AuthorizeAsync()).AuthReqId;
        await host.DenyAsync(denied);

        var no = await RedeemAsync(scope, denied);
        host.Time.Advance(TimeSpan.FromMinutes(2));
        var late = await RedeemAsync(scope, denied);

        Assert.That(new[] { no.Error, late.Error }, Is.EqualTo(new[] { CibaError.AuthorizationDenied, CibaError.ExpiredToken }));
    }

    [Test, Spec("T7")]
    public async Task An_approved_request_tells_what_tokens_to_issue_and_is_used_when_completed()
    {
        await using var host = new CibaHost();
        await using var scope = await ScopeAsync(host);
        var id = (await host.AuthorizeAsync(("scope", "openid email"), ("acr_values", "urn:acr:2 urn:acr:1"), ("binding_message", "W4SCT"))).AuthReqId;
        var askedAt = host.Time.GetUtcNow();
        host.Time.Advance(TimeSpan.FromSeconds(3));
        await host.ApproveAsync(id, approval: new CibaApproval { Scopes = ["openid"], AuthTime = host.Time.GetUtcNow(), Acr = "urn:acr:1", Amr = ["face"] });

        await using var grant = await RedeemAsync(scope, id);
        var completed = await grant.CompleteAsync(CancellationToken.None);
        await grant.DisposeAsync();
        var again = await RedeemAsync(scope, id);

        var request = grant.Request!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(grant.Error, Is.Null);
            Assert.That(request.Issuer, Is.EqualTo(CibaHost.Issuer));
            Assert.That(request.Client.ClientId, Is.EqualTo("client"));
            Assert.That(request.Subject, Is.EqualTo("sub-alice"));
            Assert.That(request.Scopes, Is.EqualTo(new[] { "openid" }));
            Assert.That(request.RequestedScopes, Is.EqualTo(new[] { "openid", "email" }));
            Assert.That(request.AcrValues, Is.EqualTo(new[] { "urn:acr:2", "urn:acr:1" }));
            Assert.That(request.Acr, Is.EqualTo("urn:acr:1"));
            Assert.That(request.Amr, Is.EqualTo(new[] { "face" }));
            Assert.That(request.AuthTime, Is.EqualTo(askedAt + TimeSpan.FromSeconds(3)));
            Assert.That(request.BindingMessage, Is.EqualTo("W4SCT"));
            Assert.That(request.RequestedAt, Is.EqualTo(askedAt));
            Assert.That(completed, Is.True);
            Assert.That(again.Error, Is.SameAs(CibaError.InvalidGrant));
        }
    }

    [Test, Spec("T8"), Spec("T12")]
    public async Task A_grant_that_is_not_completed_is_held_until_it_is_disposed_of_and_then_given_back()
    {
        await using var host = new CibaHost();
        await using var scope = await ScopeAsync(host);
        var id = await ApprovedAsync(host);

        var grant = await RedeemAsync(scope, id);
        var during = await RedeemAsync(scope, id);
        await grant.DisposeAsync();
        var next = await RedeemAsync(scope, id);
        await grant.DisposeAsync();
        var afterSecondDispose = await RedeemAsync(scope, id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(during.Error, Is.SameAs(CibaError.AuthorizationPending));
            Assert.That(next.Request, Is.Not.Null);
            Assert.That(afterSecondDispose.Error, Is.SameAs(CibaError.AuthorizationPending));
            Assert.That(await grant.CompleteAsync(CancellationToken.None), Is.False);
            Assert.That(await next.CompleteAsync(CancellationToken.None), Is.True);
        }
    }

    [Test, Spec("T8")]
    public async Task A_grant_that_is_completed_twice_says_the_same_again_and_does_not_raise_an_alarm()
    {
        await using var host = new CibaHost();
        await using var scope = await ScopeAsync(host);
        var grant = await RedeemAsync(scope, await ApprovedAsync(host));

        bool[] answers = [await grant.CompleteAsync(CancellationToken.None), await grant.CompleteAsync(CancellationToken.None)];

        Assert.That(answers, Is.All.True);
        Assert.That(host.Log.Ours.Where(line => line.Level >= LogLevel.Warning && line.Category.EndsWith("CibaGrants", StringComparison.Ordinal)), Is.Empty);
    }

    [Test, Spec("A5")]
    public async Task A_client_without_the_grant_redeems_nothing()
    {
        var client = CibaHost.Client("client");
        client.GrantTypes = ["authorization_code"];
        await using var host = new CibaHost { Clients = [client] };
        await using var scope = await ScopeAsync(host);

        Assert.That((await RedeemAsync(scope, "x")).Error, Is.SameAs(CibaError.UnauthorizedClient));
    }

    [Test, Spec("T8")]
    public async Task A_grant_whose_lease_another_poll_took_cannot_be_completed_and_does_not_disturb_the_other()
    {
        await using var host = new CibaHost();
        await using var scope = await ScopeAsync(host);
        var id = await ApprovedAsync(host);

        var slow = await RedeemAsync(scope, id);
        host.Time.Advance(Lease);
        var quick = await RedeemAsync(scope, id);
        var slowCompleted = await slow.CompleteAsync(CancellationToken.None);
        await slow.DisposeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(slowCompleted, Is.False);
            Assert.That(host.Log.Ours.Where(line => line.Level == LogLevel.Warning).Select(line => line.Text), Has.One.Contains("ran out"));
            Assert.That((await RedeemAsync(scope, id)).Error, Is.SameAs(CibaError.AuthorizationPending));
            Assert.That(await quick.CompleteAsync(CancellationToken.None), Is.True);
        }
    }

    [Test, Spec("T8")]
    public async Task A_grant_that_is_late_but_that_nobody_took_can_still_be_completed()
    {
        await using var host = new CibaHost();
        await using var scope = await ScopeAsync(host);
        var id = await ApprovedAsync(host);

        var grant = await RedeemAsync(scope, id);
        host.Time.Advance(Lease + Lease);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await grant.CompleteAsync(CancellationToken.None), Is.True);
            Assert.That((await RedeemAsync(scope, id)).Error, Is.SameAs(CibaError.InvalidGrant));
        }
    }

    [Test, Spec("A22")]
    public async Task A_locked_user_is_access_denied_with_the_status_of_the_token_endpoint()
    {
        await using var host = new CibaHost();
        await using var scope = await ScopeAsync(host);
        var id = await ApprovedAsync(host);
        host.Users.Lock("alice");

        var grant = await RedeemAsync(scope, id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(grant.Error!.Error, Is.EqualTo("access_denied"));
            Assert.That(grant.Error.StatusCode, Is.EqualTo(400));
            Assert.That(grant.Request, Is.Null);
        }
    }

    [Test, Spec("T7"), Spec("T11"), Spec("T12")]
    public async Task A_token_endpoint_of_the_hosts_own_redeems_as_the_design_shows()
    {
        var tries = 0;
        await using var host = new CibaHost
        {
            Map = app => app.MapPost("/connect/token", async (HttpContext context, ICibaGrants ciba) =>
        {
            var form = await context.Request.ReadFormAsync();
            await using var grant = await ciba.RedeemAsync(form["auth_req_id"], form["client_id"]!, context.RequestAborted);
            if (grant.Error is { } error)
            {
                return Results.Json(new { error = error.Error }, statusCode: error.StatusCode);
            }

            if (++tries == 1)
            {
                return Results.Json(new { error = "server_error" }, statusCode: 500);
            }

            var tokens = new { access_token = "mine", sub = grant.Request!.Subject };
            return await grant.CompleteAsync(context.RequestAborted) ? Results.Json(tokens) : Results.Json(new { error = "authorization_pending" }, statusCode: 400);
        })
        };
        var id = (await host.AuthorizeAsync()).AuthReqId;
        (string, string?)[] poll = [("client_id", "client"), ("auth_req_id", id)];

        var pending = await host.PostAsync("/connect/token", poll);
        await host.ApproveAsync(id);
        var failed = await host.PostAsync("/connect/token", poll);
        var right = await host.PostAsync("/connect/token", poll);
        var again = await host.PostAsync("/connect/token", poll);

        Assert.That(new[] { pending, failed, right, again }.Select(answer => answer.Body), Is.EqualTo(new[]
        {
            """{"error":"authorization_pending"}""",
            """{"error":"server_error"}""",
            """{"access_token":"mine","sub":"sub-alice"}""",
            """{"error":"invalid_grant"}""",
        }));
    }

    private static async Task<AsyncServiceScope> ScopeAsync(CibaHost host) => (await host.ServicesAsync()).CreateAsyncScope();

    private static Task<CibaGrant> RedeemAsync(AsyncServiceScope scope, string? authReqId, string clientId = "client") =>
        scope.ServiceProvider.GetRequiredService<ICibaGrants>().RedeemAsync(authReqId, clientId, CancellationToken.None).AsTask();

    private static async Task<string> ApprovedAsync(CibaHost host)
    {
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);
        return id;
    }
}
