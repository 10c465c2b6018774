using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.RateLimiting;

namespace Ciba.AspNetCore.Token;

/// <summary>
/// Runs an endpoint where routing finds it, before the middleware behind, unless the host has asked for something that
/// middleware must see to: rather no answer of ours than one without the host's rate limit.
/// </summary>
internal sealed class AtRouting : IEndpointConventionBuilder
{
    private readonly IEndpointConventionBuilder _endpoint;

    private AtRouting(IEndpointConventionBuilder endpoint) => _endpoint = endpoint;

    public static void Run(IEndpointConventionBuilder endpoint) => new AtRouting(endpoint).ShortCircuit();

    // Last of all, when the conventions that the host adds to what MapCiba returns are there.
    void IEndpointConventionBuilder.Add(Action<EndpointBuilder> convention) => _endpoint.Finally(endpoint =>
    {
        if (!endpoint.Metadata.Any(metadata => metadata is IAuthorizeData or ICorsMetadata or EnableRateLimitingAttribute))
        {
            convention(endpoint);
        }
    });
}
