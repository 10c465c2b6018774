using System.IO.Compression;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Ciba.AspNetCore.Samples.Tests;

/// <summary>What a package site shows of the packages.</summary>
public sealed partial class PackageTests
{
    private static readonly string[] Projects = [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories).Select(path => Path.GetFileNameWithoutExtension(path)!)];

    [TestCaseSource(nameof(Projects))]
    public async Task A_package_has_its_own_readme_an_icon_release_notes_tags_and_a_repository_type(string project)
    {
        using var folder = new TemporaryFolder();
        await Repository.RunDotnetAsync("pack", Path.Combine(Repository.Root, "src", project), "-c", Repository.Configuration, "--no-build", "-o", folder.Path, "-nodeReuse:false");

        using var package = await ZipFile.OpenReadAsync(Directory.EnumerateFiles(folder.Path, "*.nupkg").Single());
        var metadata = XDocument.Parse(Text(package, $"{project}.nuspec")).Root!.Elements().Single();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Text(package, Value("readme")), Is.EqualTo(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "src", project, "README.md"))));
            Assert.That(package.GetEntry(Value("icon"))!.Length, Is.InRange(200, 20_000));
            Assert.That(Value("releaseNotes"), Does.StartWith("# Changelog"));
            Assert.That(Value("tags").Split(' '), Does.Contain("ciba"));
            Assert.That(Value("license"), Is.EqualTo("MIT"));
            Assert.That(Value("description"), Has.Length.InRange(40, 300));
            Assert.That(Element("repository").Attribute("type")!.Value, Is.EqualTo("git"));
        }

        string Value(string name) => Element(name).Value;
        XElement Element(string name) => metadata.Elements().Single(element => element.Name.LocalName == name);
    }

    [TestCaseSource(nameof(Projects))]
    public void A_readme_that_is_packed_has_no_image_or_link_with_a_relative_address(string project)
    {
        var readme = File.ReadAllText(Path.Combine(Repository.Root, "src", project, "README.md"));

        Assert.That(RelativeAddress().Matches(readme).Select(match => match.Value), Is.Empty);
    }

    private static string Text(ZipArchive package, string entry)
    {
        using var reader = new StreamReader(package.GetEntry(entry)!.Open());
        return reader.ReadToEnd();
    }

    [GeneratedRegex("""(\]\(|src="|href=")(?!https://|#)[^)"]*""")]
    private static partial Regex RelativeAddress();
}
