using System.Globalization;
using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Serialization;
using Ciba.AspNetCore.Authentication;
using Ciba.AspNetCore.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Device;

/// <summary>Section 8 over HTTP: what the app on the user's phone calls. Who the user is, the host's authentication says.</summary>
internal static class DeviceEndpoints
{
    private const int MaxBodyBytes = 16 * 1024;

    // What the JWT bearer handler of ASP.NET Core makes of acr and amr unless it is told not to.
    private const string MappedAcr = "http://schemas.microsoft.com/claims/authnclassreference";
    private const string MappedAmr = "http://schemas.microsoft.com/claims/authnmethodsreferences";

    public static Task ListAsync(HttpContext context) => ForUserAsync(context, async (approvals, subject) =>
    {
        var pending = await approvals.ListPendingAsync(subject, context.RequestAborted);
        await CibaResults.OkAsync(context, [.. pending.Select(DeviceRequestResponse.Of)], WireJson.Relaxed.DeviceRequestResponseArray);
    });

    public static Task GetAsync(HttpContext context) => ForUserAsync(context, async (approvals, subject) =>
    {
        var request = await approvals.GetAsync(Id(context), subject, context.RequestAborted);
        if (request is { Status: CibaRequestStatus.Pending })
        {
            await CibaResults.OkAsync(context, DeviceRequestResponse.Of(request), WireJson.Relaxed.DeviceRequestResponse);
            return;
        }

        await AnswerAsync(context, request?.Status switch
        {
            null => CibaDecisionResult.Unknown,
            CibaRequestStatus.Expired => CibaDecisionResult.Expired,
            _ => CibaDecisionResult.AlreadyDecided,
        });
    });

    public static Task ApproveAsync(HttpContext context) => ForUserAsync(context, async (approvals, subject) =>
    {
        if ((await ReadBodyAsync(context)).Failed(out var error, out var body))
        {
            await ProblemAsync(context, StatusCodes.Status400BadRequest, error.Description);
            return;
        }

        var approval = new CibaApproval
        {
            Scopes = body.Scope is null ? null : AuthenticationRequest.Values(body.Scope),
            AuthTime = AuthTime(context.User),
            Acr = context.User.FindFirstValue("acr") ?? context.User.FindFirstValue(MappedAcr),
            Amr = [.. context.User.FindAll(claim => claim.Type is "amr" or MappedAmr).Select(claim => claim.Value)],
        };
        await AnswerAsync(context, await approvals.ApproveAsync(Id(context), subject, approval, context.RequestAborted));
    });

    public static Task DenyAsync(HttpContext context) => ForUserAsync(context, async (approvals, subject) =>
        await AnswerAsync(context, await approvals.DenyAsync(Id(context), subject, context.RequestAborted)));

    // A session that says when it began did not begin just now.
    private static DateTimeOffset? AuthTime(ClaimsPrincipal user) =>
        long.TryParse(user.FindFirstValue("auth_time"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
        && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    private static string Id(HttpContext context) => (string)context.GetRouteValue("id")!;

    private static Task ForUserAsync(HttpContext context, Func<ICibaApprovals, string, Task> handle)
    {
        context.Response.Headers.CacheControl = "no-store";

        // The client can work out the handle of its request: its page must not make the user's browser say yes to it.
        if (context.Request.Headers["Sec-Fetch-Site"] is [not null and not "same-origin" and not "none"])
        {
            return ProblemAsync(context, StatusCodes.Status403Forbidden, "Requests from pages of another origin are refused.");
        }

        var user = context.User.Identity is { IsAuthenticated: true } ? context.User : null;
        return (user?.FindFirstValue("sub") ?? user?.FindFirstValue(ClaimTypes.NameIdentifier)) is { Length: > 0 } subject
            ? handle(context.RequestServices.GetRequiredService<ICibaApprovals>(), subject)
            : ProblemAsync(context, StatusCodes.Status401Unauthorized, "Nobody is signed in, or the user has no sub claim.");
    }

    private static async ValueTask<Outcome<ApprovalBody>> ReadBodyAsync(HttpContext context)
    {
        try
        {
            var buffer = new byte[MaxBodyBytes + 1];
            var length = await context.Request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, context.RequestAborted);
            return length switch
            {
                0 => new ApprovalBody(null),
                > MaxBodyBytes => CibaError.InvalidRequest.With("The body is too large."),
                _ => JsonSerializer.Deserialize(buffer.AsSpan(0, length), WireJson.Default.ApprovalBody) is { } body ? body : CibaError.InvalidRequest.With("The body is a JSON object."),
            };
        }
        catch (BadHttpRequestException)
        {
            return CibaError.InvalidRequest.With("The body cannot be read.");
        }
        catch (JsonException)
        {
            return CibaError.InvalidRequest.With("The body is not the JSON that is expected: an object, if need be with scope as a string.");
        }
    }

    private static Task AnswerAsync(HttpContext context, CibaDecisionResult result)
    {
        switch (result)
        {
            case CibaDecisionResult.Done:
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                return Task.CompletedTask;

            case CibaDecisionResult.AlreadyDecided:
                return ProblemAsync(context, StatusCodes.Status409Conflict, "The request was answered before.");

            case CibaDecisionResult.Expired:
                return ProblemAsync(context, StatusCodes.Status410Gone, "The request has expired.");

            case CibaDecisionResult.ScopesNotAsked:
                return ProblemAsync(context, StatusCodes.Status400BadRequest, "scope must contain openid and only values that the client asked for.");

            case CibaDecisionResult.UserNotActive:
                return ProblemAsync(context, StatusCodes.Status403Forbidden, "This user cannot authenticate at present.");

            default:
                return ProblemAsync(context, StatusCodes.Status404NotFound, "There is no such request for this user.");
        }
    }

    private static Task ProblemAsync(HttpContext context, int status, string detail) =>
        Results.Problem(statusCode: status, detail: detail).ExecuteAsync(context);
}

/// <summary>What the device reads of a request.</summary>
internal sealed record DeviceRequestResponse(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("client_id")] string ClientId,
    [property: JsonPropertyName("client_name")] string ClientName,
    [property: JsonPropertyName("scope")] string Scope,
    [property: JsonPropertyName("binding_message")] string? BindingMessage,
    [property: JsonPropertyName("acr_values")] string? AcrValues,
    [property: JsonPropertyName("created_at")] DateTimeOffset CreatedAt,
    [property: JsonPropertyName("expires_at")] DateTimeOffset ExpiresAt)
{
    public static DeviceRequestResponse Of(CibaDeviceRequest request) => new(
        request.Id,
        request.ClientId,
        request.ClientName,
        string.Join(' ', request.Scopes),
        request.BindingMessage,
        request.AcrValues.Count > 0 ? string.Join(' ', request.AcrValues) : null,
        request.CreatedAt,
        request.ExpiresAt);
}

/// <summary>What the device may send along with a yes.</summary>
internal sealed record ApprovalBody([property: JsonPropertyName("scope")] string? Scope);
