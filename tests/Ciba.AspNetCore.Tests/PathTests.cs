using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ciba.AspNetCore.Tests;

/// <summary>Providers that live below the root of their host: behind a path base, or in a route group.</summary>
public sealed class PathTests
{
    private static readonly TestCaseData<Func<CibaHost>>[] Hosts =
    [
        Case("a path base before routing", () => new() { Options = Below("/below"), BeforeRouting = app => app.UsePathBase("/below") }),
        Case("a path base behind routing, which routes anew", () => new() { Options = Below("/below"), Map = app => app.UsePathBase("/below") }),
        Case("a group", () => new() { Options = Below("/below"), Endpoints = app => MapAll(app.MapGroup("/below")) }),
        Case("a group in a group", () => new() { Options = Below("/below"), Endpoints = app => MapAll(app.MapGroup("/").MapGroup("/below")) }),
        Case("a branch with routing of its own", () => new()
        {
            Options = Below("/below"),
            Map = app => app.Map("/below", branch =>
            {
                branch.UseRouting();
                branch.UseEndpoints(MapAll);
            }),
            Endpoints = _ => { },
        }),
    ];

    [TestCaseSource(nameof(Hosts)), Spec("D1"), Spec("D5")]
    public async Task What_discovery_names_is_where_the_endpoints_are(Func<CibaHost> make)
    {
        await using var host = make();

        var document = (await host.SendAsync(HttpMethod.Get, "/below/.well-known/openid-configuration")).Json;
        var authentication = await host.PostAsync(Path(document, "backchannel_authentication_endpoint"), Client(("scope", "openid"), ("login_hint", "alice")));
        await host.ApproveAsync(authentication.AuthReqId);
        var tokens = await host.PostAsync(Path(document, "token_endpoint"), Client(("grant_type", CibaHost.GrantType), ("auth_req_id", authentication.AuthReqId)));
        var keys = await host.SendAsync(HttpMethod.Get, Path(document, "jwks_uri"));
        var device = await host.SendAsync(HttpMethod.Get, "/below/device/requests", change: request => request.Headers.Add("X-Test-User", "alice"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(document.GetProperty("issuer").GetString(), Is.EqualTo("https://id.example.com/below"));
            Assert.That(tokens.Text("id_token"), Is.Not.Null);
            Assert.That(keys.Json.GetProperty("keys").GetArrayLength(), Is.GreaterThan(0));
            Assert.That(device.Body, Is.EqualTo("[]"));
        }
    }

    [TestCaseSource(nameof(Hosts)), Spec("A1")]
    public async Task Other_methods_are_not_allowed_there_either(Func<CibaHost> make)
    {
        await using var host = make();

        var answers = new[] { await host.SendAsync(HttpMethod.Get, "/below/bc-authorize"), await host.SendAsync(HttpMethod.Get, "/below/token") };

        Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(HttpStatusCode.MethodNotAllowed));
    }

    [Test]
    public async Task In_a_group_there_is_nothing_at_the_root()
    {
        await using var host = new CibaHost { Endpoints = app => MapAll(app.MapGroup("/below")) };

        var answers = new[] { await host.AuthorizeAsync(), await host.PollAsync("A"), await host.SendAsync(HttpMethod.Get, "/jwks") };

        Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task What_the_host_adds_to_the_group_holds()
    {
        await using var host = new CibaHost { Endpoints = app => MapAll(app.MapGroup("/below").RequireHost("www.example.com")) };

        Assert.That((await host.SendAsync(HttpMethod.Get, "/below/jwks")).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [TestCaseSource(nameof(SharedHosts)), Spec("T11")]
    public async Task A_shared_token_path_below_the_root_is_shared(Func<CibaHost> make)
    {
        await using var host = make();

        var other = await host.PostAsync("/below/token", Client(("grant_type", "password")));
        var ours = await host.PostAsync("/below/token", Client(("grant_type", CibaHost.GrantType), ("auth_req_id", ClientCalls.UnknownRequest)));

        Assert.That(new[] { other.Body, ours.Error }, Is.EqualTo(new[] { "the host", "invalid_grant" }));
    }

    private static IEnumerable<TestCaseData<Func<CibaHost>>> SharedHosts() =>
    [
        Case("a path base", () => new() { Options = Shared, BeforeRouting = app => app.UsePathBase("/below"), Map = app => app.Map("/token", branch => branch.Run(TheHostAsync)) }),
        Case("a group", () => new() { Options = Shared, Map = app => app.Map("/below/token", branch => branch.Run(TheHostAsync)), Endpoints = app => MapAll(app.MapGroup("/below")) }),
    ];

    private static void Shared(CibaOptions options)
    {
        Below("/below")(options);
        options.TokenPathIsShared = true;
    }

    private static Task TheHostAsync(HttpContext context) => context.Response.WriteAsync("the host");

    private static void MapAll(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapCiba();
        endpoints.MapCibaDiscovery();
        endpoints.MapCibaDevice("/device");
    }

    private static Action<CibaOptions> Below(string path) => options => options.Issuer = CibaHost.Issuer + path;

    private static string Path(System.Text.Json.JsonElement document, string endpoint) => new Uri(document.GetProperty(endpoint).GetString()!).AbsolutePath;

    private static (string Name, string? Value)[] Client(params (string Name, string? Value)[] fields) => [("client_id", "client"), ("client_secret", CibaHost.Secret), .. fields];

    private static TestCaseData<Func<CibaHost>> Case(string name, Func<CibaHost> make) => new(make) { TestName = $"{{m}}({name})" };
}
