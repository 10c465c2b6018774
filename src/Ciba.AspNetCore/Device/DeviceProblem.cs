using Ciba.AspNetCore.Http;
using Microsoft.AspNetCore.Http;

namespace Ciba.AspNetCore.Device;

/// <summary>What the device is told when something is wrong: problem details (RFC 9457), with a code that a program can go by.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">The code that a program can go by.</param>
/// <param name="Detail">A sentence for the developer of the device.</param>
/// <param name="RetryAfter">How long the device should wait before the next try, where that helps.</param>
internal sealed record DeviceProblem(int Status, string Code, string Detail, TimeSpan? RetryAfter = null)
{
    private const string TooManyRequests = "https://tools.ietf.org/html/rfc6585#section-4";

    public static readonly DeviceProblem NobodySignedIn = new(StatusCodes.Status401Unauthorized, "not_signed_in", "Nobody is signed in, or the user has no sub claim.");
    public static readonly DeviceProblem OtherOrigin = new(StatusCodes.Status403Forbidden, "other_origin", "Requests from pages of another origin are refused.");
    public static readonly DeviceProblem NoAntiforgeryToken = new(StatusCodes.Status400BadRequest, "antiforgery_token_wrong", "The antiforgery token is missing or wrong: send the one of this session in its header.");
    public static readonly DeviceProblem TooManyStreams = new(StatusCodes.Status503ServiceUnavailable, "too_many_listeners", "Too many devices listen here: try again later.", CibaError.TemporarilyUnavailable.RetryAfter);

    public static readonly DeviceProblem ClientNotAllowed = new(StatusCodes.Status403Forbidden, "client_not_allowed", "The token was issued to a client that asks users for approvals: it does not answer for them. The user's device needs a token of its own.");
    public static readonly DeviceProblem NotFound = new(StatusCodes.Status404NotFound, "unknown", "There is no such request for this user.");

    public static DeviceProblem Of(CibaDecisionResult result) => result switch
    {
        CibaDecisionResult.AlreadyDecided => new(StatusCodes.Status409Conflict, "already_decided", "The request was answered before."),
        CibaDecisionResult.Expired => new(StatusCodes.Status410Gone, "expired", "The request has expired."),
        CibaDecisionResult.ScopesNotAsked => new(StatusCodes.Status400BadRequest, "scope_not_asked", "scope must contain openid and only values that the client asked for."),
        CibaDecisionResult.DetailsNotAsked => new(StatusCodes.Status400BadRequest, "authorization_details_not_asked", "authorization_details must be some of those that the client asked for, each as it was."),
        CibaDecisionResult.AuthorizationDetailsRequired => new(StatusCodes.Status400BadRequest, "authorization_details_required", "authorization_details must contain at least one of those that the client asked for: leave it out to approve all of them, or deny the request."),
        CibaDecisionResult.ChoiceMissing => new(StatusCodes.Status400BadRequest, "choice_missing", "binding_message is required: the one of the choices that the other device shows."),
        CibaDecisionResult.WrongChoice => new(StatusCodes.Status409Conflict, "wrong_choice", "The other device shows something else: the request is denied."),
        CibaDecisionResult.AcrNotReached => new(StatusCodes.Status409Conflict, "acr_not_reached", "The user must be authenticated in one of the ways that the request demands."),
        CibaDecisionResult.UserNotActive => new(StatusCodes.Status403Forbidden, "user_not_active", "This user cannot authenticate at present."),
        CibaDecisionResult.BlockingNotSupported => new(StatusCodes.Status400BadRequest, "blocking_not_supported", "Clients cannot be blocked here: deny the request without block_client."),
        _ => NotFound,
    };

    public static DeviceProblem Of(CibaResendResult result) => result.Status switch
    {
        CibaResendStatus.AlreadyDecided => Of(CibaDecisionResult.AlreadyDecided),
        CibaResendStatus.Expired => Of(CibaDecisionResult.Expired),
        CibaResendStatus.TooSoon => TooMany("resend_too_soon", Resends.WaitFirst(result.RetryAfter ?? TimeSpan.Zero), result.RetryAfter),
        CibaResendStatus.TooManyResends => TooMany("too_many_resends", Resends.ToldOften, result.RetryAfter),
        CibaResendStatus.NotificationLimitReached => TooMany("too_many_notifications", "The user was notified as often as is allowed for now: try again later.", result.RetryAfter),
        CibaResendStatus.ClientInCooldown => TooMany("client_in_cooldown", "The user denied a request of this client a short while ago: try again later.", result.RetryAfter),
        CibaResendStatus.ClientBlocked => new(StatusCodes.Status403Forbidden, "client_blocked", "The user has blocked this client."),
        _ => Of(CibaDecisionResult.Unknown),
    };

    public static DeviceProblem BadBody(CibaError error) => new(StatusCodes.Status400BadRequest, "body_wrong", error.Description);

    private bool IsClientBlocked { get; init; }

    public static Task RefuseAsync(HttpContext context, CibaError error)
    {
        CibaResults.StoreNowhere(context.Response);
        return new DeviceProblem(error.StatusCode, error.Error, error.Description, error.RetryAfter).WriteAsync(context);
    }

    private static DeviceProblem TooMany(string code, string detail, TimeSpan? retryAfter) => new(StatusCodes.Status429TooManyRequests, code, detail, retryAfter);

    /// <summary>The same where the client is blocked nevertheless.</summary>
    public DeviceProblem ButBlocked() => this with { Detail = $"{Detail} The client is blocked.", IsClientBlocked = true };

    // ASP.NET Core knows no type of 429.
    public Task WriteAsync(HttpContext context)
    {
        CibaResults.SayRetryAfter(context.Response, RetryAfter);
        var extensions = new Dictionary<string, object?> { ["code"] = Code };
        if (IsClientBlocked)
        {
            extensions["client_blocked"] = true;
        }

        return Results.Problem(statusCode: Status, detail: Detail, type: Status == StatusCodes.Status429TooManyRequests ? TooManyRequests : null, extensions: extensions).ExecuteAsync(context);
    }
}
