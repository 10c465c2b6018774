using System.Text.Json.Serialization;
using Ciba.AspNetCore.Http;

namespace Ciba.AspNetCore.Token;

/// <summary>The JSON of the token endpoint; the form only stands in its description.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TokenResponse))]
[JsonSerializable(typeof(TokenForm))]
internal sealed partial class TokenJson : JsonSerializerContext
{
    public static TokenJson Relaxed { get; } = new(WireJson.WriteRelaxed());
}
