using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Ciba.AspNetCore.Authentication;
using Ciba.AspNetCore.Callbacks;
using Ciba.AspNetCore.Device;
using Ciba.AspNetCore.Discovery;
using Ciba.AspNetCore.Jose;
using Ciba.AspNetCore.Token;

namespace Ciba.AspNetCore.Http;

/// <summary>Section 13, section 11: the body of an error.</summary>
internal sealed record ErrorResponse(
    [property: JsonPropertyName("error")] string Error,
    [property: JsonPropertyName("error_description")] string ErrorDescription);

/// <summary>Everything that is written as JSON, without reflection.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ErrorResponse))]
[JsonSerializable(typeof(Acknowledgement))]
[JsonSerializable(typeof(TokenResponse))]
[JsonSerializable(typeof(Ping))]
[JsonSerializable(typeof(Push))]
[JsonSerializable(typeof(PushError))]
[JsonSerializable(typeof(DeviceRequestResponse))]
[JsonSerializable(typeof(DeviceRequestResponse[]))]
[JsonSerializable(typeof(DeviceEvent))]
[JsonSerializable(typeof(ApprovalBody))]
[JsonSerializable(typeof(DenialBody))]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(DiscoveryDocument))]
[JsonSerializable(typeof(PublicKeySet))]
[JsonSerializable(typeof(string?[]))]
internal sealed partial class WireJson : JsonSerializerContext
{
    /// <summary>Leaves apostrophes and the like as they are: the answers are JSON, never embedded in HTML.</summary>
    public static WireJson Relaxed { get; } = new(new JsonSerializerOptions
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>Reads what a device sends: JSON with a name twice in an object is refused, because two readers may take it for two things.</summary>
    public static WireJson Strict { get; } = new(new JsonSerializerOptions { AllowDuplicateProperties = false });
}
