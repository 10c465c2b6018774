using Ciba.AspNetCore.Jose;
using Microsoft.AspNetCore.Http;
using static Ciba.AspNetCore.Http.EndpointDescription;

namespace Ciba.AspNetCore.Discovery;

/// <summary>The descriptions of the discovery document and of the JWK Set.</summary>
internal static class DiscoveryDescriptions
{
    public static readonly object[] Document = [.. Of("The discovery document", None), Answer<DiscoveryDocument>(StatusCodes.Status200OK), .. Errors()];

    public static readonly object[] Jwks = [.. Of("The JSON Web Key Set", None), Answer<PublicKeySet>(StatusCodes.Status200OK), .. Errors()];
}
