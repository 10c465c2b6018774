using System.Text.Json;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Text;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Protocol;

/// <summary>RFC 9396: what exactly the client asks for, as JSON objects that each have a type.</summary>
internal static class AuthorizationDetailsRules
{
    private const int MaxLength = 8192;
    private const int MaxDepth = 16;
    private const int MaxCount = 32;

    private static readonly CibaError TooLong = CibaError.InvalidAuthorizationDetails.With($"authorization_details is too long: {MaxLength} characters at most.");
    private static readonly CibaError TooMany = CibaError.InvalidAuthorizationDetails.With($"authorization_details has too many objects: {MaxCount} at most.");
    private static readonly CibaError Malformed = CibaError.InvalidAuthorizationDetails.With("authorization_details is a JSON array of objects, each with its type as a text, and no name twice in an object.");
    private static readonly CibaError Misleading = CibaError.InvalidAuthorizationDetails.With("A name or a text in authorization_details holds text direction or control characters: send plain text, with tabs and line breaks at most.");
    private static readonly CibaError UnknownType = CibaError.InvalidAuthorizationDetails.With("A type in authorization_details is not known here, or not for this client.");

    /// <summary>What the client asks for and may.</summary>
    public static Outcome<JsonElement[]> Read(string? json, CibaClient client, CibaOptions options)
    {
        if (Read(json).Failed(out var error, out var details))
        {
            return error;
        }

        if (First(details.Select(FindProblem)) is var problem && problem != DisplayProblem.None)
        {
            return MisleadingBy(problem);
        }

        return details.All(detail => IsAllowed(TypeOf(detail), client, options)) ? details : UnknownType;
    }

    /// <summary>The objects, whatever they ask for.</summary>
    public static Outcome<JsonElement[]> Read(string? json)
    {
        if (json is null)
        {
            return Array.Empty<JsonElement>();
        }

        if (json.Length > MaxLength)
        {
            return TooLong;
        }

        if (JsonText.Parse(json, MaxDepth) is not { ValueKind: JsonValueKind.Array } array || array.GetArrayLength() == 0)
        {
            return Malformed;
        }

        JsonElement[] details = [.. array.EnumerateArray()];
        return details.Length > MaxCount ? TooMany
            : details.All(HasType) ? details
            : Malformed;
    }

    /// <summary>
    /// RFC 9396 section 9.1: those that belong into an access token for these resources. An object without locations belongs into every
    /// token, and a token without resources is for the host's usual audience, which gets them all.
    /// </summary>
    public static IReadOnlyList<JsonElement> For(IReadOnlyList<string> resources, IReadOnlyList<JsonElement> details) =>
        resources.Count == 0 ? details : [.. details.Where(detail => IsFor(resources, detail))];

    /// <summary>What the host's validators have against what is asked, or null. A type without one is taken as it is.</summary>
    public static async ValueTask<CibaError?> ValidateAsync(IServiceProvider services, CibaRequest request, CibaClient client, CancellationToken cancellationToken)
    {
        foreach (var detail in request.AuthorizationDetails)
        {
            if (services.GetKeyedService<ICibaAuthorizationDetailsValidator>(TypeOf(detail)) is { } validator
                && await validator.FindProblemAsync(detail, request, client, cancellationToken) is { } problem)
            {
                return problem.Length > 0 ? CibaError.InvalidAuthorizationDetails.With(problem) : CibaError.InvalidAuthorizationDetails;
            }
        }

        return null;
    }

    /// <summary>Those asked for that these are, as the client wrote them; null where one was not asked for, or not as often.</summary>
    public static IReadOnlyList<JsonElement>? FindAmong(IReadOnlyList<JsonElement> asked, IReadOnlyList<JsonElement> granted)
    {
        var left = asked.ToList();
        var found = new List<JsonElement>(granted.Count);
        foreach (var detail in granted)
        {
            var place = left.FindIndex(other => JsonText.AreSame(detail, other));
            if (place < 0)
            {
                return null;
            }

            found.Add(left[place]);
            left.RemoveAt(place);
        }

        return found;
    }

    private static bool IsFor(IReadOnlyList<string> resources, JsonElement detail)
    {
        if (!detail.TryGetProperty("locations", out var locations))
        {
            return true;
        }

        return locations.ValueKind switch
        {
            JsonValueKind.String => IsOneOf(resources, locations),
            JsonValueKind.Array => locations.GetArrayLength() == 0 || locations.EnumerateArray().Any(location => IsOneOf(resources, location)),
            _ => true,
        };
    }

    private static bool IsOneOf(IReadOnlyList<string> resources, JsonElement location) =>
        location.ValueKind == JsonValueKind.String && resources.Any(resource => ResourceIndicators.AreSame(resource, location.GetString()!));

    private static bool HasType(JsonElement detail) =>
        detail.ValueKind == JsonValueKind.Object && detail.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && type.GetString() is { Length: > 0 };

    private static CibaError MisleadingBy(DisplayProblem problem) => problem == DisplayProblem.Forbidden
        ? Misleading
        : CibaError.InvalidAuthorizationDetails.With($"A name or a text in authorization_details {DisplayText.Describe(problem)}.");

    // The user reads them on the device, at whatever depth they stand.
    private static DisplayProblem FindProblem(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => DisplayText.FindProblem(value.GetString()!, hasLines: true),
        JsonValueKind.Array => First(value.EnumerateArray().Select(FindProblem)),
        JsonValueKind.Object => First(value.EnumerateObject().Select(member =>
            DisplayText.FindProblem(member.Name, hasLines: true) is var problem && problem != DisplayProblem.None ? problem : FindProblem(member.Value))),
        _ => DisplayProblem.None,
    };

    private static DisplayProblem First(IEnumerable<DisplayProblem> problems) => problems.FirstOrDefault(problem => problem != DisplayProblem.None);

    private static string TypeOf(JsonElement detail) => detail.GetProperty("type").GetString()!;

    private static bool IsAllowed(string type, CibaClient client, CibaOptions options) =>
        options.AuthorizationDetailsTypesSupported.Contains(type) && client.AuthorizationDetailsTypes.Contains(type);
}
