using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Ciba.AspNetCore.Token;

/// <summary>Claims as JSON, of the few types that claims have: what has no reflection in it needs no trimming warnings.</summary>
internal static class ClaimsJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(IEnumerable<KeyValuePair<string, object>> claims)
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

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
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
                WriteArray(writer, elements, static (writer, element) => element.WriteTo(writer));
                break;

            case IReadOnlyDictionary<string, string> members:
                WriteObject(writer, members);
                break;

            case IEnumerable<string> texts:
                WriteArray(writer, texts, static (writer, text) => writer.WriteStringValue(text));
                break;

            default:
                throw new InvalidOperationException($"The claim '{name}' is a {value?.GetType().ToString() ?? "null"}: use string, bool, int, long, double, a list of strings, JsonElement or JsonNode.");
        }
    }

    private static void WriteArray<T>(Utf8JsonWriter writer, IEnumerable<T> items, Action<Utf8JsonWriter, T> write)
    {
        writer.WriteStartArray();
        foreach (var item in items)
        {
            write(writer, item);
        }

        writer.WriteEndArray();
    }

    private static void WriteObject(Utf8JsonWriter writer, IReadOnlyDictionary<string, string> members)
    {
        writer.WriteStartObject();
        foreach (var (name, text) in members)
        {
            writer.WriteString(name, text);
        }

        writer.WriteEndObject();
    }
}
