using System.Buffers;
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
    // After the policies of ASP.NET Core, which look at less than a body.
    public override int Order => 1000;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => endpoints.Any(endpoint => Mark(endpoint) is not null);

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
                // The last order is for what takes what nobody wants: our answer to other methods, and a host's MapFallback.
                theirs |= candidates[i].Endpoint is not RouteEndpoint { Order: int.MaxValue };
            }
        }

        if (!ours || !theirs)
        {
            return;
        }

        var isCiba = await IsCibaAsync(httpContext.Request);
        for (var i = 0; i < candidates.Count; i++)
        {
            if (Mark(candidates[i].Endpoint) is not null != isCiba)
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
            return form["grant_type"] == TokenEndpoint.GrantType;
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
        if (request.ContentLength is null)
        {
            request.EnableBuffering();
        }

        var body = request.Body;
        var start = body.CanSeek ? body.Position : 0;
        var most = (int)(request.ContentLength ?? FormParameters.MaxBodyBytes);
        var buffer = ArrayPool<byte>.Shared.Rent(most + 1);
        try
        {
            var length = await body.ReadAtLeastAsync(buffer.AsMemory(0, most + 1), most + 1, throwOnEndOfStream: false, request.HttpContext.RequestAborted);
            if (!body.CanSeek)
            {
                request.Body = new MemoryStream(buffer.AsSpan(0, length).ToArray(), writable: false);
            }

            return length <= most && AsksForCiba(buffer.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
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

        return grantType == TokenEndpoint.GrantType;
    }
}
