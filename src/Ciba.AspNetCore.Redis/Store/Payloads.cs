using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>What was asked, beside what the head of the record has.</summary>
internal sealed record AskedPayload(
    [property: JsonPropertyName("client_id")] string ClientId,
    [property: JsonPropertyName("client_name")] string ClientName,
    [property: JsonPropertyName("sub")] string Subject,
    [property: JsonPropertyName("scope")] string[] Scopes,
    [property: JsonPropertyName("binding_message")] string? BindingMessage,
    [property: JsonPropertyName("acr_values")] string[]? AcrValues,
    [property: JsonPropertyName("interval")] long IntervalTicks,
    [property: JsonPropertyName("iss")] string? Issuer,
    [property: JsonPropertyName("logo_uri")] string? ClientLogoUri,
    [property: JsonPropertyName("choices")] string[]? BindingMessageChoices,
    [property: JsonPropertyName("authorization_details")] JsonElement[]? AuthorizationDetails,
    [property: JsonPropertyName("required_acr")] string[]? RequiredAcrValues,
    [property: JsonPropertyName("resource")] string[]? Resources,
    [property: JsonPropertyName("claims")] JsonElement? RequestedIdTokenClaims,
    [property: JsonPropertyName("request_context")] JsonElement? RequestContext,
    [property: JsonPropertyName("x5t")] string? CertificateThumbprint,
    [property: JsonPropertyName("jkt")] string? DpopKeyThumbprint,
    [property: JsonPropertyName("group")] string? LimitGroup)
{
    public static byte[] Write(CibaRequest request) => JsonSerializer.SerializeToUtf8Bytes(
        new AskedPayload(
            request.ClientId,
            request.ClientName,
            request.Subject,
            [.. request.Scopes],
            request.BindingMessage,
            request.AcrValues.Count > 0 ? [.. request.AcrValues] : null,
            request.Interval.Ticks,
            request.Issuer,
            request.ClientLogoUri,
            request.BindingMessageChoices.Count > 0 ? [.. request.BindingMessageChoices] : null,
            request.AuthorizationDetails.Count > 0 ? [.. request.AuthorizationDetails] : null,
            request.RequiredAcrValues.Count > 0 ? [.. request.RequiredAcrValues] : null,
            request.Resources.Count > 0 ? [.. request.Resources] : null,
            request.RequestedIdTokenClaims,
            request.RequestContext,
            request.Confirmation?.CertificateThumbprint,
            request.Confirmation?.DpopKeyThumbprint,
            request.LimitGroup),
        PayloadJson.Default.AskedPayload);

    public static CibaRequest Read(string id, RequestHead head, ReadOnlySpan<byte> json, CibaCallback? callback = null)
    {
        var asked = JsonSerializer.Deserialize(json, PayloadJson.Default.AskedPayload) ?? throw new JsonException();
        var request = new CibaRequest
        {
            Id = id,
            Issuer = asked.Issuer,
            ClientId = asked.ClientId,
            ClientName = asked.ClientName,
            ClientLogoUri = asked.ClientLogoUri,
            Subject = asked.Subject,
            Scopes = asked.Scopes,
            BindingMessage = asked.BindingMessage,
            BindingMessageChoices = asked.BindingMessageChoices ?? [],
            AuthorizationDetails = asked.AuthorizationDetails ?? [],
            AcrValues = asked.AcrValues ?? [],
            RequiredAcrValues = asked.RequiredAcrValues ?? [],
            Resources = asked.Resources ?? [],
            RequestedIdTokenClaims = asked.RequestedIdTokenClaims,
            RequestContext = asked.RequestContext,
            Confirmation = asked.CertificateThumbprint is null && asked.DpopKeyThumbprint is null ? null
                : new CibaConfirmation { CertificateThumbprint = asked.CertificateThumbprint, DpopKeyThumbprint = asked.DpopKeyThumbprint },
            Interval = TimeSpan.FromTicks(asked.IntervalTicks),
            TokenDeliveryMode = head.TokenDeliveryMode,
            Callback = callback,
            LimitGroup = asked.LimitGroup,
            IsConcealed = head.IsConcealed,
            CreatedAt = head.CreatedAt,
            ExpiresAt = head.ExpiresAt,
            RetainedUntil = head.RetainedUntil,
        };
        return head.Client.SequenceEqual(RequestRecord.Digest(request.ClientKey)) && head.User.SequenceEqual(RequestRecord.Digest(request.UserKey))
            ? request
            : throw new CryptographicException("The head of the record belongs to another client or user.");
    }
}

/// <summary>What was answered. Instants are UTC ticks.</summary>
internal sealed record DecidedPayload(
    [property: JsonPropertyName("outcome")] CibaRequestStatus Outcome,
    [property: JsonPropertyName("sub")] string Subject,
    [property: JsonPropertyName("decided_at")] long DecidedAt,
    [property: JsonPropertyName("scope")] string[] Scopes,
    [property: JsonPropertyName("auth_time")] long? AuthTime,
    [property: JsonPropertyName("acr")] string? Acr,
    [property: JsonPropertyName("amr")] string[]? Amr,
    [property: JsonPropertyName("authorization_details")] JsonElement[]? AuthorizationDetails)
{
    public static byte[] Write(CibaDecision decision, string userKey) => JsonSerializer.SerializeToUtf8Bytes(
        new DecidedPayload(
            decision.Outcome,
            userKey,
            decision.DecidedAt.UtcTicks,
            [.. decision.Scopes],
            decision.AuthTime?.UtcTicks,
            decision.Acr,
            decision.Amr.Count > 0 ? [.. decision.Amr] : null,
            decision.AuthorizationDetails.Count > 0 ? [.. decision.AuthorizationDetails] : null),
        PayloadJson.Default.DecidedPayload);

    /// <summary>The approval of this request, by its own user: what the head says of status and user can be written by whoever can write to Redis.</summary>
    public static CibaDecision Read(CibaRequest request, ReadOnlySpan<byte> json)
    {
        var decided = JsonSerializer.Deserialize(json, PayloadJson.Default.DecidedPayload) ?? throw new JsonException();
        if (decided.Outcome != CibaRequestStatus.Approved || decided.Subject != request.UserKey)
        {
            throw new CryptographicException("The answer is not the user's approval that the record claims.");
        }

        return new CibaDecision
        {
            Outcome = decided.Outcome,
            DecidedAt = new DateTimeOffset(decided.DecidedAt, TimeSpan.Zero),
            Scopes = decided.Scopes,
            AuthTime = decided.AuthTime is { } ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null,
            Acr = decided.Acr,
            Amr = decided.Amr ?? [],
            AuthorizationDetails = decided.AuthorizationDetails ?? [],
        };
    }
}

/// <summary>The secrets that a callback needs.</summary>
internal sealed record CallbackPayload(
    [property: JsonPropertyName("auth_req_id")] string AuthReqId,
    [property: JsonPropertyName("client_notification_token")] string? ClientNotificationToken)
{
    public static byte[] Write(CibaCallback callback) =>
        JsonSerializer.SerializeToUtf8Bytes(new CallbackPayload(callback.AuthReqId, callback.ClientNotificationToken), PayloadJson.Default.CallbackPayload);

    public static CibaCallback Read(ReadOnlySpan<byte> json)
    {
        var callback = JsonSerializer.Deserialize(json, PayloadJson.Default.CallbackPayload) ?? throw new JsonException();
        return new CibaCallback(callback.AuthReqId, callback.ClientNotificationToken);
    }

    /// <summary>Shows nothing of the secrets.</summary>
    public override string ToString() => nameof(CallbackPayload);
}

[JsonSourceGenerationOptions(
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectRequiredConstructorParameters = false,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(AskedPayload))]
[JsonSerializable(typeof(DecidedPayload))]
[JsonSerializable(typeof(CallbackPayload))]
internal sealed partial class PayloadJson : JsonSerializerContext;
