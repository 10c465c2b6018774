using Ciba.AspNetCore.Clients;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Device;

/// <summary>Decides whether a user whom the host has authenticated may use the device API in this way.</summary>
internal sealed partial class DeviceAccess(IServiceProvider services, CibaTenant tenant, IOptions<CibaOptions> options, ILogger<DeviceAccess> logger)
{
    /// <summary>Returns the reason for a refusal, or null.</summary>
    public async ValueTask<DeviceProblem?> WhyNotAsync(HttpContext context, DeviceUser user)
    {
        // The answer is the same as for a request that does not exist.
        if (tenant.Realm is { } issuer && IssuerOf(context, user) != issuer)
        {
            return DeviceProblem.NotFound;
        }

        // A client that gets a user's token could otherwise approve its own next request.
        foreach (var clientId in user.IssuedTo)
        {
            if (!options.Value.DeviceApi.AllowedClients.Contains(clientId) && await IsCibaClientAsync(clientId, context.RequestAborted))
            {
                ClientNotAllowed(clientId);
                return DeviceProblem.ClientNotAllowed;
            }
        }

        return null;
    }

    /// <summary>Warns if the host has not protected the device API.</summary>
    public static async Task WarnAsync(IServiceProvider services)
    {
        if (!services.GetRequiredService<DeviceApiUse>().IsMapped
            || services.GetService<EndpointDataSource>()?.Endpoints.FirstOrDefault(IsOpen) is not { } endpoint
            || (!IsAnonymous(endpoint) && await HasFallbackPolicyAsync(services)))
        {
            return;
        }

        NotProtected(services.GetRequiredService<ILogger<DeviceAccess>>(), (endpoint as RouteEndpoint)?.RoutePattern.RawText ?? endpoint.DisplayName);
    }

    private string? IssuerOf(HttpContext context, DeviceUser user) =>
        options.Value.DeviceApi.UserIssuerSelector is { } selector ? selector(context, user.Identity) : user.Issuer;

    private async ValueTask<bool> IsCibaClientAsync(string clientId, CancellationToken cancellationToken) =>
        await services.GetRequiredService<ICibaClientStore>().FindAsync(clientId, cancellationToken) is { } client && ClientRules.MayUseCiba(client);

    private static bool IsOpen(Endpoint endpoint) =>
        endpoint.Metadata.GetMetadata<DeviceApiMetadata>() is not null
        && (IsAnonymous(endpoint) || !endpoint.Metadata.Any(metadata => metadata is IAuthorizeData or IAuthorizationRequirementData or AuthorizationPolicy));

    private static bool IsAnonymous(Endpoint endpoint) => endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null;

    private static async Task<bool> HasFallbackPolicyAsync(IServiceProvider services) =>
        services.GetService<IAuthorizationPolicyProvider>() is { } policies && await policies.GetFallbackPolicyAsync() is not null;

    [LoggerMessage(1, LogLevel.Warning, "A token of client {ClientId}, which may use CIBA, was refused at the device API; add the client to CibaOptions.DeviceApi.AllowedClients if it is the user's device")]
    private partial void ClientNotAllowed(string clientId);

    [LoggerMessage(2, LogLevel.Warning, "The device API at {Path} has no authorization policy; call RequireAuthorization() on what MapCibaDevice returns")]
    private static partial void NotProtected(ILogger logger, string? path);
}

/// <summary>Marks the endpoints of the device API.</summary>
internal sealed class DeviceApiMetadata;
