using System.Text.Json.Serialization;
using Ciba.AspNetCore.Http;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>The JSON of pings and pushes.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Ping))]
[JsonSerializable(typeof(Push))]
[JsonSerializable(typeof(MintedPush))]
[JsonSerializable(typeof(PushError))]
internal sealed partial class CallbackJson : JsonSerializerContext
{
    public static CallbackJson Relaxed { get; } = new(WireJson.WriteRelaxed());
}
