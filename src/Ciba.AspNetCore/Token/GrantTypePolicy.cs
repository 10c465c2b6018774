using Ciba.AspNetCore.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Matching;

namespace Ciba.AspNetCore.Token;

/// <summary>Marks the endpoint that takes the CIBA grant.</summary>
internal sealed class CibaTokenEndpointMetadata
{
    public static readonly CibaTokenEndpointMetadata Instance = new();
}

/// <summary>
/// Where the host has a token endpoint on the same path, the grant type decides: CIBA comes to the library, everything else
/// goes to the host as if the library were not there. The form stays readable.
/// </summary>
internal sealed class GrantTypePolicy : MatcherPolicy, IEndpointSelectorPolicy
{
    // After the policies of ASP.NET Core, which look at less than a body.
    public override int Order => 1000;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) =>
        endpoints.Any(endpoint => endpoint.Metadata.GetMetadata<CibaTokenEndpointMetadata>() is not null);

    public async Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        int ours = -1, theirs = 0;
        for (var i = 0; i < candidates.Count; i++)
        {
            // The last order is for what takes what nobody wants: our answer to other methods, and a host's MapFallback.
            if (!candidates.IsValidCandidate(i) || candidates[i].Endpoint is RouteEndpoint { Order: int.MaxValue })
            {
                continue;
            }

            if (candidates[i].Endpoint.Metadata.GetMetadata<CibaTokenEndpointMetadata>() is not null)
            {
                ours = i;
            }
            else
            {
                theirs++;
            }
        }

        if (ours < 0 || theirs == 0)
        {
            return;
        }

        var isCiba = await IsCibaAsync(httpContext.Request);
        for (var i = 0; i < candidates.Count; i++)
        {
            if (i == ours != isCiba)
            {
                candidates.SetValidity(i, false);
            }
        }
    }

    // By the host's own limits, for the form may be the host's; what cannot be read is left to the host as well.
    private static async ValueTask<bool> IsCibaAsync(HttpRequest request)
    {
        try
        {
            return FormParameters.IsForm(request)
                && (await request.ReadFormAsync(request.HttpContext.RequestAborted))["grant_type"] == TokenEndpoint.GrantType;
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            return false;
        }
    }
}
