using System.Text.Json.Serialization;
using Ciba.AspNetCore.Http;

namespace Ciba.AspNetCore.Authentication;

/// <summary>The JSON of the backchannel authentication endpoint; the forms only stand in its description.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Acknowledgement))]
[JsonSerializable(typeof(string?[]))]
[JsonSerializable(typeof(AuthenticationForm))]
[JsonSerializable(typeof(PendingRequestForm))]
internal sealed partial class AuthenticationJson : JsonSerializerContext
{
    public static AuthenticationJson Relaxed { get; } = new(WireJson.WriteRelaxed());
}
