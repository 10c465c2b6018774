using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>What a node says of itself to the others, so that nodes that cannot work together learn of it when they start.</summary>
/// <param name="Node">The name of its machine and the process.</param>
/// <param name="Format">How it writes what it stores.</param>
/// <param name="Issuer">Whom it is a node of.</param>
/// <param name="ConcealmentKey">A digest of the <see cref="CibaOptions.ConcealmentKey"/>; null without one.</param>
/// <param name="ProtectPayload">See <see cref="CibaRedisOptions.ProtectPayload"/>.</param>
/// <param name="Keys">A text that is protected by its Data Protection keys; null if it uses none.</param>
internal sealed record NodeCanary(
    [property: JsonPropertyName("node")] string Node,
    [property: JsonPropertyName("format")] string Format,
    [property: JsonPropertyName("iss")] string Issuer,
    [property: JsonPropertyName("concealment_key")] string? ConcealmentKey,
    [property: JsonPropertyName("protect_payload")] bool ProtectPayload,
    [property: JsonPropertyName("keys")] byte[]? Keys)
{
    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, NodeCanaryJson.Default.NodeCanary);

    /// <summary>Null if it is not one that this version knows.</summary>
    public static NodeCanary? Read(byte[] json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, NodeCanaryJson.Default.NodeCanary);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(NodeCanary))]
internal sealed partial class NodeCanaryJson : JsonSerializerContext;
