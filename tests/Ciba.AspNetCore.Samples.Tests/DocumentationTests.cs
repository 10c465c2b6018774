using System.Text.RegularExpressions;

namespace Ciba.AspNetCore.Samples.Tests;

/// <summary>What the README, the guides and the READMEs of samples refer to.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string[] Samples = [.. Directory.EnumerateDirectories(Path.Combine(Repository.Root, "samples")).Select(path => Path.GetFileName(path)!)];

    [Test]
    public void Every_link_within_the_repository_leads_to_a_file_and_a_heading()
    {
        using (Assert.EnterMultipleScope())
        {
            foreach (var path in Documents())
            {
                foreach (Match link in Link().Matches(File.ReadAllText(path)))
                {
                    var target = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, link.Groups["path"].Value));
                    var file = link.Groups["path"].Length == 0 ? path : target;
                    var at = $"{Path.GetRelativePath(Repository.Root, path)}: {link.Value}";
                    Assert.That(File.Exists(file) || Directory.Exists(file), at);
                    if (link.Groups["heading"] is { Success: true } heading && File.Exists(file))
                    {
                        Assert.That(Headings(file), Does.Contain(heading.Value), at);
                    }
                }
            }
        }
    }

    [TestCaseSource(nameof(Samples))]
    public void Every_sample_has_a_README_with_the_command_that_starts_it(string sample) =>
        Assert.That(File.ReadAllText(Path.Combine(Repository.Root, "samples", sample, "README.md")), Does.Contain($"\ndotnet run --project samples/{sample}\n"));

    [Test]
    public void The_README_of_the_Quickstart_documents_every_setting()
    {
        var quickstart = Path.Combine(Repository.Root, "samples", "Quickstart");
        var known = KnownSettings().Match(File.ReadAllText(Path.Combine(quickstart, "Configuration.cs"))).Groups[1].Value;
        var settings = Name().Matches(known).Select(match => match.Groups[1].Value).ToList();
        var readme = File.ReadAllText(Path.Combine(quickstart, "README.md"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(settings, Has.Count.GreaterThanOrEqualTo(8));
            Assert.That(settings.Where(name => !readme.Contains($"| `Quickstart:{name}` |", StringComparison.Ordinal)), Is.Empty);
        }
    }

    private static IEnumerable<string> Documents() =>
        from folder in (string[])["", ".github", "src", "samples"]
        from path in Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.md", folder is "src" or "samples" ? SearchOption.AllDirectories : SearchOption.TopDirectoryOnly)
        where !path.Contains($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
        select path;

    // As GitHub makes anchors of headings.
    private static IEnumerable<string> Headings(string path) => File.ReadLines(path)
        .Where(line => line.StartsWith('#'))
        .Select(line => NotInAnchors().Replace(line.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-'));

    [GeneratedRegex("""\]\((?!https?:)(?<path>[^)#]*)(#(?<heading>[^)]*))?\)""")]
    private static partial Regex Link();

    [GeneratedRegex("""[^\p{L}\p{N} _-]""")]
    private static partial Regex NotInAnchors();

    [GeneratedRegex("""string\[\] Settings\s*=\s*\[(.*?)\]""", RegexOptions.Singleline)]
    private static partial Regex KnownSettings();

    [GeneratedRegex("\"(\\w+)\"")]
    private static partial Regex Name();
}
