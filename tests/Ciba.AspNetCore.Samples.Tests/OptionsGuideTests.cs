using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Ciba.AspNetCore.Redis;

namespace Ciba.AspNetCore.Samples.Tests;

/// <summary>The tables of options in the guides, compared with the defaults in the code.</summary>
public sealed partial class OptionsGuideTests
{
    [TestCase("options.md", typeof(CibaOptions)), TestCase("options.md", typeof(CibaJwtTokenIssuerOptions)), TestCase("options.md", typeof(CibaWebhookOptions)), TestCase("redis.md", typeof(CibaRedisOptions))]
    public void A_guide_lists_every_option_with_its_default(string guide, Type options)
    {
        var lines = File.ReadLines(Path.Combine(Repository.Root, "src", "Ciba.AspNetCore", "docs", guide));
        var section = guide == "redis.md" ? lines : lines.SkipWhile(line => line != $"## {options.Name}").Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal));

        var documented = section.Select(line => Row().Match(line)).Where(row => row.Success).ToDictionary(row => row.Groups[1].Value, row => row.Groups[2].Value.Trim('`'));

        Assert.That(documented, Is.EquivalentTo(Defaults(Activator.CreateInstance(options)!, "")));
    }

    private static Dictionary<string, string> Defaults(object options, string prefix) => options.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .SelectMany(property => property.GetValue(options) is { } value && property.PropertyType is { IsClass: true, Namespace: "Ciba.AspNetCore" }
            ? Defaults(value, $"{prefix}{property.Name}.")
            : new() { [prefix + property.Name] = Text(property.GetValue(options)) })
        .ToDictionary();

    private static string Text(object? value) => value switch
    {
        null => "not set",
        "" => "required",
        bool isTrue => isTrue ? "true" : "false",
        int number => number.ToString("N0", CultureInfo.InvariantCulture),
        TimeSpan { Ticks: 0 } => "0",
        TimeSpan time when time.TotalHours >= 1 && time.Minutes == 0 => $"{time.TotalHours} h",
        TimeSpan time when time.TotalMinutes >= 1 && time.Seconds == 0 => $"{time.TotalMinutes} min",
        TimeSpan time => $"{time.TotalSeconds} s",
        string text => text,
        IEnumerable list => list.Cast<object>().Any() ? throw new NotSupportedException("A list that is not empty.") : "empty",
        _ => value.ToString()!,
    };

    [GeneratedRegex(@"^\| `([\w.]+)` \| ([^|]*) \|")]
    private static partial Regex Row();
}
