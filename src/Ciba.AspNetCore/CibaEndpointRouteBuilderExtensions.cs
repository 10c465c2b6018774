using Ciba.AspNetCore;
using Ciba.AspNetCore.Authentication;
using Ciba.AspNetCore.Device;
using Ciba.AspNetCore.Discovery;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Jose;
using Ciba.AspNetCore.Startup;
using Ciba.AspNetCore.Token;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the endpoints of CIBA.</summary>
public static class CibaEndpointRouteBuilderExtensions
{
    private const string DiscoveryPath = "/.well-known/openid-configuration";

    private static readonly string[] Post = [HttpMethods.Post];
    private static readonly string[] Get = [HttpMethods.Get];
    private static readonly string[] Head = [HttpMethods.Head];

    /// <summary>
    /// Maps the backchannel authentication endpoint (CIBA Core section 7) and the token endpoint for the CIBA grant
    /// (section 10.1), on the paths that <see cref="CibaOptions"/> names; and <c>/cancel</c> and <c>/resend</c> below the former, where
    /// <see cref="CibaOptions.ClientsMayCancel"/> and <see cref="CibaOptions.ClientsMayResend"/> are on. A token endpoint that the host has on the same path
    /// goes on to get every other grant type; one that is no endpoint but middleware needs
    /// <see cref="CibaOptions.TokenPathIsShared"/>. The endpoints authenticate their clients themselves,
    /// so that a policy of the host that asks for a signed-in user leaves them alone.
    /// </summary>
    /// <remarks>
    /// With <see cref="CibaOptions.TokenPathIsShared"/> the token endpoint answers in the routing middleware
    /// (<c>ShortCircuit()</c>): what stands behind <c>UseRouting()</c> does not see its requests. So <c>UseForwardedHeaders()</c>,
    /// <c>UseCertificateForwarding()</c> and the like stand before <c>UseRouting()</c>, and a <c>WebApplication</c>, which
    /// routes first of all, calls it itself behind them. A global rate limit does not count these requests, unless
    /// <c>UseRateLimiter()</c> stands before <c>UseRouting()</c> too.
    /// With <c>RequireRateLimiting</c>, <c>RequireCors</c> or <c>RequireAuthorization</c> on what this method returns, the token
    /// endpoint runs where endpoints run instead. Then call <c>UseEndpoints(_ => { })</c> behind the middleware that these need
    /// and before the one that shares the path.
    /// </remarks>
    public static IEndpointConventionBuilder MapCiba(this IEndpointRouteBuilder endpoints)
    {
        var group = MapAuthentication(endpoints);
        MapToken(group, Options(endpoints));
        return group.AllowAnonymous();
    }

    /// <summary>
    /// Maps the backchannel authentication endpoint alone (CIBA Core section 7), with <c>/cancel</c> and <c>/resend</c> below it where
    /// <see cref="CibaOptions.ClientsMayCancel"/> and <see cref="CibaOptions.ClientsMayResend"/> are on, for hosts whose own token
    /// endpoint redeems by <see cref="ICibaGrants"/> and issues the tokens. No <see cref="ICibaTokenIssuer"/> is needed then; without
    /// one push is off (<see cref="CibaOptions.BackchannelTokenDeliveryModesSupported"/>).
    /// </summary>
    public static IEndpointConventionBuilder MapCibaAuthentication(this IEndpointRouteBuilder endpoints) => MapAuthentication(endpoints).AllowAnonymous();

    private static RouteGroupBuilder MapAuthentication(IEndpointRouteBuilder endpoints)
    {
        var options = Options(endpoints);
        var authentication = endpoints.ServiceProvider.GetRequiredService<BackchannelAuthenticationEndpoint>();
        var pending = endpoints.ServiceProvider.GetRequiredService<PendingRequestEndpoints>();

        var group = Group(endpoints, "");
        group.Map(options.BackchannelAuthenticationPath, Post, authentication.HandleAsync).WithDisplayName("CIBA backchannel authentication")
            .WithMetadata(AuthenticationDescriptions.Request);
        ProtocolEndpoint.MapOtherMethods(group, options.BackchannelAuthenticationPath, HttpMethods.Post);
        if (options.ClientsMayCancel)
        {
            group.Map(options.BackchannelAuthenticationPath + "/cancel", Post, pending.CancelAsync).WithDisplayName("CIBA cancellation").WithMetadata(AuthenticationDescriptions.Cancel);
            ProtocolEndpoint.MapOtherMethods(group, options.BackchannelAuthenticationPath + "/cancel", HttpMethods.Post);
        }

        if (options.ClientsMayResend)
        {
            group.Map(options.BackchannelAuthenticationPath + "/resend", Post, pending.ResendAsync).WithDisplayName("CIBA resend").WithMetadata(AuthenticationDescriptions.Resend);
            ProtocolEndpoint.MapOtherMethods(group, options.BackchannelAuthenticationPath + "/resend", HttpMethods.Post);
        }

        return group;
    }

    private static void MapToken(RouteGroupBuilder group, CibaOptions options)
    {
        var services = ((IEndpointRouteBuilder)group).ServiceProvider;
        var token = services.GetRequiredService<TokenEndpoint>();
        var use = services.GetRequiredService<TokenEndpointUse>();
        use.IsMapped = true;
        if (use.IsChecked)
        {
            // UseEndpoints in a generic host runs when the server starts, behind the check that a token issuer is there.
            ActivatorUtilities.CreateInstance<StartupCheck>(services).ThrowIfWrong();
        }

        // On a shared path the endpoint names no method, or routing would answer 405 to what is not ours to answer.
        var tokens = group.Map(options.TokenPath, options.TokenPathIsShared ? null : Post, token.HandleAsync)
            .WithDisplayName("CIBA token")
            .WithMetadata(TokenDescriptions.Poll)
            .WithMetadata(new CibaTokenEndpointMetadata(options.TokenPathIsShared));
        if (options.TokenPathIsShared)
        {
            AtRouting.Run(tokens);
        }
        else
        {
            ProtocolEndpoint.MapOtherMethods(group, options.TokenPath, HttpMethods.Post);
        }
    }

    /// <summary>
    /// Maps <c>/.well-known/openid-configuration</c> (section 4) and the JWK Set, for hosts that have neither.
    /// </summary>
    public static IEndpointConventionBuilder MapCibaDiscovery(this IEndpointRouteBuilder endpoints)
    {
        var options = Options(endpoints);
        var services = endpoints.ServiceProvider;
        var discovery = new DiscoveryEndpoints(
            services.GetRequiredService<IOptions<CibaOptions>>(),
            services.GetRequiredService<ProviderKeys>(),
            services.GetService<ICibaSigningKeys>(),
            services.GetRequiredService<IOptions<CibaJwtTokenIssuerOptions>>());

        var group = Group(endpoints, "");
        group.Map(DiscoveryPath, Get, discovery.HandleDiscoveryAsync).WithDisplayName("CIBA discovery").WithMetadata(DiscoveryDescriptions.Document);
        group.Map(options.JwksPath, Get, discovery.HandleJwksAsync).WithDisplayName("CIBA JWK Set").WithMetadata(DiscoveryDescriptions.Jwks);
        group.Map(DiscoveryPath, Head, discovery.HandleDiscoveryAsync).WithDisplayName("CIBA discovery, head").ExcludeFromDescription();
        group.Map(options.JwksPath, Head, discovery.HandleJwksAsync).WithDisplayName("CIBA JWK Set, head").ExcludeFromDescription();
        return group.AllowAnonymous();
    }

    /// <summary>
    /// Maps the API of the user's authentication device (section 8): <c>GET {prefix}/requests</c>,
    /// <c>GET {prefix}/requests/{id}</c>, <c>POST {prefix}/requests/{id}/approve</c> (if need be with a JSON object of
    /// <c>scope</c>, <c>authorization_details</c> and <c>binding_message</c>), <c>/deny</c> (with <c>{"block_client": true}</c> if
    /// the client is to be blocked, see <see cref="ICibaClientBlocks"/>) and <c>/resend</c>; and <c>GET {prefix}/events</c>, the
    /// server-sent events <c>requested</c>, <c>decided</c>, <c>expired</c> and <c>withdrawn</c>. Errors are problem details
    /// (RFC 9457). The user is the <c>sub</c> or name identifier of whom the host has authenticated: add
    /// <c>RequireAuthorization</c>. A token that was issued to a client with the CIBA grant opens nothing here, unless
    /// <see cref="CibaDeviceApiOptions.AllowedClients"/> names the client. A <c>POST</c> that comes with a cookie and without an <c>Authorization</c> header, whatever the
    /// host reads of them, needs the token of ASP.NET Core's antiforgery; calls from pages of another origin are refused.
    /// </summary>
    /// <param name="endpoints">The endpoints of the host.</param>
    /// <param name="prefix">For instance <c>/device</c>.</param>
    public static IEndpointConventionBuilder MapCibaDevice(this IEndpointRouteBuilder endpoints, string prefix)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        Options(endpoints);
        endpoints.ServiceProvider.GetRequiredService<DeviceApiUse>().IsMapped = true;
        var group = Group(endpoints, prefix).WithMetadata(new DeviceApiMetadata());
        group.MapDevice("/requests", Get, DeviceEndpoints.ListAsync).WithDisplayName("CIBA device: pending requests").WithMetadata(DeviceDescriptions.List);
        group.MapDevice("/requests/{id}", Get, DeviceEndpoints.GetAsync).WithDisplayName("CIBA device: request").WithMetadata(DeviceDescriptions.Get);
        group.MapDevice("/requests/{id}/approve", Post, DeviceEndpoints.ApproveAsync).WithDisplayName("CIBA device: approve").WithMetadata(DeviceDescriptions.Approve);
        group.MapDevice("/requests/{id}/deny", Post, DeviceEndpoints.DenyAsync).WithDisplayName("CIBA device: deny").WithMetadata(DeviceDescriptions.Deny);
        group.MapDevice("/requests/{id}/resend", Post, DeviceEndpoints.ResendAsync).WithDisplayName("CIBA device: resend").WithMetadata(DeviceDescriptions.Resend);
        group.MapDevice("/events", Get, DeviceEndpoints.EventsAsync).WithDisplayName("CIBA device: events").WithMetadata(DeviceDescriptions.Events);
        return group;
    }

    private static RouteGroupBuilder Group(IEndpointRouteBuilder endpoints, string prefix) =>
        endpoints.MapGroup(prefix).WithTags(EndpointDescription.Tag).WithMetadata(CibaEndpointMetadata.Instance);

    private static IEndpointConventionBuilder Map(this RouteGroupBuilder group, string path, string[]? methods, RequestDelegate handle) =>
        group.Map(path, methods, handle, CibaResults.RefuseAsync);

    private static IEndpointConventionBuilder MapDevice(this RouteGroupBuilder group, string path, string[] methods, RequestDelegate handle) =>
        group.Map(path, methods, handle, DeviceProblem.RefuseAsync);

    private static IEndpointConventionBuilder Map(this RouteGroupBuilder group, string path, string[]? methods, RequestDelegate handle, Func<HttpContext, CibaError, Task> refuse)
    {
        var services = ((IEndpointRouteBuilder)group).ServiceProvider;
        var options = Options(group);
        var rules = new ProtocolRules(options.RequireHttps, services.GetRequiredService<IServiceProviderIsService>().IsService(typeof(ICibaTenants)), refuse, options.PollingInterval);
        var endpoint = new ProtocolEndpoint(handle, rules, services.GetRequiredService<PlainHttpWarning>(), services.GetRequiredService<ILogger<ProtocolEndpoint>>());
        return methods is null ? group.Map(path, endpoint.HandleAsync) : group.MapMethods(path, methods, endpoint.HandleAsync);
    }

    private static CibaOptions Options(IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        if (endpoints.ServiceProvider.GetService<BackchannelAuthenticationEndpoint>() is null)
        {
            throw new InvalidOperationException("CIBA is not among the services: call AddCiba() before the application is built.");
        }

        // Routing would throw at such a path, in words of its own, before the start that says everything.
        var options = endpoints.ServiceProvider.GetRequiredService<IOptions<CibaOptions>>().Value;
        if (OptionRules.CheckPaths(options).Any())
        {
            ActivatorUtilities.CreateInstance<StartupCheck>(endpoints.ServiceProvider).ThrowIfWrong();
        }

        return options;
    }
}
