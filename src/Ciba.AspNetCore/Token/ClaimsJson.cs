using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Ciba.AspNetCore.Token;

/// <summary>Claims as JSON, of the few types that claims have: what has no reflection in it needs no trimming warnings.</summary>
internal static class ClaimsJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Write(IEnumerable<KeyValuePair<string, object>> claims)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in claims)
            {
                writer.WritePropertyName(name);
                Write(writer, name, value);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter writer, string name, object value)
    {
        switch (value)
        {
            case string text:
                writer.WriteStringValue(text);
                break;

            case bool yes:
                writer.WriteBooleanValue(yes);
                break;

            case int or long:
                writer.WriteNumberValue(Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture));
                break;

            case double number:
                writer.WriteNumberValue(number);
                break;

            case JsonElement json:
                json.WriteTo(writer);
                break;

            case JsonNode node:
                node.WriteTo(writer);
                break;

            case IEnumerable<JsonElement> elements:
                writer.WriteStartArray();
                foreach (var element in elements)
                {
                    element.WriteTo(writer);
                }

                writer.WriteEndArray();
                break;

            case IReadOnlyDictionary<string, string> members:
                writer.WriteStartObject();
                foreach (var (key, text) in members)
                {
                    writer.WriteString(key, text);
                }

                writer.WriteEndObject();
                break;

            case IEnumerable<string> texts:
                writer.WriteStartArray();
                foreach (var text in texts)
                {
                    writer.WriteStringValue(text);
                }

                writer.WriteEndArray();
                break;

            default:
                throw new InvalidOperationException($"The claim '{name}' is a {value?.GetType().ToString() ?? "null"}: use string, bool, int, long, double, a list of strings, JsonElement or JsonNode.");
        }
    }
}
