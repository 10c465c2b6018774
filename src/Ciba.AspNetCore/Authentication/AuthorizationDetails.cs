using System.Text.Json;
using Ciba.AspNetCore.Http;

namespace Ciba.AspNetCore.Authentication;

/// <summary>RFC 9396: what exactly the client asks for, as JSON objects that each have a type.</summary>
internal static class AuthorizationDetails
{
    private const int MaxLength = 8192;
    private const int MaxDepth = 16;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    private static readonly CibaError TooLong = CibaError.InvalidAuthorizationDetails.With($"authorization_details is too long: {MaxLength} characters at most.");
    private static readonly CibaError Malformed = CibaError.InvalidAuthorizationDetails.With("authorization_details is a JSON array of objects, each with its type as a text, and no name twice in an object.");
    private static readonly CibaError UnknownType = CibaError.InvalidAuthorizationDetails.With("A type in authorization_details is not known here, or not for this client.");

    public static Outcome<JsonElement[]> Read(string json, CibaClient client, CibaOptions options)
    {
        if (json.Length > MaxLength)
        {
            return TooLong;
        }

        if (TryParse(json) is not [_, ..] details)
        {
            return Malformed;
        }

        return details.All(detail => IsAllowed(detail.GetProperty("type").GetString()!, client, options)) ? details : UnknownType;
    }

    /// <summary>The objects of an array, or null where it is none of objects with a type.</summary>
    private static JsonElement[]? TryParse(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, Strict);

            // Half a surrogate pair passes the parser, and fails whoever writes the details on: the list on the user's device.
            using var nowhere = new Utf8JsonWriter(Stream.Null);
            document.WriteTo(nowhere);
            var array = document.RootElement;
            return array.ValueKind == JsonValueKind.Array && array.EnumerateArray().All(HasType) ? [.. array.EnumerateArray().Select(detail => detail.Clone())] : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Those asked for that these are, as the client wrote them; null where one was not asked for, or not as often.</summary>
    public static IReadOnlyList<JsonElement>? FindAmong(IReadOnlyList<JsonElement> asked, IReadOnlyList<JsonElement> granted)
    {
        var left = asked.ToList();
        var found = new List<JsonElement>(granted.Count);
        foreach (var detail in granted)
        {
            var place = left.FindIndex(other => IsSame(detail, other));
            if (place < 0)
            {
                return null;
            }

            found.Add(left[place]);
            left.RemoveAt(place);
        }

        return found;
    }

    private static bool IsSame(JsonElement detail, JsonElement other)
    {
        try
        {
            return JsonElement.DeepEquals(detail, other);
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair, which nobody may ask for.
            return false;
        }
    }

    private static bool HasType(JsonElement detail) =>
        detail.ValueKind == JsonValueKind.Object && detail.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && type.GetString() is { Length: > 0 };

    private static bool IsAllowed(string type, CibaClient client, CibaOptions options) =>
        options.AuthorizationDetailsTypesSupported.Contains(type) && client.AuthorizationDetailsTypes.Contains(type);
}
