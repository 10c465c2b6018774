using System.ComponentModel;
using Ciba.AspNetCore.Binding;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using static Ciba.AspNetCore.Http.EndpointDescription;

namespace Ciba.AspNetCore.Authentication;

/// <summary>The descriptions of the backchannel authentication endpoint, and of what a client does to its pending request.</summary>
internal static class AuthenticationDescriptions
{
    public static readonly object[] Request =
    [
        .. Of("Asks for the approval of a user (CIBA Core section 7)", AuthenticationParameters),
        Answer<Acknowledgement>(StatusCodes.Status200OK), .. Errors(StatusCodes.Status400BadRequest, StatusCodes.Status401Unauthorized, StatusCodes.Status403Forbidden),
    ];

    public static readonly object[] Cancel =
    [
        .. Of("Withdraws a request that waits (beyond CIBA Core)", RequestParameters),
        NoContent, .. Errors(StatusCodes.Status400BadRequest, StatusCodes.Status401Unauthorized, StatusCodes.Status409Conflict),
    ];

    public static readonly object[] Resend =
    [
        .. Of("Has the device told again of a request that waits (beyond CIBA Core)", RequestParameters),
        NoContent, .. Errors(StatusCodes.Status400BadRequest, StatusCodes.Status401Unauthorized, StatusCodes.Status403Forbidden, StatusCodes.Status409Conflict, StatusCodes.Status429TooManyRequests),
    ];

    private static void AuthenticationParameters([FromForm] AuthenticationForm form, [FromHeader(Name = DpopProofs.Header), Description(DpopProof)] string? proof = null)
    {
    }

    private static void RequestParameters([FromForm] PendingRequestForm form)
    {
    }
}
