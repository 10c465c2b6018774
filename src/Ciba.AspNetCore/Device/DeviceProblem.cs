using Microsoft.AspNetCore.Http;

namespace Ciba.AspNetCore.Device;

/// <summary>What the device is told when something is wrong: problem details (RFC 9457).</summary>
internal static class DeviceProblem
{
    public static (int Status, string Detail) Of(CibaDecisionResult result) => result switch
    {
        CibaDecisionResult.AlreadyDecided => (StatusCodes.Status409Conflict, "The request was answered before."),
        CibaDecisionResult.Expired => (StatusCodes.Status410Gone, "The request has expired."),
        CibaDecisionResult.ScopesNotAsked => (StatusCodes.Status400BadRequest, "scope must contain openid and only values that the client asked for."),
        CibaDecisionResult.DetailsNotAsked => (StatusCodes.Status400BadRequest, "authorization_details must be some of those that the client asked for, each as it was."),
        CibaDecisionResult.ChoiceMissing => (StatusCodes.Status400BadRequest, "binding_message is required: the one of the choices that the other device shows."),
        CibaDecisionResult.WrongChoice => (StatusCodes.Status409Conflict, "The other device shows something else: the request is denied."),
        CibaDecisionResult.UserNotActive => (StatusCodes.Status403Forbidden, "This user cannot authenticate at present."),
        CibaDecisionResult.BlockingNotSupported => (StatusCodes.Status400BadRequest, "Clients cannot be blocked here: deny the request without block_client."),
        CibaDecisionResult.TooManyResends => (StatusCodes.Status429TooManyRequests, "The device was told often enough, or a moment ago."),
        _ => (StatusCodes.Status404NotFound, "There is no such request for this user."),
    };

    public static Task RefuseAsync(HttpContext context, CibaError error)
    {
        context.Response.Headers.CacheControl = "no-store";
        return WriteAsync(context, error.StatusCode, error.Description);
    }

    public static Task WriteAsync(HttpContext context, int status, string detail) =>
        Results.Problem(statusCode: status, detail: detail).ExecuteAsync(context);
}
