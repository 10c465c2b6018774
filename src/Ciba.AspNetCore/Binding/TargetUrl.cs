using System.Buffers;

namespace Ciba.AspNetCore.Binding;

/// <summary>
/// RFC 9449 section 4.3: whether a proof names the URL that was called, in whatever writing RFC 3986 sections 6.2.2 and 6.2.3 hold to
/// be the same, and whatever query and fragment are behind it.
/// </summary>
internal static class TargetUrl
{
    private const int MaxLength = 2048;

    // RFC 3986 appendix A. The framework takes others too, and makes slashes of backslashes.
    private static readonly SearchValues<char> UrlCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@!$&'()*+,;=%");

    public static bool IsSame(string? claimed, string url) =>
        claimed == url
        || (claimed is { Length: <= MaxLength } && !claimed.AsSpan().ContainsAnyExcept(UrlCharacters) && Normal(claimed) is { } normal && normal == Normal(url));

    // The framework lowers scheme and host, adds the port, resolves dots, and unescapes what needs no escape.
    private static string? Normal(string url) =>
        WithUpperEscapes(url) is { } text && Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http" && uri.UserInfo.Length == 0
            ? $"{uri.Scheme}://{uri.IdnHost}:{uri.Port}{uri.AbsolutePath}"
            : null;

    private static string? WithUpperEscapes(string url)
    {
        var at = url.IndexOf('%');
        if (at < 0)
        {
            return url;
        }

        var text = url.ToCharArray();
        for (; at < text.Length; at++)
        {
            if (text[at] != '%')
            {
                continue;
            }

            if (at + 2 >= text.Length || !char.IsAsciiHexDigit(text[at + 1]) || !char.IsAsciiHexDigit(text[at + 2]))
            {
                return null;
            }

            text[at + 1] = char.ToUpperInvariant(text[at + 1]);
            text[at + 2] = char.ToUpperInvariant(text[at + 2]);
        }

        return new string(text);
    }
}
