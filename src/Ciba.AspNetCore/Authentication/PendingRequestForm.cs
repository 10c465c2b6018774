using System.Text.Json.Serialization;
using Ciba.AspNetCore.Clients;

namespace Ciba.AspNetCore.Authentication;

/// <summary>The fields of what a client does to its request that waits.</summary>
internal sealed record PendingRequestForm : ClientForm
{
    [JsonPropertyName("auth_req_id")]
    public required string AuthReqId { get; init; }
}
