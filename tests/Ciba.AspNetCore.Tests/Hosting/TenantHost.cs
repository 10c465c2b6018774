using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A host with two tenants, master and blue, each below a path of its name, and the calls to them.</summary>
public static class TenantHost
{
    public const string Master = "https://id.example.com/master";
    public const string Blue = "https://id.example.com/blue";

    public static CibaHost Make(
        Action<CibaOptions>? options = null,
        Action<CibaBuilder>? setup = null,
        IEnumerable<CibaClient>? clients = null,
        Func<HttpContext, string?>? find = null,
        Action<WebApplication>? beforeRouting = null,
        Action<CibaBuilder>? notifiers = null) => new()
        {
            Clients = [.. clients ?? [CibaHost.Client("client")]],
            Options = all =>
            {
                all.Issuer = "";
                options?.Invoke(all);
            },
            Setup = ciba =>
            {
                ciba.Services.AddSingleton(new RouteTenants(find ?? ByRoute));
                ciba.AddTenants<RouteTenants>();
                setup?.Invoke(ciba);
            },
            Notifiers = notifiers ?? (ciba => ciba.AddDeviceNotifier<FakeDevices>()),
            BeforeRouting = beforeRouting,
            Endpoints = app => MapAll(app.MapGroup("/{tenant}")),
        };

    /// <summary>The tenant that the route names.</summary>
    public static string? ByRoute(HttpContext context) => context.GetRouteValue("tenant") switch
    {
        "master" => Master,
        "blue" => Blue,
        _ => null,
    };

    public static void MapAll(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapCiba();
        endpoints.MapCibaDiscovery();
        endpoints.MapCibaDevice("/device").WithMetadata(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
    }

    /// <summary>A right authentication request at a tenant, with some parameters changed, added, or taken away by null.</summary>
    public static Task<Answer> AuthorizeAtAsync(this CibaHost host, string tenant, params (string Name, string? Value)[] changes) =>
        host.PostAsync($"/{tenant}/bc-authorize", With([("client_id", host.Clients[0].ClientId), ("client_secret", CibaHost.Secret), ("scope", "openid"), ("login_hint", "alice")], changes));

    /// <summary>A right poll at a tenant.</summary>
    public static Task<Answer> PollAtAsync(this CibaHost host, string tenant, string? authReqId, params (string Name, string? Value)[] changes) =>
        host.PostAsync($"/{tenant}/token", With([("client_id", host.Clients[0].ClientId), ("client_secret", CibaHost.Secret), ("grant_type", CibaHost.GrantType), ("auth_req_id", authReqId)], changes));

    /// <summary>A call of a tenant's device API as alice, who is known to all tenants and signed in at this one.</summary>
    public static Task<Answer> DeviceAtAsync(this CibaHost host, string tenant, HttpMethod method, string path, string? json = null) =>
        host.SendAsync(method, $"/{tenant}/device{path}", json is null ? null : new StringContent(json, Encoding.UTF8, "application/json"), request =>
        {
            request.Headers.Add("X-Test-User", "alice");
            request.Headers.Add("X-Test-Issuer", $"https://id.example.com/{tenant}");
        });

    /// <summary>Alice's yes at a tenant.</summary>
    public static async Task<Answer> ApproveAtAsync(this CibaHost host, string tenant, string authReqId) =>
        await host.DeviceAtAsync(tenant, HttpMethod.Post, $"/requests/{await host.HandleAsync(authReqId)}/approve");

    /// <summary>The whole way at a tenant: a request, alice's yes, and the answer with the tokens.</summary>
    public static async Task<Answer> TokensAtAsync(this CibaHost host, string tenant)
    {
        var authReqId = (await host.AuthorizeAtAsync(tenant)).AuthReqId;
        await host.ApproveAtAsync(tenant, authReqId);
        return await host.PollAtAsync(tenant, authReqId);
    }

    private static IEnumerable<(string Name, string? Value)> With((string Name, string? Value)[] right, (string Name, string? Value)[] changes) =>
        right.Where(field => changes.All(change => change.Name != field.Name)).Concat(changes);
}

/// <summary>Tells tenants apart as a test says.</summary>
public sealed class RouteTenants(Func<HttpContext, string?> find) : ICibaTenants
{
    public ValueTask<string?> FindIssuerAsync(HttpContext context) => new(find(context));
}

/// <summary>For which issuer each of the host's interfaces was called.</summary>
public sealed class SeenIssuers
{
    private readonly ConcurrentQueue<string> _seen = new();

    /// <summary>What was seen, each once, such as <c>clients https://id.example.com/blue</c>.</summary>
    public IEnumerable<string> All => _seen.Distinct().Order(StringComparer.Ordinal);

    public void Add(string who, CibaTenant tenant) => _seen.Enqueue($"{who} {tenant.Issuer}");

    public void Clear() => _seen.Clear();
}
