using Ciba.AspNetCore.Http;

namespace Ciba.AspNetCore.Protocol;

/// <summary>RFC 8707: the resource servers that an access token is asked for, at both endpoints.</summary>
internal static class ResourceIndicators
{
    private const string Name = "resource";
    private const string Http = "http://";
    private const string Https = "https://";

    private const int MaxLength = 1024;
    private const int MaxCount = 16;

    private static readonly CibaError TooMany = CibaError.InvalidTarget.With($"resource is there too often: {MaxCount} times at most.");
    private static readonly CibaError Malformed = CibaError.InvalidTarget.With($"resource is an absolute URI without fragment, of {MaxLength} characters at most: send for instance https://api.example.com.");
    private static readonly CibaError Foreign = CibaError.InvalidTarget.With("The client may not ask for one of these resources: leave it out, or have it added to the client's registration.");

    /// <summary>What the parameters name, each once, whether the client may ask for it or not.</summary>
    public static Outcome<string[]> Read(FormParameters parameters)
    {
        if (parameters[Name] is null)
        {
            return Array.Empty<string>();
        }

        string[] resources = [.. parameters.All(Name)];
        return resources.Length > MaxCount ? TooMany
            : resources.All(IsResource) ? resources.Distinct(StringComparer.Ordinal).ToArray()
            : Malformed;
    }

    /// <summary>What the client asks for and may, as it is registered.</summary>
    public static Outcome<string[]> Read(FormParameters parameters, CibaClient client) =>
        Read(parameters).Failed(out var error, out var resources) ? error
        : FindAmong(client.Resources, resources) is { } registered ? registered
        : Foreign;

    /// <summary>Finds the known resources that these are, in the spelling of the known ones; null if one is not known.</summary>
    public static string[]? FindAmong(IEnumerable<string> known, IReadOnlyList<string> asked)
    {
        var found = new List<string>(asked.Count);
        foreach (var resource in asked)
        {
            if ((known.Contains(resource) ? resource : known.FirstOrDefault(other => AreSame(other, resource))) is not { } same)
            {
                return null;
            }

            if (!found.Contains(same))
            {
                found.Add(same);
            }
        }

        return [.. found];
    }

    /// <summary>Whether two URIs are equivalent by RFC 3986 section 6.2.3, and their hosts by section 6.2.2.1.</summary>
    public static bool AreSame(string one, string other) => string.Equals(Normalize(one), Normalize(other), StringComparison.Ordinal);

    /// <summary>RFC 8707 section 2: an absolute URI (RFC 3986 section 4.3), which has no fragment.</summary>
    public static bool IsResource(string? text) =>
        text is { Length: > 0 and <= MaxLength } && !text.Contains('#') && text.All(c => c is > ' ' and <= '~') && Uri.IsWellFormedUriString(text, UriKind.Absolute);

    // Not by Uri, which would also unescape and resolve dots, and so take other paths for the same.
    private static string Normalize(string text)
    {
        var scheme = SchemeOf(text);
        if (scheme is null)
        {
            return text;
        }

        var rest = text[scheme.Length..];
        var end = rest.IndexOfAny(['/', '?']);
        var (authority, path) = end < 0 ? (rest, "") : (rest[..end], rest[end..]);
        var host = authority.LastIndexOf('@') + 1;
        var port = scheme == Http ? ":80" : ":443";
        authority = authority[..host] + authority[host..].ToLowerInvariant();
        authority = authority.EndsWith(':') ? authority[..^1] : authority.EndsWith(port, StringComparison.Ordinal) ? authority[..^port.Length] : authority;
        return $"{scheme}{authority}{(path.StartsWith('/') ? "" : "/")}{path}";
    }

    private static string? SchemeOf(string text) =>
        text.StartsWith(Https, StringComparison.OrdinalIgnoreCase) ? Https
        : text.StartsWith(Http, StringComparison.OrdinalIgnoreCase) ? Http
        : null;
}
