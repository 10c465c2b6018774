using System.ComponentModel;
using System.Text.Json.Serialization;
using Ciba.AspNetCore.Clients;

namespace Ciba.AspNetCore.Token;

/// <summary>Section 10.1: the fields of a poll.</summary>
internal sealed record TokenForm : ClientForm
{
    [JsonPropertyName("grant_type"), Description(CibaGrantTypes.Ciba)]
    public required string GrantType { get; init; }

    [JsonPropertyName("auth_req_id")]
    public required string AuthReqId { get; init; }

    [JsonPropertyName("authorization_details"), Description("Some of the objects that the user granted, as a JSON array (RFC 9396).")]
    public string? AuthorizationDetails { get; init; }

    [JsonPropertyName("resource"), Description("Some of the resource servers that were asked for, each in a field of its own (RFC 8707).")]
    public IReadOnlyList<string>? Resources { get; init; }
}
