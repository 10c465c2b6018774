using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Ciba.AspNetCore.Tests;

/// <summary>The third way without a token issuer of ours: <c>MapCibaAuthentication()</c>, and the host redeems and issues.</summary>
public sealed class AuthenticationAloneTests
{
    private const string Missing = "ICibaTokenIssuer is missing: add it with AddTokenIssuer<T>() or AddJwtTokenIssuer(...) behind AddCiba().";

    [Test, Spec("T11"), Spec("T7"), Spec("A16")]
    public async Task The_host_redeems_by_itself_and_the_token_path_is_not_ours()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var pending = await RedeemAsync(host, id);
        await host.ApproveAsync(id);
        var token = await host.PollAsync(id);
        var tokens = await RedeemAsync(host, id);
        var again = await RedeemAsync(host, id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(token.Status, Is.EqualTo(HttpStatusCode.NotFound));
            Assert.That(new[] { pending.Body, tokens.Body, again.Body }, Is.EqualTo(new[] { "authorization_pending", "tokens for sub-alice by https://id.example.com", "invalid_grant" }));
        }
    }

    [Test, Spec("A1")]
    public async Task The_backchannel_endpoint_is_the_same_in_all_else()
    {
        await using var host = Host(options: options => options.ClientsMayCancel = true);
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var get = await host.SendAsync(HttpMethod.Get, "/bc-authorize");
        var cancelled = await host.PostAsync("/bc-authorize/cancel", [("client_id", "client"), ("client_secret", CibaHost.Secret), ("auth_req_id", id)]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((get.Status, get.Header("Allow")), Is.EqualTo((HttpStatusCode.MethodNotAllowed, "POST")));
            Assert.That(cancelled.Status, Is.EqualTo(HttpStatusCode.NoContent).Or.EqualTo(HttpStatusCode.OK), cancelled.Body);
        }
    }

    [Test, Spec("P1")]
    public async Task Ping_clients_need_no_issuer_either()
    {
        using var receiver = new FakeReceiver();
        await using var host = Host([FakeReceiver.PingClient()], receiver.Use);
        var id = (await host.AskAsync()).AuthReqId;
        await host.ApproveAsync(id);

        Assert.That((await receiver.NextAsync()).Body, Is.EqualTo($$"""{"auth_req_id":"{{id}}"}"""));
        Assert.That((await RedeemAsync(host, id)).Body, Is.EqualTo("tokens for sub-alice by https://id.example.com"));
    }

    [Test, Spec("D7")]
    public async Task A_push_client_needs_an_issuer()
    {
        await using var host = Host([FakeReceiver.PushClient()]);

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[]
        {
            "Client 'client': BackchannelTokenDeliveryMode 'push' needs an ICibaTokenIssuer; add it with AddTokenIssuer<T>() or AddJwtTokenIssuer(...), or use poll, ping.",
        }));
    }

    [Test, Spec("D7")]
    public async Task Push_that_is_named_needs_an_issuer()
    {
        await using var host = Host(options: options => options.BackchannelTokenDeliveryModesSupported = ["poll", "push"]);

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[]
        {
            "CibaOptions: BackchannelTokenDeliveryModesSupported holds push, whose tokens an ICibaTokenIssuer issues: add it with AddTokenIssuer<T>() or AddJwtTokenIssuer(...), or leave push out.",
        }));
    }

    [Test, Spec("D1"), Spec("D7")]
    public async Task Push_is_off_and_nobody_is_promised_it()
    {
        var clients = new HookedClients { Current = FakeReceiver.PushClient() };
        await using var host = Host([], clients.Use);

        var asked = await HookedClients.AskAsync(host);
        var discovery = await host.SendAsync(HttpMethod.Get, "/.well-known/openid-configuration");
        var merged = (await host.ServicesAsync()).GetRequiredService<CibaMetadata>().MergeInto([]);

        await Refusal.LeavesNothingAsync(host, asked, "unauthorized_client");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(asked.Description, Is.EqualTo("The client's token delivery mode is switched off here."));
            Assert.That(discovery.Json.GetProperty("backchannel_token_delivery_modes_supported").GetRawText(), Is.EqualTo("""["poll","ping"]"""));
            Assert.That(merged["backchannel_token_delivery_modes_supported"]!.ToJsonString(), Is.EqualTo("""["poll","ping"]"""));
        }
    }

    [Test, Spec("D7")]
    public async Task MapCiba_needs_an_issuer()
    {
        await using var host = new CibaHost { Setup = WithoutIssuer, Endpoints = app => app.MapCiba() };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { Missing }));
    }

    // There the endpoints are mapped when the server starts, which is after the check of all else.
    [TestCase(true), TestCase(false), Spec("D7")]
    public async Task MapCiba_needs_an_issuer_in_a_host_of_the_older_kind_too(bool all)
    {
        using var host = new HostBuilder().ConfigureWebHost(web => web.UseTestServer().ConfigureServices(services =>
        {
            services.AddRouting().AddSingleton<FakeUsers>().AddSingleton<FakeDevices>();
            services.AddCiba(options => options.Issuer = CibaHost.Issuer).AddClients(CibaHost.Client("client")).AddUserLookup<FakeUsers>().AddDeviceNotifier<FakeDevices>();
        }).Configure(app => app.UseRouting().UseEndpoints(endpoints => _ = all ? endpoints.MapCiba() : endpoints.MapCibaAuthentication()))).Build();

        if (all)
        {
            Assert.That((await Assert.ThrowsAsync<CibaConfigurationException>(() => host.StartAsync()))!.Problems, Is.EqualTo(new[] { Missing }));
        }
        else
        {
            await host.StartAsync();
        }
    }

    private static void WithoutIssuer(CibaBuilder ciba)
    {
        // What AddJwtTokenIssuer of the host that is right in everything has added.
        ciba.AddTokenIssuer<FakeTokens>();
        ciba.Services.RemoveAll<ICibaTokenIssuer>();
    }

    private static Task<Answer> RedeemAsync(CibaHost host, string id) => host.PostAsync("/connect/token", [("auth_req_id", id)]);

    private static CibaHost Host(List<CibaClient>? clients = null, Action<CibaBuilder>? setup = null, Action<CibaOptions>? options = null) => new()
    {
        Clients = clients ?? [CibaHost.Client("client")],
        Options = options,
        Setup = ciba =>
        {
            WithoutIssuer(ciba);
            setup?.Invoke(ciba);
        },
        Map = app => app.MapPost("/connect/token", async (HttpContext context, ICibaGrants grants) =>
        {
            var form = await context.Request.ReadFormAsync();
            await using var grant = await grants.RedeemAsync(form["auth_req_id"], "client", context.RequestAborted);
            if (grant.Error is { } error)
            {
                return error.Error;
            }

            await grant.CompleteAsync(context.RequestAborted);
            return $"tokens for {grant.Request!.Subject} by {grant.Request.Issuer}";
        }),
        Endpoints = app =>
        {
            app.MapCibaAuthentication();
            app.MapCibaDiscovery();
            app.MapCibaDevice("/device");
        },
    };
}
