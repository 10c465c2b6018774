using Ciba.AspNetCore.Http;

namespace Ciba.AspNetCore.Authentication;

/// <summary>RFC 8707: the resource servers that an access token is asked for, at both endpoints.</summary>
internal static class ResourceIndicators
{
    private const string Name = "resource";

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

    /// <summary>What the client asks for and may.</summary>
    public static Outcome<string[]> Read(FormParameters parameters, CibaClient client) =>
        Read(parameters).Failed(out var error, out var resources) ? error
        : resources.All(client.Resources.Contains) ? resources
        : Foreign;

    /// <summary>RFC 8707 section 2: an absolute URI (RFC 3986 section 4.3), which has no fragment.</summary>
    public static bool IsResource(string? text) =>
        text is { Length: > 0 and <= MaxLength } && !text.Contains('#') && text.All(c => c is > ' ' and <= '~') && Uri.IsWellFormedUriString(text, UriKind.Absolute);
}
