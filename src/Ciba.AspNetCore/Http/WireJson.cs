using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ciba.AspNetCore.Http;

/// <summary>Section 13, section 11: the body of an error.</summary>
internal sealed record ErrorResponse(
    [property: JsonPropertyName("error")] string Error,
    [property: JsonPropertyName("error_description")] string ErrorDescription);

/// <summary>How JSON is read and written. Each feature has a context of its own for its types, so that nothing needs reflection.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ErrorResponse))]
internal sealed partial class WireJson : JsonSerializerContext
{
    public static WireJson Relaxed { get; } = new(WriteRelaxed());

    /// <summary>Leaves apostrophes and the like as they are: the answers are JSON, never embedded in HTML.</summary>
    public static JsonSerializerOptions WriteRelaxed() => new()
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>
    /// Refuses JSON with a name twice in an object, because two readers may take it for two things, and with a member that is not known,
    /// because whoever sent it meant something by it.
    /// </summary>
    public static JsonSerializerOptions ReadStrictly() => new() { AllowDuplicateProperties = false, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };
}
