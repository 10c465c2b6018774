using Ciba.AspNetCore.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Matching;

namespace Ciba.AspNetCore.Token;

/// <summary>Marks the endpoint that takes the CIBA grant.</summary>
/// <param name="PathIsShared"><see cref="CibaOptions.TokenPathIsShared"/>.</param>
internal sealed record CibaTokenEndpointMetadata(bool PathIsShared);

/// <summary>
/// Where the host has a token endpoint on the same path, the grant type decides: CIBA comes to the library, everything else
/// goes to the host as if the library were not there. The body can be read as if nobody had.
/// </summary>
internal sealed class GrantTypePolicy : MatcherPolicy, IEndpointSelectorPolicy
{
    /// <summary>Whether the endpoint is the one that takes the CIBA grant.</summary>
    public static bool IsOurs(Endpoint endpoint) => Mark(endpoint) is not null;

    /// <summary>
    /// Whether the endpoint is a token endpoint of the host. The last order is for what takes what nobody wants: the answer to other
    /// methods, and a host's <c>MapFallback</c>.
    /// </summary>
    public static bool IsTheHosts(Endpoint endpoint) => !IsOurs(endpoint) && endpoint is not RouteEndpoint { Order: int.MaxValue };


    // After the policies of ASP.NET Core, which look at less than a body.
    public override int Order => 1000;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => endpoints.Any(IsOurs);

    public async Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        bool ours = false, theirs = false;
        for (var i = 0; i < candidates.Count; i++)
        {
            if (!candidates.IsValidCandidate(i))
            {
                continue;
            }

            if (Mark(candidates[i].Endpoint) is { } mark)
            {
                ours = true;
                theirs |= mark.PathIsShared;
            }
            else
            {
                theirs |= IsTheHosts(candidates[i].Endpoint);
            }
        }

        if (!ours || !theirs)
        {
            return;
        }

        var isCiba = await IsCibaAsync(httpContext.Request);
        for (var i = 0; i < candidates.Count; i++)
        {
            if (IsOurs(candidates[i].Endpoint) != isCiba)
            {
                candidates.SetValidity(i, false);
            }
        }
    }

    private static CibaTokenEndpointMetadata? Mark(Endpoint endpoint) => endpoint.Metadata.GetMetadata<CibaTokenEndpointMetadata>();

    // A form that is too large for CIBA is left alone, for the host may take larger ones.
    private static async ValueTask<bool> IsCibaAsync(HttpRequest request)
    {
        if (!HttpMethods.IsPost(request.Method) || !FormParameters.IsForm(request) || request.ContentLength > FormParameters.MaxBodyBytes)
        {
            return false;
        }

        // Middleware of the host may have read the form.
        if (request.HttpContext.Features.Get<IFormFeature>()?.Form is { } form)
        {
            return form["grant_type"] == CibaGrantTypes.Ciba;
        }

        try
        {
            return await PeekAsync(request);
        }
        catch (IOException)
        {
            // What cannot be read is the host's to refuse.
            return false;
        }
    }

    // Not ReadFormAsync: the host may have limits of its own for its form, or read the body itself.
    private static async ValueTask<bool> PeekAsync(HttpRequest request)
    {
        var body = request.Body;
        var start = body.CanSeek ? body.Position : 0;
        try
        {
            var form = await BodyBuffer.ReadAsync(body, request.ContentLength, FormParameters.MaxBodyBytes, request.HttpContext.RequestAborted);
            var isWhole = form.Count <= FormParameters.MaxBodyBytes;
            if (!body.CanSeek)
            {
                request.Body = isWhole ? new MemoryStream(form.Array!, form.Offset, form.Count, writable: false) : new ResumedStream(form, body);
            }

            return isWhole && AsksForCiba(form);
        }
        finally
        {
            if (body.CanSeek)
            {
                body.Position = start;
            }
        }
    }

    // One grant type, and this one. A form that is broken elsewhere comes to the endpoint, which says what is wrong.
    private static bool AsksForCiba(ReadOnlySpan<byte> form)
    {
        string? grantType = null;
        while (!form.IsEmpty)
        {
            if (!FormReader.TryReadField(ref form, out var name, out var value) || name != "grant_type")
            {
                continue;
            }

            if (grantType is not null)
            {
                return false;
            }

            grantType = value;
        }

        return grantType == CibaGrantTypes.Ciba;
    }
}
