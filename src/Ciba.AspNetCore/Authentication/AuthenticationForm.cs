using System.ComponentModel;
using System.Text.Json.Serialization;
using Ciba.AspNetCore.Clients;

namespace Ciba.AspNetCore.Authentication;

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
