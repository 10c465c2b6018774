using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Ciba.AspNetCore.Tests;

/// <summary>Where nobody has named algorithms, DPoP is on with the ready token issuer alone: of another the library does not know what it binds.</summary>
[Spec("I5"), Spec("A20")]
public sealed class DpopDefaultTests
{
    [Test, Spec("D5")]
    public async Task With_a_token_issuer_of_the_hosts_own_proofs_and_dpop_jkt_are_ignored_as_discovery_says([Values("proof", "junk", "jkt")] string shown)
    {
        await using var host = new CibaHost { Setup = new FakeTokens().Use };
        (string, string?)[] named = shown == "jkt" ? [("dpop_jkt", DpopCalls.Thumbprint(DpopCalls.Key))] : [];
        string[] proofs = shown == "proof" ? [host.Proof(DpopCalls.AuthorizeUrl), host.Proof()] : ["junk", "junk"];

        var id = shown == "jkt" ? await host.ApprovedAsync(named) : (await host.AuthorizeWithAsync(proofs[0])).AuthReqId;
        await host.ApproveAsync(id);
        var tokens = shown == "jkt" ? await host.PollAsync(id) : await host.PollWithAsync(id, proofs[1]);
        var document = await host.SendAsync(HttpMethod.Get, "/.well-known/openid-configuration");

        Assert.That((tokens.Text("token_type"), document.Json.TryGetProperty("dpop_signing_alg_values_supported", out _)), Is.EqualTo(("Bearer", false)), tokens.Body);
    }

    [Test, Spec("T13")]
    public async Task A_host_that_redeems_and_issues_by_itself_is_told_of_no_key()
    {
        await using var host = Redeeming(named: false);
        var id = (await host.AuthorizeWithAsync("junk", ("dpop_jkt", DpopCalls.Thumbprint(DpopCalls.Key)))).AuthReqId;
        await host.ApproveAsync(id);

        var redeemed = await host.PostAsync("/connect/token", [("auth_req_id", id)], DpopCalls.Send("junk"));

        Assert.That(redeemed.Body, Is.EqualTo("Bearer"));
    }

    [Test, Spec("T13")]
    public async Task A_host_that_redeems_and_issues_by_itself_switches_it_on_by_naming_algorithms()
    {
        await using var host = Redeeming(named: true);
        var id = (await host.AuthorizeWithAsync(host.Proof(DpopCalls.AuthorizeUrl))).AuthReqId;
        await host.ApproveAsync(id);

        var without = await host.PostAsync("/connect/token", [("auth_req_id", id)]);
        var with = await host.PostAsync("/connect/token", [("auth_req_id", id)], DpopCalls.Send(host.Proof()));

        Assert.That((without.Body, with.Body), Is.EqualTo(("invalid_grant", "DPoP")));
    }

    [Test, Spec("D7")]
    public async Task A_configured_client_that_must_use_it_keeps_the_host_from_starting()
    {
        await using var host = new CibaHost { Clients = [DpopCalls.BoundClient()], Setup = new FakeTokens().Use };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[]
        {
            "Client 'client': DpopBoundAccessTokens is set and DPoP is off, as the host issues the tokens and has not said that it binds them; put algorithms into CibaOptions.Dpop.SigningAlgValuesSupported.",
        }));
    }

    [Test, Spec("T13")]
    public async Task A_client_of_the_hosts_own_store_that_must_use_it_gets_nothing_and_the_log_has_the_cure()
    {
        var clients = new HookedClients { Current = DpopCalls.BoundClient() };
        await using var host = new CibaHost
        {
            Clients = [],
            Setup = ciba =>
            {
                new FakeTokens().Use(ciba);
                clients.Use(ciba);
            },
        };

        var asked = await HookedClients.AskAsync(host);

        await Refusal.LeavesNothingAsync(host, asked, "unauthorized_client");
        Assert.That(host.Log.Lines.Select(line => line.Text), Has.Some.Contains("put algorithms into CibaOptions.Dpop.SigningAlgValuesSupported"));
    }

    [Test, Spec("D7")]
    public async Task What_is_off_needs_no_keys_for_nonces()
    {
        await using var host = new CibaHost { Setup = new FakeTokens().Use, Options = options => options.Dpop.RequireNonce = true };

        Assert.That(host.StartedAsync, Throws.Nothing);
    }

    private static CibaHost Redeeming(bool named) => new()
    {
        Options = options => options.Dpop.SigningAlgValuesSupported = named ? ["ES256"] : null,
        Setup = ciba =>
        {
            ciba.AddTokenIssuer<FakeTokens>();
            ciba.Services.RemoveAll<ICibaTokenIssuer>();
        },
        Map = app => app.MapPost("/connect/token", async (HttpContext context, ICibaGrants grants) =>
        {
            await using var grant = await grants.RedeemAsync((await context.Request.ReadFormAsync())["auth_req_id"], "client", context);
            return grant.Error?.Error ?? grant.Request!.TokenType;
        }),
        Endpoints = app => app.MapCibaAuthentication(),
    };
}
