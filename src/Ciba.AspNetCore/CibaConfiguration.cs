using System.Reflection;
using Ciba.AspNetCore.Settings;
using Microsoft.Extensions.Configuration;

namespace Ciba.AspNetCore;

/// <summary>
/// The configuration section that was given to <c>AddCiba(section)</c>: a service for packages that read settings of their own from
/// child sections of it.
/// </summary>
public sealed class CibaConfiguration
{
    private static readonly IConfiguration Empty = new ConfigurationBuilder().Build();

    private readonly Dictionary<Assembly, Setting> _packages = [];
    private readonly Lazy<SettingsReader> _read;
    private readonly Lazy<IConfiguration> _valid;

    internal CibaConfiguration()
    {
        _read = new(Read);
        _valid = new(() => new ConfigurationBuilder().AddInMemoryCollection(_read.Value.Values).Build());
    }

    internal IConfigurationSection? Section { get; private set; }

    /// <summary>What is wrong with the section, each problem with its cure.</summary>
    internal IEnumerable<string> Problems => _read.Value.Problems;

    /// <summary>What of the section can be bound.</summary>
    internal IConfiguration Valid => _valid.Value;

    /// <summary>
    /// Gets a child section. Settings that are unknown or have a value of the wrong type are left out: the start-up error names them.
    /// The section is empty if <c>AddCiba</c> was called without one.
    /// </summary>
    /// <param name="name">The name of the child section, for instance <c>Redis</c>.</param>
    public IConfigurationSection GetSection(string name) => Valid.GetSection(name);

    internal void Use(IConfigurationSection section)
    {
        if (Section is { } known && !known.Path.Equals(section.Path, StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidOperationException($"AddCiba was given the section {known.Path} before: call it with one section.");
        }

        Section = section;
    }

    internal void AddSchema(Assembly assembly) => _packages[assembly] = Setting.Of(assembly);

    private SettingsReader Read()
    {
        var settings = Setting.Merge(_packages.Values.Prepend(Setting.Core));
        return new SettingsReader(settings, "AddCiba or of what is added to it", $"{Section?.Path}{ConfigurationPath.KeyDelimiter}") { Moved = MovedSettings.All }.Read(Section ?? Empty);
    }
}
