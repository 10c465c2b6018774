namespace Ciba.AspNetCore.Redis.Tests.Compatibility;

/// <summary>
/// What the compiler copies into the caller, so that the published version has no say in it any more: values of enums and
/// constants, and of optional parameters that were left out.
/// </summary>
internal static class Copied
{
    /// <summary>The values of the enums among the used types that are another now, or that nobody knows any more.</summary>
    public static IEnumerable<string> EnumValues(IEnumerable<UsedMember> used, PublishedAssembly compiledAgainst, PublishedAssembly published) =>
        used.Where(member => member.Signature is null && compiledAgainst.IsEnum(member.Type))
            .SelectMany(type => Compare(type.Type, compiledAgainst, published))
            .Where(value => value.After != value.Before)
            .Select(value => $"{value.Name}: {value.Before} is {value.After ?? "gone"}");

    /// <summary>The constants of all public classes that are another now: a compiled caller does not tell which of them it copied.</summary>
    public static IEnumerable<string> Constants(PublishedAssembly compiledAgainst, PublishedAssembly published) =>
        compiledAgainst.PublicTypes().Where(type => !compiledAgainst.IsEnum(type))
            .SelectMany(type => Compare(type, compiledAgainst, published))
            .Where(value => value.After is not null && value.After != value.Before)
            .Select(value => $"{value.Name}: {value.Before} is {value.After}");

    /// <summary>Calls whose optional parameters have another value now.</summary>
    public static IEnumerable<string> Defaults(IEnumerable<UsedMember> used, PublishedAssembly compiledAgainst, PublishedAssembly published) =>
        from member in used
        where member.Signature is not null
        let before = compiledAgainst.Defaults(member)
        let after = published.Defaults(member)
        where before is not null && after is not null
        from pair in before.Zip(after)
        where pair.First is not null && pair.Second is not null && pair.First != pair.Second
        select $"{member}: {pair.First} is {pair.Second}";

    private static IEnumerable<(string Name, string Before, string? After)> Compare(string type, PublishedAssembly compiledAgainst, PublishedAssembly published)
    {
        var after = published.Constants(type);
        return compiledAgainst.Constants(type)!.Select(constant => ($"{type}.{constant.Key}", constant.Value, after?.GetValueOrDefault(constant.Key)));
    }
}
