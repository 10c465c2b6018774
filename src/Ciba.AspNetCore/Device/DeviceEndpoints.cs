using System.Globalization;
using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Ciba.AspNetCore.Authentication;
using Ciba.AspNetCore.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Device;

/// <summary>Section 8 over HTTP: what the app on the user's phone calls. Who the user is, the host's authentication says.</summary>
internal static class DeviceEndpoints
{
    // Room for all authorization details that a client may send, escaped.
    private const int MaxBodyBytes = 64 * 1024;

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
        if ((await ReadBodyAsync(context, WireJson.Strict.ApprovalBody)).Failed(out var error, out var body))
        {
            await DeviceProblem.BadBody(error).WriteAsync(context);
            return;
        }

        var approval = new CibaApproval
        {
            Scopes = body.Scope is null ? null : AuthenticationRequest.Values(body.Scope),
            AuthorizationDetails = body.AuthorizationDetails,
            BindingMessage = body.BindingMessage,
            AuthTime = AuthTime(context.User),
            Acr = context.User.FindFirstValue("acr") ?? context.User.FindFirstValue(MappedAcr),
            Amr = [.. context.User.FindAll(claim => claim.Type is "amr" or MappedAmr).Select(claim => claim.Value)],
        };
        await AnswerAsync(context, await approvals.ApproveAsync(Id(context), subject, approval, context.RequestAborted));
    });

    public static Task DenyAsync(HttpContext context) => ForUserAsync(context, async (approvals, subject) =>
    {
        if ((await ReadBodyAsync(context, WireJson.Strict.DenialBody)).Failed(out var error, out var body))
        {
            await DeviceProblem.BadBody(error).WriteAsync(context);
            return;
        }

        await AnswerAsync(context, body.BlockClient
            ? await approvals.DenyAndBlockAsync(Id(context), subject, context.RequestAborted)
            : await approvals.DenyAsync(Id(context), subject, context.RequestAborted));
    });

    public static Task ResendAsync(HttpContext context) => ForUserAsync(context, async (approvals, subject) =>
    {
        var result = await approvals.ResendAsync(Id(context), subject, context.RequestAborted);
        if (result == CibaDecisionResult.ResendTooSoon)
        {
            await DeviceProblem.ResendTooSoon(context.RequestServices.GetRequiredService<Resends>().WaitFirst(context)).WriteAsync(context);
            return;
        }

        await AnswerAsync(context, result);
    });

    public static Task EventsAsync(HttpContext context) => ForUserAsync(context, async (_, subject) =>
    {
        var services = context.RequestServices;
        if (!await services.GetRequiredService<DeviceEventStream>().TryHandleAsync(context, services.GetRequiredService<CibaTenant>().KeyOf(subject)))
        {
            await DeviceProblem.TooManyStreams.WriteAsync(context);
        }
    });

    // A session that says when it began did not begin just now.
    private static DateTimeOffset? AuthTime(ClaimsPrincipal user) =>
        long.TryParse(user.FindFirstValue("auth_time"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
        && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    private static string Id(HttpContext context) => (string)context.GetRouteValue("id")!;

    private static async Task ForUserAsync(HttpContext context, Func<ICibaApprovals, string, Task> handle)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (await ForgedRequests.WhyNotAsync(context) is { } problem)
        {
            await problem.WriteAsync(context);
            return;
        }

        var user = context.User.Identity is { IsAuthenticated: true } ? context.User : null;
        if ((user?.FindFirstValue("sub") ?? user?.FindFirstValue(ClaimTypes.NameIdentifier)) is not { Length: > 0 } subject)
        {
            await DeviceProblem.NobodySignedIn.WriteAsync(context);
            return;
        }

        await handle(context.RequestServices.GetRequiredService<ICibaApprovals>(), subject);
    }

    private static async ValueTask<Outcome<T>> ReadBodyAsync<T>(HttpContext context, JsonTypeInfo<T> type)
        where T : class, new()
    {
        try
        {
            var json = await BodyBuffer.ReadAsync(context.Request.Body, context.Request.ContentLength, MaxBodyBytes, context.RequestAborted);
            return json.Count switch
            {
                0 => new T(),
                > MaxBodyBytes => CibaError.InvalidRequest.With("The body is too large."),
                _ => JsonSerializer.Deserialize(json.AsSpan(), type) is { } body ? body : CibaError.InvalidRequest.With("The body is a JSON object."),
            };
        }
        catch (BadHttpRequestException)
        {
            return CibaError.InvalidRequest.With("The body cannot be read.");
        }
        catch (JsonException)
        {
            return CibaError.InvalidRequest.With("The body is not the JSON that is expected: an object with the documented members, each of its type.");
        }
    }

    private static Task AnswerAsync(HttpContext context, CibaDecisionResult result)
    {
        if (result == CibaDecisionResult.Done)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        }

        return DeviceProblem.Of(result).WriteAsync(context);
    }
}

/// <summary>What the device reads of a request.</summary>
internal sealed record DeviceRequestResponse(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("client_id")] string ClientId,
    [property: JsonPropertyName("client_name")] string ClientName,
    [property: JsonPropertyName("scope")] string Scope,
    [property: JsonPropertyName("created_at")] DateTimeOffset CreatedAt,
    [property: JsonPropertyName("expires_at")] DateTimeOffset ExpiresAt,
    [property: JsonPropertyName("client_logo_uri")] string? ClientLogoUri = null,
    [property: JsonPropertyName("binding_message")] string? BindingMessage = null,
    [property: JsonPropertyName("binding_message_choices")] IReadOnlyList<string>? BindingMessageChoices = null,
    [property: JsonPropertyName("authorization_details")] IReadOnlyList<JsonElement>? AuthorizationDetails = null,
    [property: JsonPropertyName("acr_values")] string? AcrValues = null,
    [property: JsonPropertyName("required_acr_values")] string? RequiredAcrValues = null,
    [property: JsonPropertyName("resource")] IReadOnlyList<string>? Resources = null,
    [property: JsonPropertyName("claims")] IReadOnlyList<string>? Claims = null)
{
    public static DeviceRequestResponse Of(CibaDeviceRequest request) => new(
        request.Id,
        request.ClientId,
        request.ClientName,
        string.Join(' ', request.Scopes),
        request.CreatedAt,
        request.ExpiresAt,
        request.ClientLogoUri,
        request.BindingMessage,
        request.BindingMessageChoices.Count > 0 ? request.BindingMessageChoices : null,
        request.AuthorizationDetails.Count > 0 ? request.AuthorizationDetails : null,
        request.AcrValues.Count > 0 ? string.Join(' ', request.AcrValues) : null,
        request.RequiredAcrValues.Count > 0 ? string.Join(' ', request.RequiredAcrValues) : null,
        request.Resources.Count > 0 ? request.Resources : null,
        request.RequestedIdTokenClaims.Count > 0 ? request.RequestedIdTokenClaims : null);
}

/// <summary>What the device may send along with a yes.</summary>
internal sealed record ApprovalBody
{
    [JsonPropertyName("scope")]
    public string? Scope { get; init; }

    [JsonPropertyName("binding_message")]
    public string? BindingMessage { get; init; }

    [JsonPropertyName("authorization_details")]
    public IReadOnlyList<JsonElement>? AuthorizationDetails { get; init; }
}

/// <summary>What the device may send along with a no.</summary>
internal sealed record DenialBody
{
    [JsonPropertyName("block_client")]
    public bool BlockClient { get; init; }
}
