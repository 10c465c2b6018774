namespace Ciba.AspNetCore.Protocol;

/// <summary>Lists of values that are separated by spaces, such as <c>scope</c> and <c>acr_values</c>.</summary>
internal static class SpaceSeparated
{
    private static readonly string[] OpenIdOnly = ["openid"];

    /// <summary>RFC 6749 section 3.3: whether the text is one scope value. An authentication context class is held to the same.</summary>
    public static bool IsValue(string text) =>
        !string.IsNullOrEmpty(text) && text.All(c => c is >= '!' and <= '~' and not ('"' or '\\'));

    /// <summary>The values of a list, each once, in their order.</summary>
    public static string[] Values(string? list) =>
        list is null or "" ? [] : list is "openid" ? OpenIdOnly : [.. list.Split(' ', StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal)];
}
