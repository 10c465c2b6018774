using System.Runtime.CompilerServices;

namespace Ciba.AspNetCore.Tests;

/// <summary>The public API is what is written down in <c>PublicApi/Ciba.AspNetCore.txt</c>: a change to it is seen in review.</summary>
public sealed class PublicApiTests
{
    private const string File = "Ciba.AspNetCore.txt";
    private const string Accept = "CIBA_ACCEPT_PUBLIC_API";

    [Test]
    public void The_public_api_is_the_one_that_was_agreed_on()
    {
        var found = PublicApi.Render(typeof(CibaOptions).Assembly).ToList();
        if (Environment.GetEnvironmentVariable(Accept) == "1")
        {
            System.IO.File.WriteAllText(SourcePath(), string.Join('\n', found) + '\n');
            return;
        }

        var agreed = System.IO.File.ReadAllLines(Path.Combine(TestContext.CurrentContext.TestDirectory, "PublicApi", File));

        var (before, after) = (Qualified(agreed).ToList(), Qualified(found).ToList());
        string[] differences = [.. before.Except(after).Select(line => $"- {line}"), .. after.Except(before).Select(line => $"+ {line}")];
        Assert.That(found, Is.EqualTo(agreed), $"{string.Join('\n', differences)}\nIf this is meant, run the test with {Accept}=1 and commit {File}.");
    }

    // A member's line says nothing without its type.
    private static IEnumerable<string> Qualified(IEnumerable<string> lines)
    {
        var type = "";
        foreach (var line in lines)
        {
            if (line[0] == ' ')
            {
                yield return $"{type} / {line.Trim()}";
            }
            else
            {
                yield return type = line;
            }
        }
    }

    private static string SourcePath([CallerFilePath] string thisFile = "") => Path.Combine(Path.GetDirectoryName(thisFile)!, "PublicApi", File);
}
