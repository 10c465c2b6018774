using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Ciba.AspNetCore.Tests;

/// <summary>
/// The third way: a token endpoint of the host's own, with a grant of its own, which calls <see cref="ICibaGrants"/> for the
/// CIBA grant and issues the tokens itself.
/// </summary>
[Spec("T11"), Spec("T12")]
public sealed class OwnTokenEndpointTests
{
    private const string Path = "/connect/token";

    private const string Pending = """{"error":"authorization_pending"}""";
    private const string Tokens = """{"access_token":"mine","sub":"sub-alice"}""";
    private const string Used = """{"error":"invalid_grant"}""";

    [Test, Spec("T7")]
    public async Task The_hosts_own_grant_and_the_CIBA_grant_live_in_one_endpoint()
    {
        await using var host = Host((grant, cancellationToken) => grant.CompleteAsync(cancellationToken));
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var own = await host.PostAsync(Path, [("grant_type", "authorization_code"), ("code", "c-1")]);
        var pending = await PollAsync(host, id);
        await host.ApproveAsync(id);
        var tokens = await PollAsync(host, id);
        var again = await PollAsync(host, id);

        Assert.That(new[] { own.Body, pending.Body, tokens.Body, again.Body }, Is.EqualTo(new[] { "authorization_code:c-1", Pending, Tokens, Used }));
    }

    [Test]
    public async Task A_host_that_throws_before_it_completes_leaves_the_approval_standing()
    {
        var tries = 0;
        await using var host = Host((grant, cancellationToken) => ++tries == 1 ? throw new TimeoutException("the signing service is away") : grant.CompleteAsync(cancellationToken));
        var id = await ApprovedAsync(host);

        Assert.That(() => PollAsync(host, id), Throws.TypeOf<TimeoutException>());
        var tokens = await PollAsync(host, id);
        var again = await PollAsync(host, id);

        Assert.That(new[] { tokens.Body, again.Body }, Is.EqualTo(new[] { Tokens, Used }));
    }

    [Test]
    public async Task A_host_that_disposes_of_the_grant_without_completing_leaves_the_approval_standing()
    {
        var tries = 0;
        await using var host = Host((grant, cancellationToken) => ++tries == 1 ? ValueTask.FromResult(false) : grant.CompleteAsync(cancellationToken));
        var id = await ApprovedAsync(host);

        var abandoned = await PollAsync(host, id);
        var tokens = await PollAsync(host, id);
        var again = await PollAsync(host, id);

        Assert.That(new[] { abandoned.Body, tokens.Body, again.Body }, Is.EqualTo(new[] { Pending, Tokens, Used }));
    }

    [Test]
    public async Task A_client_that_hangs_up_before_the_host_completes_can_come_again()
    {
        using var gone = new CancellationTokenSource();
        var left = new TaskCompletionSource();
        var tries = 0;
        await using var host = Host(
            async (grant, cancellationToken) =>
            {
                if (++tries == 1)
                {
                    await gone.CancelAsync();
                    await Task.Delay(Timeout.Infinite, cancellationToken);
                }

                return await grant.CompleteAsync(cancellationToken);
            },
            left);
        var id = await ApprovedAsync(host);
        var http = await host.HttpAsync();

        using var form = new FormUrlEncodedContent([new("grant_type", CibaHost.GrantType), new("client_id", "client"), new("auth_req_id", id)]);
        Assert.That(() => http.PostAsync(Path, form, gone.Token), Throws.InstanceOf<OperationCanceledException>());

        await left.Task.WaitAsync(TimeSpan.FromSeconds(20));

        Assert.That((await PollAsync(host, id)).Body, Is.EqualTo(Tokens));
    }

    [Test]
    public async Task What_the_librarys_own_token_endpoint_has_redeemed_is_used_here_too()
    {
        await using var host = Host((grant, cancellationToken) => grant.CompleteAsync(cancellationToken));
        var id = await ApprovedAsync(host);

        var there = await host.PollAsync(id);
        var here = await PollAsync(host, id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(there.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(here.Body, Is.EqualTo(Used));
        }
    }

    private static async Task<string> ApprovedAsync(CibaHost host)
    {
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);
        return id;
    }

    private static Task<Answer> PollAsync(CibaHost host, string id) =>
        host.PostAsync(Path, [("grant_type", CibaHost.GrantType), ("client_id", "client"), ("auth_req_id", id)]);

    private static CibaHost Host(Func<CibaGrant, CancellationToken, ValueTask<bool>> finish, TaskCompletionSource? left = null) => new()
    {
        BeforeRouting = app => app.Use(async (context, next) =>
        {
            try
            {
                await next(context);
            }
            catch (OperationCanceledException) when (left is not null)
            {
                left.SetResult();
            }
        }),
        Map = app => app.MapPost(Path, async (HttpContext context, ICibaGrants grants) =>
        {
            var form = await context.Request.ReadFormAsync();
            if (form["grant_type"] != CibaHost.GrantType)
            {
                return Results.Text($"{form["grant_type"]}:{form["code"]}");
            }

            await using var grant = await grants.RedeemAsync(form["auth_req_id"], form["client_id"]!, context.RequestAborted);
            if (grant.Error is { } error)
            {
                return Refuse(error);
            }

            var tokens = new { access_token = "mine", sub = grant.Request!.Subject };
            return await finish(grant, context.RequestAborted) ? Results.Json(tokens) : Refuse(CibaError.AuthorizationPending);
        }),
    };

    private static IResult Refuse(CibaError error) => Results.Json(new { error = error.Error }, statusCode: error.StatusCode);
}
