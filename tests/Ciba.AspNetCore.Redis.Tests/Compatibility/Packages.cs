using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Ciba.AspNetCore.Redis.Tests.Compatibility;

/// <summary>The packages that the build has downloaded and that nothing references.</summary>
internal static partial class Packages
{
    private static readonly string Root = typeof(Packages).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "Packages").Value!;

    /// <summary>The file that a project for this runtime would get from the package.</summary>
    public static string Library(string package, string version)
    {
        var folders = Directory.GetDirectories(Path.Combine(Root, Lower(package), version, "lib"));
        var best = folders.Where(folder => Rank(folder) <= Environment.Version.Major).MaxBy(Rank)!;
        return Path.Combine(best, $"{package}.dll");
    }

    private static string Lower(string package) => package.ToLower(CultureInfo.InvariantCulture);

    // .NET 5 and later by its number, netstandard below that; .NET Framework is none of ours.
    private static int Rank(string folder)
    {
        var name = Path.GetFileName(folder);
        return Modern().Match(name) is { Success: true } modern ? int.Parse(modern.Groups[1].Value, CultureInfo.InvariantCulture)
            : name.StartsWith("netstandard", StringComparison.Ordinal) ? 0
            : -1;
    }

    [GeneratedRegex(@"^net(\d+)\.0$")]
    private static partial Regex Modern();
}
