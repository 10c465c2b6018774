using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>What a host maps, and what it forgets or maps twice.</summary>
public sealed class EndpointMappingTests
{
    private const string Nothing = "AddCiba was called, and no endpoint of CIBA is mapped: call MapCiba(), or MapCibaAuthentication() for a token endpoint of your own ";

    private static IEnumerable<TestCaseData> Twice()
    {
        yield return Case("MapCiba", ["CIBA backchannel authentication", "CIBA token"], ["/bc-authorize", "/token"], app =>
        {
            app.MapCiba();
            app.MapCiba();
        });
        yield return Case("MapCiba and MapCibaAuthentication", ["CIBA backchannel authentication"], ["/bc-authorize"], app =>
        {
            app.MapCiba();
            app.MapCibaAuthentication();
        });
        yield return Case("MapCiba in two groups without a prefix", ["CIBA backchannel authentication", "CIBA token"], ["/bc-authorize", "/token"], app =>
        {
            app.MapGroup("").MapCiba();
            app.MapGroup("/").MapCiba();
        });
        yield return Case("MapCiba in two groups of one prefix", ["CIBA backchannel authentication", "CIBA token"], ["/{}/bc-authorize", "/{}/token"], app =>
        {
            app.MapGroup("/{tenant}").MapCiba();
            app.MapGroup("/{brand}").MapCiba();
        });
        yield return Case(
            "MapCibaDiscovery",
            ["CIBA discovery", "CIBA discovery, head", "CIBA JWK Set", "CIBA JWK Set, head"],
            ["/.well-known/openid-configuration", "/.well-known/openid-configuration", "/jwks", "/jwks"],
            app =>
            {
                app.MapCiba();
                app.MapCibaDiscovery();
                app.MapCibaDiscovery();
            });
        yield return Case("MapCiba for one host twice", ["CIBA backchannel authentication", "CIBA token"], ["/bc-authorize", "/token"], app =>
        {
            app.MapCiba().RequireHost("a.example", "b.example");
            app.MapCiba().RequireHost("b.example");
        });
    }

    [TestCaseSource(nameof(Twice))]
    public async Task Two_endpoints_for_the_same_requests_are_an_error_at_start(Action<WebApplication> map, string[] names, string[] paths)
    {
        await using var host = new CibaHost { Endpoints = map };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EquivalentTo(names.Zip(paths, (name, path) =>
            $"{name} is mapped more than once at {path}: call MapCiba(), MapCibaDiscovery() and the like once each, or in route groups that differ by prefix or host.")));
    }

    [Test]
    public async Task A_device_api_at_one_prefix_twice_is_an_error_at_start()
    {
        await using var host = new CibaHost
        {
            Endpoints = app =>
            {
                app.MapCiba();
                app.MapCibaDevice("/device");
                app.MapCibaDevice("device");
            },
        };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Has.Count.EqualTo(6).And.Some.StartsWith("CIBA device: approve is mapped more than once at /device/requests/{}/approve: "));
    }

    [Test]
    public async Task Route_groups_that_differ_by_prefix_constraint_or_host_are_several_providers([Values("prefix", "constraint", "host")] string by, [Values] bool isShared)
    {
        await using var host = new CibaHost
        {
            Options = options => options.TokenPathIsShared = isShared,
            Endpoints = app =>
            {
                app.MapGroup(by == "constraint" ? "/{tenant:int}" : by == "prefix" ? "/a" : "").MapCiba().RequireHostIf(by == "host", "a.example");
                app.MapGroup(by == "constraint" ? "/{tenant:alpha}" : by == "prefix" ? "/b" : "").MapCiba().RequireHostIf(by == "host", "b.example");
            },
        };

        await host.StartedAsync();

        Assert.That(Warnings(host), Is.Empty);
    }

    [Test]
    public async Task A_host_that_maps_nothing_is_warned_at_start()
    {
        await using var host = new CibaHost { Endpoints = _ => { }, Map = app => app.MapGet("/", () => "Hello") };

        await host.StartedAsync();

        Assert.That(Warnings(host), Is.EqualTo(new[] { Nothing }));
    }

    private static IEnumerable<TestCaseData> Parts()
    {
        yield return new TestCaseData((Action<WebApplication>)(app => app.MapCiba())).SetArgDisplayNames("MapCiba");
        yield return new TestCaseData((Action<WebApplication>)(app => app.MapCibaAuthentication())).SetArgDisplayNames("MapCibaAuthentication");
        yield return new TestCaseData((Action<WebApplication>)(app => app.MapCibaDiscovery())).SetArgDisplayNames("MapCibaDiscovery");
        yield return new TestCaseData((Action<WebApplication>)(app => app.MapCibaDevice("/device").AllowAnonymous())).SetArgDisplayNames("MapCibaDevice");
    }

    [TestCaseSource(nameof(Parts))]
    public async Task A_host_that_maps_some_of_it_is_not(Action<WebApplication> map)
    {
        await using var host = new CibaHost { Endpoints = map };

        await host.StartedAsync();

        Assert.That(Warnings(host), Has.None.EqualTo(Nothing));
    }

    [Test]
    public async Task An_endpoint_of_the_host_for_the_same_requests_is_warned_of_but_for_its_token_endpoint()
    {
        await using var host = new CibaHost
        {
            Map = app =>
            {
                app.MapGet("/.well-known/openid-configuration", () => "mine").WithDisplayName("My document");
                app.MapPost("/token", () => "mine");
                app.MapPost("/jwks", () => "mine");
                app.MapFallback(() => "mine");
            },
        };

        await host.StartedAsync();

        Assert.That(Warnings(host), Is.EqualTo(new[]
        {
            "CIBA discovery is mapped at /.well-known/openid-configuration, where the host has My document for the same requests: they will fail unless something decides between the two. Map one of them ",
        }));
    }

    private static TestCaseData Case(string name, string[] endpoints, string[] paths, Action<WebApplication> map) => new TestCaseData(map, endpoints, paths).SetArgDisplayNames(name);

    private static IEnumerable<string> Warnings(CibaHost host) =>
        host.Log.Ours.Where(line => line.Level == LogLevel.Warning && line.Category.EndsWith(".EndpointCheck", StringComparison.Ordinal)).Select(line => line.Text);
}

internal static class HostConvention
{
    public static void RequireHostIf(this IEndpointConventionBuilder endpoints, bool isRequired, string host)
    {
        if (isRequired)
        {
            endpoints.RequireHost(host);
        }
    }
}
