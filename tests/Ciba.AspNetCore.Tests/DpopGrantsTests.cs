using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary><see cref="ICibaGrants"/> with the token request: proofs at a token endpoint of the host's own.</summary>
[Spec("I5"), Spec("T13")]
public sealed class DpopGrantsTests
{
    [TestCase(true), TestCase(false)]
    public async Task A_proof_binds_the_tokens_and_the_host_learns_to_what(bool bound)
    {
        await using var host = Host(bound);
        var id = await host.ApprovedAsync();

        var answer = await PollAsync(host, "/with", id, host.Proof());

        Assert.That(answer.Body, Is.EqualTo($$"""{"type":"DPoP","cnf":"{{DpopCalls.Thumbprint(DpopCalls.Key)}}"}"""));
    }

    [Test, Spec("T14")]
    public async Task Without_a_right_proof_a_client_whose_tokens_are_bound_learns_nothing()
    {
        await using var host = Host(bound: true);
        var id = (await host.AuthorizeAsync()).AuthReqId;

        Answer[] refused = [await PollAsync(host, "/with", id), await PollAsync(host, "/with", id, host.NewProof().Sign(TestKey.Ec("thief"))), await PollAsync(host, "/with", id, host.Proof(CibaHost.Issuer + "/with"))];
        var pending = await PollAsync(host, "/with", id, host.Proof());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused.Select(answer => answer.Error), Is.All.EqualTo("invalid_dpop_proof"));
            Assert.That(pending.Error, Is.EqualTo("authorization_pending"));
        }
    }

    [Test]
    public async Task A_client_that_shows_nothing_and_need_not_gets_bearer_tokens()
    {
        await using var host = Host(bound: false);

        Assert.That((await PollAsync(host, "/with", await host.ApprovedAsync())).Body, Is.EqualTo("""{"type":"Bearer","cnf":null}"""));
    }

    [Test]
    public async Task Where_the_host_hands_over_no_token_request_nothing_is_shown_and_nothing_redeemed()
    {
        await using var host = Host(bound: true);
        var id = await host.ApprovedAsync();

        var without = await PollAsync(host, "/without", id, host.Proof());
        var with = await PollAsync(host, "/with", id, host.Proof());

        Assert.That((without.Error, with.Text("type")), Is.EqualTo(("invalid_request", "DPoP")));
    }

    [Test]
    public async Task A_key_that_the_authentication_request_named_is_not_to_be_got_round()
    {
        await using var host = Host(bound: false);
        var id = await host.ApprovedAsync(("dpop_jkt", DpopCalls.Thumbprint(DpopCalls.Key)));

        Answer[] refused = [await PollAsync(host, "/without", id, host.Proof()), await PollAsync(host, "/with", id), await PollAsync(host, "/with", id, host.Proof(key: TestKey.Ec("thief")))];
        var right = await PollAsync(host, "/with", id, host.Proof());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused.Select(answer => answer.Error), Is.All.EqualTo("invalid_grant"));
            Assert.That(right.Text("type"), Is.EqualTo("DPoP"));
        }
    }

    [Test]
    public async Task Nonces_go_out_with_the_hosts_own_answer()
    {
        await using var host = Host(bound: true, options => options.Dpop.RequireNonce = true);
        var id = await host.ApprovedAsync();

        var asked = await PollAsync(host, "/with", id, host.Proof());
        var tokens = await PollAsync(host, "/with", id, host.NewProof().Claim("nonce", TestJwt.Text(asked.Header("DPoP-Nonce")!)).Sign(DpopCalls.Key));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((asked.Error, tokens.Text("type")), Is.EqualTo(("use_dpop_nonce", "DPoP")));
            Assert.That(tokens.Header("DPoP-Nonce"), Is.Not.Null.And.Not.EqualTo(asked.Header("DPoP-Nonce")));
        }
    }

    private static Task<Answer> PollAsync(CibaHost host, string path, string id, params string[] proofs) => host.PostAsync(path, [("auth_req_id", id)], DpopCalls.Send(proofs));

    private static CibaHost Host(bool bound, Action<CibaOptions>? options = null) => new()
    {
        Clients = [bound ? DpopCalls.BoundClient() : CibaHost.Client("client")],
        Options = options,
        Setup = ciba => ciba.Services.AddSingleton<IDataProtectionProvider>(new EphemeralDataProtectionProvider()),
        Map = app =>
        {
            app.MapPost("/with", async (HttpContext context, ICibaGrants ciba) => await AnswerAsync(await ciba.RedeemAsync(await IdAsync(context), "client", context)));
            app.MapPost("/without", async (HttpContext context, ICibaGrants ciba) => await AnswerAsync(await ciba.RedeemAsync(await IdAsync(context), "client", context.RequestAborted)));
        },
    };

    private static async Task<string?> IdAsync(HttpContext context) => (await context.Request.ReadFormAsync())["auth_req_id"];

    private static async Task<IResult> AnswerAsync(CibaGrant redeemed)
    {
        await using var grant = redeemed;
        if (grant.Error is { } error)
        {
            return Results.Json(new { error = error.Error, error_description = error.Description }, statusCode: error.StatusCode);
        }

        await grant.CompleteAsync(CancellationToken.None);
        return Results.Json(new { type = grant.Request!.TokenType, cnf = grant.Request.Confirmation?.DpopKeyThumbprint });
    }
}
