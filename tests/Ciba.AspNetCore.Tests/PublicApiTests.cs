using System.Reflection;
using System.Runtime.CompilerServices;

namespace Ciba.AspNetCore.Tests;

/// <summary>The public API of the core.</summary>
public sealed class PublicApiTests() : PublicApiContract(typeof(CibaOptions).Assembly);

/// <summary>The public API of a package is what its file in <c>PublicApi</c> says: a change to it is seen in review.</summary>
public abstract class PublicApiContract(Assembly assembly, [CallerFilePath] string fixture = "")
{
    private const string Accept = "CIBA_ACCEPT_PUBLIC_API";

    private readonly string _file = $"{assembly.GetName().Name}.txt";

    [Test]
    public void The_public_api_is_the_one_that_was_agreed_on()
    {
        var found = PublicApi.Render(assembly).ToList();
        if (Environment.GetEnvironmentVariable(Accept) == "1")
        {
            File.WriteAllText(Path.Combine(Path.GetDirectoryName(fixture)!, "PublicApi", _file), string.Join('\n', found) + '\n');
            return;
        }

        var agreed = File.ReadAllLines(Path.Combine(TestContext.CurrentContext.TestDirectory, "PublicApi", _file));

        var (before, after) = (Qualified(agreed).ToList(), Qualified(found).ToList());
        string[] differences = [.. before.Except(after).Select(line => $"- {line}"), .. after.Except(before).Select(line => $"+ {line}")];
        Assert.That(found, Is.EqualTo(agreed), $"{string.Join('\n', differences)}\nIf this is meant, run the test with {Accept}=1 and commit {_file}.");
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
}
