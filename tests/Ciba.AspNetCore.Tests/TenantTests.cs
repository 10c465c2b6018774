using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>Several issuers in one host: which addresses there are, and what an address without an issuer gets.</summary>
public sealed class TenantTests
{
    [TestCase("master"), TestCase("blue"), Spec("D1"), Spec("D5"), Spec("I1")]
    public async Task Each_tenant_is_a_provider_with_addresses_of_its_own(string tenant)
    {
        await using var host = TenantHost.Make();
        var issuer = $"https://id.example.com/{tenant}";

        var document = (await host.SendAsync(HttpMethod.Get, $"/{tenant}/.well-known/openid-configuration")).Json;
        var tokens = await host.TokensAtAsync(tenant);
        var keys = await host.SendAsync(HttpMethod.Get, $"/{tenant}/jwks");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                new[] { "issuer", "backchannel_authentication_endpoint", "token_endpoint", "jwks_uri" }.Select(name => document.GetProperty(name).GetString()),
                Is.EqualTo(new[] { issuer, $"{issuer}/bc-authorize", $"{issuer}/token", $"{issuer}/jwks" }));
            Assert.That(ReceivedToken.Id(tokens).Claims.GetProperty("iss").GetString(), Is.EqualTo(issuer));
            Assert.That(ReceivedToken.Access(tokens).Claims.GetProperty("iss").GetString(), Is.EqualTo(issuer));
            Assert.That(ReceivedToken.Access(tokens).Claims.GetProperty("aud").GetString(), Is.EqualTo($"{issuer}/resources"));
            Assert.That(ReceivedToken.Id(tokens).IsSignedBy(keys.Json.GetProperty("keys")[0]));
        }
    }

    [Test, Spec("A18"), Spec("A20")]
    public async Task An_unknown_tenant_is_404_in_the_words_of_each_endpoint()
    {
        await using var host = TenantHost.Make();

        var authentication = await host.AuthorizeAtAsync("red");
        var token = await host.PollAtAsync("red", ClientCalls.UnknownRequest);
        var discovery = await host.SendAsync(HttpMethod.Get, "/red/.well-known/openid-configuration");
        var keys = await host.SendAsync(HttpMethod.Get, "/red/jwks");

        await Refusal.LeavesNothingAsync(host, authentication, "invalid_request", 404);
        foreach (var answer in new[] { token, discovery, keys })
        {
            Refusal.Says(answer, "invalid_request", 404);
            Assert.That(answer.Description, Is.EqualTo("There is no provider at this address."));
        }
    }

    [Test, Spec("U2")]
    public async Task At_an_unknown_tenant_the_device_gets_problem_details([Values("", "/x", "/x/approve", "/x/deny", "/x/resend")] string path)
    {
        await using var host = TenantHost.Make();

        var answer = await host.DeviceAtAsync("red", path.Contains("x/", StringComparison.Ordinal) ? HttpMethod.Post : HttpMethod.Get, $"/requests{path}");

        DeviceEndpointTests.AssertProblem(answer, 404, "There is no provider at this address.");
    }

    [Test]
    public async Task Without_the_group_there_is_nothing_at_the_root()
    {
        await using var host = TenantHost.Make();

        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [TestCase("http://id.example.com/master", "must be an https URL"), TestCase("https://id.example.com/master?x", "must have no query")]
    [TestCase("https://id.example.com/master#x", "must have no query"), TestCase("master", "is missing or no absolute URL"), TestCase("", "is missing or no absolute URL")]
    [TestCase("https://id.example.com/ma\nster", "must have no query"), Spec("D5")]
    public async Task What_is_no_issuer_identifier_is_an_error_that_the_log_explains(string issuer, string problem)
    {
        await using var host = TenantHost.Make(find: _ => issuer);

        var answers = new[] { await host.AuthorizeAtAsync("master"), await host.SendAsync(HttpMethod.Get, "/master/.well-known/openid-configuration") };

        foreach (var answer in answers)
        {
            Refusal.Says(answer, "server_error", 500);
        }

        Assert.That(host.Log.Ours.Where(line => line.Text.Contains($"ArgumentException: The issuer {problem}", StringComparison.Ordinal)).Count(), Is.EqualTo(2));
    }

    [Test, Spec("A18")]
    public async Task What_a_resolver_throws_goes_to_the_log_and_nowhere_else()
    {
        await using var host = TenantHost.Make(find: _ => throw new InvalidOperationException("Server=db;Password=hunter2"));

        var authentication = await host.AuthorizeAtAsync("master");
        var device = await host.DeviceAtAsync("master", HttpMethod.Get, "/requests");

        Refusal.Says(authentication, "server_error", 500);
        DeviceEndpointTests.AssertProblem(device, 500, CibaError.ServerError.Description);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(authentication.Body + device.Body, Does.Not.Contain("hunter2").And.Not.Contain("Exception"));
            Assert.That(host.Log.Ours.Select(line => line.Text), Has.Some.Contains("hunter2"), "the operator is told");
        }
    }

    [Test, Spec("A18")]
    public async Task A_resolver_whose_database_is_the_store_may_say_that_it_is_away()
    {
        await using var host = TenantHost.Make(find: _ => throw new CibaStoreUnavailableException("away"));

        Refusal.Says(await host.AuthorizeAtAsync("master"), "temporarily_unavailable", 503);
    }

    [Test, Spec("D5")]
    public async Task Tenants_may_live_below_a_path_base()
    {
        await using var host = TenantHost.Make(
            find: context => TenantHost.ByRoute(context)?.Replace("/master", $"{context.Request.PathBase}/master", StringComparison.Ordinal),
            beforeRouting: app => app.UsePathBase("/below"));

        var document = (await host.SendAsync(HttpMethod.Get, "/below/master/.well-known/openid-configuration")).Json;
        var tokens = await host.TokensAtAsync("below/master");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(document.GetProperty("token_endpoint").GetString(), Is.EqualTo("https://id.example.com/below/master/token"));
            Assert.That(ReceivedToken.Id(tokens).Claims.GetProperty("iss").GetString(), Is.EqualTo("https://id.example.com/below/master"));
            Assert.That((await host.AuthorizeAtAsync("below/red")).Status, Is.EqualTo(HttpStatusCode.NotFound));
        }
    }

    [Test, Spec("D5")]
    public async Task Tenants_may_be_told_apart_by_host_name()
    {
        await using var host = new CibaHost
        {
            Setup = ciba =>
            {
                ciba.Services.AddSingleton(new RouteTenants(context => context.Request.Host.Host == "blue.example.com" ? "https://blue.example.com" : null));
                ciba.AddTenants<RouteTenants>();
            },
        };

        var ours = await host.SendAsync(HttpMethod.Get, "https://blue.example.com/.well-known/openid-configuration");
        var nobodys = await host.SendAsync(HttpMethod.Get, "https://red.example.com/.well-known/openid-configuration");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ours.Text("token_endpoint"), Is.EqualTo("https://blue.example.com/token"));
            Assert.That(nobodys.Status, Is.EqualTo(HttpStatusCode.NotFound));
        }
    }

    [Test, Spec("T11")]
    public async Task A_shared_token_path_is_shared_in_every_tenant()
    {
        await using var host = new CibaHost
        {
            Options = options => options.TokenPathIsShared = true,
            Setup = ciba =>
            {
                ciba.Services.AddSingleton(new RouteTenants(TenantHost.ByRoute));
                ciba.AddTenants<RouteTenants>();
            },
            Map = app => app.Use((context, next) => context.Request.Path.Value!.EndsWith("/token", StringComparison.Ordinal) ? context.Response.WriteAsync("the host") : next(context)),
            Endpoints = app => TenantHost.MapAll(app.MapGroup("/{tenant}")),
        };

        var tokens = await host.TokensAtAsync("blue");
        var other = await host.PollAtAsync("blue", null, ("grant_type", "password"));
        var unknown = await host.PollAtAsync("red", ClientCalls.UnknownRequest);

        Assert.That(ReceivedToken.Id(tokens).Claims.GetProperty("iss").GetString(), Is.EqualTo(TenantHost.Blue));
        Assert.That(other.Body, Is.EqualTo("the host"));
        Refusal.Says(unknown, "invalid_request", 404);
    }

    [Test, Spec("A15")]
    public async Task Who_is_nobody_in_both_tenants_is_concealed_in_both()
    {
        await using var host = TenantHost.Make(options => (options.ConcealUnknownUsers, options.Limits.PendingPerUser) = (true, 1));

        var master = await host.AuthorizeAtAsync("master", ("login_hint", "nobody"));
        var full = await host.AuthorizeAtAsync("master", ("login_hint", "nobody"));
        var blue = await host.AuthorizeAtAsync("blue", ("login_hint", "nobody"));
        var known = await host.TokensAtAsync("blue");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await host.PollAtAsync("master", master.AuthReqId)).Error, Is.EqualTo("authorization_pending"));
            Assert.That((await host.PollAtAsync("blue", master.AuthReqId)).Error, Is.EqualTo("invalid_grant"));
            Assert.That(full.Error, Is.EqualTo("access_denied"));
            Assert.That((await host.PollAtAsync("blue", blue.AuthReqId)).Error, Is.EqualTo("authorization_pending"));
            Assert.That(known.Status, Is.EqualTo(HttpStatusCode.OK), known.Body);
        }
    }
}
