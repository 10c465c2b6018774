using System.Reflection;
using System.Text.RegularExpressions;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>The user of Redis that the documentation describes.</summary>
internal static partial class DocumentedUser
{
    private const string Password = "password";

    /// <summary>Makes the user for another prefix; answers what the connection string says of it.</summary>
    public static async Task<string> CreateAsync(RedisServer server, string prefix, params string[] more)
    {
        var root = typeof(DocumentedUser).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "Root").Value!;
        var described = Directory.EnumerateFiles(Path.Combine(root, "src"), "*.md", SearchOption.AllDirectories)
            .Append(Path.Combine(root, "README.md"))
            .Select(file => Command().Match(File.ReadAllText(file)))
            .First(match => match.Success);
        string[] rules = described.Groups["rules"].Value.Replace("ciba", prefix, StringComparison.Ordinal).Split([' ', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries);
        Assert.That(rules, Does.Contain($">{Password}"));
        await server.AskAsync(["ACL", "SETUSER", prefix, .. rules, .. more]);
        return $"user={prefix},password={Password}";
    }

    [GeneratedRegex("ACL SETUSER ciba (?<rules>[^`]+)```")]
    private static partial Regex Command();
}
