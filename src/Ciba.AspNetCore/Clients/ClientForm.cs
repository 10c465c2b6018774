using System.Text.Json.Serialization;

namespace Ciba.AspNetCore.Clients;

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
