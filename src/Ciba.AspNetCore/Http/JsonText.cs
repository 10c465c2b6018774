using System.Text.Json;

namespace Ciba.AspNetCore.Http;

/// <summary>JSON that a client sends as the value of a parameter.</summary>
internal static class JsonText
{
    /// <summary>
    /// The value, or null where the text is no JSON, is nested deeper, or holds a name twice in an object or half a surrogate pair.
    /// </summary>
    public static JsonElement? Parse(string json, int maxDepth)
    {
        try
        {
            var value = JsonElement.Parse(json, new JsonDocumentOptions { MaxDepth = maxDepth, AllowDuplicateProperties = false });

            // Half a surrogate pair passes the parser, and fails whoever writes the value on: the list on the user's device.
            using var nowhere = new Utf8JsonWriter(Stream.Null);
            value.WriteTo(nowhere);
            return value;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }
}
