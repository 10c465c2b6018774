using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using static Ciba.AspNetCore.Http.EndpointDescription;

namespace Ciba.AspNetCore.Device;

/// <summary>The descriptions of the device API.</summary>
internal static class DeviceDescriptions
{
    public static readonly object[] List = [.. Of("The requests that wait for the user", None), Answer<DeviceRequestResponse[]>(StatusCodes.Status200OK), .. UserProblems, Unavailable];

    public static readonly object[] Get = [.. Of("A request that waits for the user", Id), Answer<DeviceRequestResponse>(StatusCodes.Status200OK), .. RequestProblems, Unavailable];

    public static readonly object[] Approve =
    [
        .. Of("The user says yes", Approval), NoContent, Problem(StatusCodes.Status400BadRequest), .. RequestProblems, Unavailable,
    ];

    public static readonly object[] Deny = [.. Of("The user says no", Denial), NoContent, Problem(StatusCodes.Status400BadRequest), .. RequestProblems, Unavailable];

    public static readonly object[] Resend =
    [
        .. Of("The device is told again", Id), NoContent, Problem(StatusCodes.Status400BadRequest), .. RequestProblems, Problem(StatusCodes.Status429TooManyRequests), Unavailable,
    ];

    public static readonly object[] Events =
    [
        .. Of("Server-sent events: requested, decided, expired, withdrawn", None),
        new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(string), ["text/event-stream"]), .. UserProblems, Unavailable,
    ];

    private static object Unavailable => Problem(StatusCodes.Status503ServiceUnavailable);

    private static object[] UserProblems => [Problem(StatusCodes.Status401Unauthorized), Problem(StatusCodes.Status403Forbidden)];

    private static object[] RequestProblems =>
        [.. UserProblems, Problem(StatusCodes.Status404NotFound), Problem(StatusCodes.Status409Conflict), Problem(StatusCodes.Status410Gone)];

    private static void Id(string id)
    {
    }

    private static void Denial(string id, [FromBody] DenialBody? body = null)
    {
    }

    private static void Approval(string id, [FromBody] ApprovalBody? body = null)
    {
    }
}
