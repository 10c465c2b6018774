using System.ComponentModel;
using System.Reflection;
using System.Text.Json.Serialization;
using Ciba.AspNetCore.Authentication;
using Ciba.AspNetCore.Binding;
using Ciba.AspNetCore.Device;
using Ciba.AspNetCore.Discovery;
using Ciba.AspNetCore.Jose;
using Ciba.AspNetCore.Token;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;

namespace Ciba.AspNetCore.Http;

/// <summary>
/// What the endpoints take and answer, as metadata for the host's OpenAPI document. The schemas come from the types that are
/// read and written.
/// </summary>
internal static class EndpointDescriptions
{
    public const string Tag = "CIBA";

    private const string Json = "application/json";

    private const string Proof = "A proof of possession of the key that the access token is to be bound to (RFC 9449).";

    public static readonly object[] Authentication =
    [
        .. Of("Asks for the approval of a user (CIBA Core section 7)", AuthenticationParameters),
        Answer<Acknowledgement>(StatusCodes.Status200OK), .. Errors(StatusCodes.Status400BadRequest, StatusCodes.Status401Unauthorized, StatusCodes.Status403Forbidden),
    ];

    public static readonly object[] Token =
    [
        .. Of("Polls for the tokens of an approved request (CIBA Core section 10.1)", TokenParameters),
        Answer<TokenResponse>(StatusCodes.Status200OK), .. Errors(StatusCodes.Status400BadRequest, StatusCodes.Status401Unauthorized),
    ];

    public static readonly object[] Cancel =
    [
        .. Of("Withdraws a request that waits (beyond CIBA Core)", RequestParameters),
        Done, .. Errors(StatusCodes.Status400BadRequest, StatusCodes.Status401Unauthorized, StatusCodes.Status409Conflict),
    ];

    public static readonly object[] Resend =
    [
        .. Of("Has the device told again of a request that waits (beyond CIBA Core)", RequestParameters),
        Done, .. Errors(StatusCodes.Status400BadRequest, StatusCodes.Status401Unauthorized, StatusCodes.Status403Forbidden, StatusCodes.Status409Conflict, StatusCodes.Status429TooManyRequests),
    ];

    public static readonly object[] Discovery = [.. Of("The discovery document", None), Answer<DiscoveryDocument>(StatusCodes.Status200OK), .. Errors()];

    public static readonly object[] Jwks = [.. Of("The JSON Web Key Set", None), Answer<PublicKeySet>(StatusCodes.Status200OK), .. Errors()];

    public static readonly object[] DeviceList = [.. Of("The requests that wait for the user", None), Answer<DeviceRequestResponse[]>(StatusCodes.Status200OK), .. UserProblems, Unavailable];

    public static readonly object[] DeviceGet = [.. Of("A request that waits for the user", Id), Answer<DeviceRequestResponse>(StatusCodes.Status200OK), .. RequestProblems, Unavailable];

    public static readonly object[] DeviceApprove =
    [
        .. Of("The user says yes", Approval), Done, Problem(StatusCodes.Status400BadRequest), .. RequestProblems, Unavailable,
    ];

    public static readonly object[] DeviceDeny = [.. Of("The user says no", Denial), Done, Problem(StatusCodes.Status400BadRequest), .. RequestProblems, Unavailable];

    public static readonly object[] DeviceResend =
    [
        .. Of("The device is told again", Id), Done, Problem(StatusCodes.Status400BadRequest), .. RequestProblems, Problem(StatusCodes.Status429TooManyRequests), Unavailable,
    ];

    public static readonly object[] DeviceEvents =
    [
        .. Of("Server-sent events: requested, decided, expired, withdrawn", None),
        new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(string), ["text/event-stream"]), .. UserProblems, Unavailable,
    ];

    private static object Unavailable => Problem(StatusCodes.Status503ServiceUnavailable);

    private static object Done => new ProducesResponseTypeMetadata(StatusCodes.Status204NoContent, typeof(void));

    private static object[] UserProblems => [Problem(StatusCodes.Status401Unauthorized), Problem(StatusCodes.Status403Forbidden)];

    private static object[] RequestProblems =>
        [.. UserProblems, Problem(StatusCodes.Status404NotFound), Problem(StatusCodes.Status409Conflict), Problem(StatusCodes.Status410Gone)];

    // Not IAcceptsMetadata, for routing would answer 415 by it where the protocol asks for a 400.
    private static object[] Of(string summary, Delegate signature) =>
    [
        signature.Method,
        .. signature.Method.GetParameters().Select(parameter => new Parameter(parameter)),
        new EndpointSummaryAttribute(summary),
    ];

    private static ProducesResponseTypeMetadata Answer<T>(int status) => new(status, typeof(T), [Json]);

    private static ProducesResponseTypeMetadata Problem(int status) => new(status, typeof(ProblemDetails), ["application/problem+json"]);

    private static IEnumerable<object> Errors(params int[] statuses) => statuses.Append(StatusCodes.Status503ServiceUnavailable).Select(Answer<ErrorResponse>);

    // Never called: the endpoints read their requests themselves.
    private static void None()
    {
    }

    private static void Id(string id)
    {
    }

    private static void AuthenticationParameters([FromForm] AuthenticationForm form, [FromHeader(Name = DpopProofs.Header), Description(Proof)] string? proof = null)
    {
    }

    private static void TokenParameters([FromForm] TokenForm form, [FromHeader(Name = DpopProofs.Header), Description(Proof)] string? proof = null)
    {
    }

    private static void RequestParameters([FromForm] PendingRequestForm form)
    {
    }

    private static void Denial(string id, [FromBody] DenialBody? body = null)
    {
    }

    private static void Approval(string id, [FromBody] ApprovalBody? body = null)
    {
    }

    private sealed class Parameter(ParameterInfo parameter) : IParameterBindingMetadata
    {
        public string Name => parameter.Name!;

        public bool HasTryParse => parameter.ParameterType == typeof(string);

        public bool HasBindAsync => false;

        public ParameterInfo ParameterInfo => parameter;

        public bool IsOptional => parameter.HasDefaultValue;
    }
}

/// <summary>How a client says who it is, for those methods that use the form (OpenID Connect Core section 9).</summary>
internal record ClientForm
{
    [JsonPropertyName("client_id")]
    public string? ClientId { get; init; }

    [JsonPropertyName("client_secret")]
    public string? ClientSecret { get; init; }

    [JsonPropertyName("client_assertion_type")]
    public string? ClientAssertionType { get; init; }

    [JsonPropertyName("client_assertion")]
    public string? ClientAssertion { get; init; }
}

/// <summary>Section 7.1: the fields of an authentication request.</summary>
internal sealed record AuthenticationForm : ClientForm
{
    [JsonPropertyName("scope"), Description("Values separated by spaces, openid among them. Required, as one of the hints is, without request.")]
    public string? Scope { get; init; }

    [JsonPropertyName("login_hint"), Description("Who the user is. Exactly one of login_hint, login_hint_token and id_token_hint.")]
    public string? LoginHint { get; init; }

    [JsonPropertyName("login_hint_token")]
    public string? LoginHintToken { get; init; }

    [JsonPropertyName("id_token_hint")]
    public string? IdTokenHint { get; init; }

    [JsonPropertyName("binding_message"), Description("What both devices show.")]
    public string? BindingMessage { get; init; }

    [JsonPropertyName("user_code")]
    public string? UserCode { get; init; }

    [JsonPropertyName("acr_values")]
    public string? AcrValues { get; init; }

    [JsonPropertyName("authorization_details"), Description("A JSON array of objects that each have a type (RFC 9396).")]
    public string? AuthorizationDetails { get; init; }

    [JsonPropertyName("resource"), Description("The resource servers that the access token is for (RFC 8707), each in a field of its own.")]
    public IReadOnlyList<string>? Resources { get; init; }

    [JsonPropertyName("claims"), Description("A JSON object whose id_token names the claims wanted in the ID Token (OpenID Connect Core section 5.5).")]
    public string? Claims { get; init; }

    [JsonPropertyName("request_context"), Description("A JSON object about the client's circumstances (FAPI-CIBA section 5.3).")]
    public string? RequestContext { get; init; }

    [JsonPropertyName("requested_expiry"), Description("Seconds.")]
    public int? RequestedExpiry { get; init; }

    [JsonPropertyName("client_notification_token"), Description("Required in ping and push mode.")]
    public string? ClientNotificationToken { get; init; }

    [JsonPropertyName("dpop_jkt"), Description("The SHA-256 thumbprint of the DPoP key that the tokens will be bound to (RFC 9449 section 10).")]
    public string? DpopKeyThumbprint { get; init; }

    [JsonPropertyName("request"), Description("A signed authentication request, which holds all of these but the client's authentication (section 7.1.1).")]
    public string? Request { get; init; }
}

/// <summary>The fields of what a client does to its request that waits.</summary>
internal sealed record PendingRequestForm : ClientForm
{
    [JsonPropertyName("auth_req_id")]
    public required string AuthReqId { get; init; }
}

/// <summary>Section 10.1: the fields of a poll.</summary>
internal sealed record TokenForm : ClientForm
{
    [JsonPropertyName("grant_type"), Description("urn:openid:params:grant-type:ciba")]
    public required string GrantType { get; init; }

    [JsonPropertyName("auth_req_id")]
    public required string AuthReqId { get; init; }

    [JsonPropertyName("authorization_details"), Description("Some of the objects that the user granted, as a JSON array (RFC 9396).")]
    public string? AuthorizationDetails { get; init; }

    [JsonPropertyName("resource"), Description("Some of the resource servers that were asked for, each in a field of its own (RFC 8707).")]
    public IReadOnlyList<string>? Resources { get; init; }
}

/// <summary>The types that only stand in a description, for hosts whose JSON does without reflection.</summary>
[JsonSerializable(typeof(AuthenticationForm))]
[JsonSerializable(typeof(TokenForm))]
[JsonSerializable(typeof(PendingRequestForm))]
[JsonSerializable(typeof(ProblemDetails))]
internal sealed partial class DescriptionJson : JsonSerializerContext;
