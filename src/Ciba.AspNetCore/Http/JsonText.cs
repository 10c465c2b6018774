using System.Globalization;
using System.Text.Json;

namespace Ciba.AspNetCore.Http;

/// <summary>JSON that a client sends as the value of a parameter.</summary>
internal static class JsonText
{
    /// <summary>
    /// The value, or null where the text is no JSON, is nested deeper, or holds a name twice in an object, half a surrogate pair
    /// or a number with an exponent of more than 32 bits.
    /// </summary>
    public static JsonElement? Parse(string json, int maxDepth)
    {
        try
        {
            var value = JsonElement.Parse(json, new JsonDocumentOptions { MaxDepth = maxDepth, AllowDuplicateProperties = false });

            // Half a surrogate pair passes the parser, and fails whoever writes the value on: the list on the user's device.
            using var nowhere = new Utf8JsonWriter(Stream.Null);
            value.WriteTo(nowhere);
            return CanBeCompared(value) ? value : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Whether the values are the same; those that cannot be compared are not.</summary>
    public static bool AreSame(JsonElement one, JsonElement other)
    {
        try
        {
            return JsonElement.DeepEquals(one, other);
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            // Half a surrogate pair, or an exponent of more than 32 bits.
            return false;
        }
    }

    private static bool CanBeCompared(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => HasShortExponent(value.GetRawText()),
        JsonValueKind.Array => value.EnumerateArray().All(CanBeCompared),
        JsonValueKind.Object => value.EnumerateObject().All(member => CanBeCompared(member.Value)),
        _ => true,
    };

    private static bool HasShortExponent(string number)
    {
        var exponent = number.AsSpan(number.AsSpan().IndexOfAny('e', 'E') + 1);
        return exponent.Length == number.Length || int.TryParse(exponent, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);
    }
}
