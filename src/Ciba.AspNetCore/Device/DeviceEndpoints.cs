using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Device;

/// <summary>Section 8 over HTTP: what the app on the user's phone calls. Who the user is, the host's authentication says.</summary>
internal static class DeviceEndpoints
{
    // Room for all authorization details that a client may send, escaped.
    private const int MaxBodyBytes = 64 * 1024;

    public static Task ListAsync(HttpContext context) => ForActiveUserAsync(context, async (approvals, user) =>
    {
        var pending = await approvals.ListPendingAsync(user.Subject, context.RequestAborted);
        await NoteFetchedAsync(context, pending);
        await CibaResults.OkAsync(context, [.. pending.Select(DeviceRequestResponse.Of)], DeviceJson.Relaxed.DeviceRequestResponseArray);
    });

    public static Task GetAsync(HttpContext context) => ForActiveUserAsync(context, async (approvals, user) =>
    {
        var request = await approvals.GetAsync(Id(context), user.Subject, context.RequestAborted);
        if (request is { Status: CibaRequestStatus.Pending })
        {
            await NoteFetchedAsync(context, [request]);
            await CibaResults.OkAsync(context, DeviceRequestResponse.Of(request), DeviceJson.Relaxed.DeviceRequestResponse);
            return;
        }

        await AnswerAsync(context, request?.Status switch
        {
            null => CibaDecisionResult.Unknown,
            CibaRequestStatus.Expired => CibaDecisionResult.Expired,
            _ => CibaDecisionResult.AlreadyDecided,
        });
    });

    public static Task ApproveAsync(HttpContext context) => ForUserAsync(context, async (approvals, user) =>
    {
        if ((await ReadBodyAsync(context, DeviceJson.Strict.ApprovalBody)).Failed(out var error, out var body))
        {
            await DeviceProblem.BadBody(error).WriteAsync(context);
            return;
        }

        var approval = new CibaApproval
        {
            Scopes = body.Scope is null ? null : SpaceSeparated.Values(body.Scope),
            AuthorizationDetails = body.AuthorizationDetails,
            BindingMessage = body.BindingMessage,
            AuthTime = await user.GetAuthTimeAsync(context),
            Acr = user.Acr,
            Amr = user.Amr,
        };
        await AnswerAsync(context, await approvals.ApproveAsync(Id(context), user.Subject, approval, context.RequestAborted));
    });

    public static Task DenyAsync(HttpContext context) => ForUserAsync(context, async (approvals, user) =>
    {
        if ((await ReadBodyAsync(context, DeviceJson.Strict.DenialBody)).Failed(out var error, out var body))
        {
            await DeviceProblem.BadBody(error).WriteAsync(context);
            return;
        }

        var result = body.BlockClient
            ? await approvals.DenyAndBlockAsync(Id(context), user.Subject, context.RequestAborted)
            : await approvals.DenyAsync(Id(context), user.Subject, context.RequestAborted);

        // A client is blocked by a request that is over, too.
        await AnswerAsync(context, result, isBlocked: body.BlockClient && result is CibaDecisionResult.AlreadyDecided or CibaDecisionResult.Expired);
    });

    public static Task ResendAsync(HttpContext context) => ForActiveUserAsync(context, async (approvals, user) =>
    {
        var result = await approvals.ResendAsync(Id(context), user.Subject, context.RequestAborted);
        if (result.Status == CibaResendStatus.Success)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        await DeviceProblem.Of(result).WriteAsync(context);
    });

    public static Task EventsAsync(HttpContext context) => ForActiveUserAsync(context, async (_, user) =>
    {
        var services = context.RequestServices;
        if (!await services.GetRequiredService<DeviceEventStream>().TryHandleAsync(context, services.GetRequiredService<CibaTenant>(), user.Subject))
        {
            await DeviceProblem.TooManyStreams.WriteAsync(context);
        }
    });

    // Only the notifier of the event streams wants to know.
    private static async ValueTask NoteFetchedAsync(HttpContext context, IReadOnlyList<CibaDeviceRequest> requests)
    {
        if (requests.Count > 0 && context.RequestServices.GetService<FetchedRequests>() is { } fetched)
        {
            await fetched.NoteAsync(requests, context.RequestAborted);
        }
    }

    private static string Id(HttpContext context) => (string)context.GetRouteValue("id")!;

    // Decisions ask by themselves, just before the step that counts.
    private static Task ForActiveUserAsync(HttpContext context, Func<ICibaApprovals, DeviceUser, Task> handle) => ForUserAsync(context, async (approvals, user) =>
    {
        if (!await context.RequestServices.GetRequiredService<ICibaUserLookup>().IsActiveAsync(user.Subject, context.RequestAborted))
        {
            await AnswerAsync(context, CibaDecisionResult.UserNotActive);
            return;
        }

        await handle(approvals, user);
    });

    private static async Task ForUserAsync(HttpContext context, Func<ICibaApprovals, DeviceUser, Task> handle)
    {
        CibaResults.StoreNowhere(context.Response);
        if (await ForgedRequests.WhyNotAsync(context) is { } problem)
        {
            await problem.WriteAsync(context);
            return;
        }

        if (DeviceUser.Find(context.User) is not { } user)
        {
            await DeviceProblem.NobodySignedIn.WriteAsync(context);
            return;
        }

        if (await context.RequestServices.GetRequiredService<DeviceAccess>().WhyNotAsync(context, user) is { } refusal)
        {
            await refusal.WriteAsync(context);
            return;
        }

        await handle(context.RequestServices.GetRequiredService<ICibaApprovals>(), user);
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
            return CibaError.InvalidRequest.With($"The body is not the JSON that is expected: an object with no members but {Members(type)}, each of its type and at most once.");
        }
    }

    private static string Members(JsonTypeInfo type) => string.Join(", ", type.Properties.Select(property => property.Name));

    private static Task AnswerAsync(HttpContext context, CibaDecisionResult result, bool isBlocked = false)
    {
        if (result == CibaDecisionResult.Done)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        }

        var problem = DeviceProblem.Of(result);
        return (isBlocked ? problem.ButBlocked() : problem).WriteAsync(context);
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
