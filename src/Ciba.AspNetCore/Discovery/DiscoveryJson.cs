using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Jose;

namespace Ciba.AspNetCore.Discovery;

/// <summary>The JSON of the discovery document and of the JWK Set.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DiscoveryDocument))]
[JsonSerializable(typeof(PublicKeySet))]
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class DiscoveryJson : JsonSerializerContext
{
    public static DiscoveryJson Relaxed { get; } = new(WireJson.WriteRelaxed());
}
