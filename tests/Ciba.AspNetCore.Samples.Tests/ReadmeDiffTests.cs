namespace Ciba.AspNetCore.Samples.Tests;

/// <summary>What the README of the sample says it takes to wire CIBA into a server that is there already.</summary>
public sealed class ReadmeDiffTests
{
    private const string Mark = "<!-- existing identity server diff -->";

    private static readonly string Sample = Path.Combine(Repository.Root, "samples", "ExistingIdentityServer");

    [Test]
    public void Fewer_than_60_lines_are_added() =>
        Assert.That(Added().Sum(file => file.Value.Count), Is.InRange(20, 59));

    [Test]
    public void Every_line_that_is_added_stands_in_its_file_and_in_this_order()
    {
        using (Assert.EnterMultipleScope())
        {
            foreach (var (file, added) in Added())
            {
                var rest = File.ReadAllLines(Path.Combine(Sample, file)).AsEnumerable();
                foreach (var line in added)
                {
                    rest = rest.SkipWhile(candidate => candidate != line);
                    Assert.That(rest, Is.Not.Empty, $"{file}: {line}");
                    rest = rest.Skip(1);
                }
            }
        }
    }

    [Test]
    public void Every_line_of_the_sample_that_mentions_CIBA_is_among_them()
    {
        var added = Added();

        var others =
            from path in Directory.EnumerateFiles(Sample, "*", SearchOption.AllDirectories)
            let file = Path.GetRelativePath(Sample, path).Replace('\\', '/')
            where file != "README.md" && !file.StartsWith("bin/", StringComparison.Ordinal) && !file.StartsWith("obj/", StringComparison.Ordinal)
            from line in File.ReadAllLines(path)
            where line.Contains("ciba", StringComparison.OrdinalIgnoreCase)
            where !added.TryGetValue(file, out var lines) || !lines.Contains(line)
            select $"{file}: {line}";

        Assert.That(others, Is.Empty);
    }

    [Test]
    public void A_file_that_is_new_is_shown_whole()
    {
        using (Assert.EnterMultipleScope())
        {
            foreach (var (file, added) in Added().Where(file => file.Key is "CibaAdapter.cs" or "Pages/Approve.cshtml"))
            {
                Assert.That(added, Is.EqualTo(File.ReadAllLines(Path.Combine(Sample, file))), file);
            }
        }
    }

    /// <summary>The lines with a plus, by file.</summary>
    private static Dictionary<string, List<string>> Added()
    {
        var lines = File.ReadAllLines(Path.Combine(Sample, "README.md"))
            .SkipWhile(line => line != Mark).Skip(1)
            .SkipWhile(line => line != "```diff").Skip(1)
            .TakeWhile(line => line != "```");
        var added = new Dictionary<string, List<string>>();
        List<string> current = [];
        foreach (var line in lines)
        {
            if (line.StartsWith("+++ ", StringComparison.Ordinal))
            {
                added[line["+++ ".Length..]] = current = [];
            }
            else if (line.StartsWith('+'))
            {
                current.Add(line[1..]);
            }
        }

        return added;
    }
}
