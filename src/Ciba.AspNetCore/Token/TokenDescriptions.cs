using System.ComponentModel;
using Ciba.AspNetCore.Binding;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using static Ciba.AspNetCore.Http.EndpointDescription;

namespace Ciba.AspNetCore.Token;

/// <summary>The description of the token endpoint.</summary>
internal static class TokenDescriptions
{
    public static readonly object[] Poll =
    [
        .. Of("Polls for the tokens of an approved request (CIBA Core section 10.1)", TokenParameters),
        Answer<TokenResponse>(StatusCodes.Status200OK), .. Errors(StatusCodes.Status400BadRequest, StatusCodes.Status401Unauthorized),
    ];

    private static void TokenParameters([FromForm] TokenForm form, [FromHeader(Name = DpopProofs.Header), Description(DpopProof)] string? proof = null)
    {
    }
}
