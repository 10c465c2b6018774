using System.Collections.Frozen;
using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Ciba.AspNetCore.Settings;

/// <summary>
/// Reads a section as the settings describe it. The binder passes over what it does not know or what has another shape, and the
/// setting would have its default then.
/// </summary>
/// <param name="settings">The settings of the section.</param>
/// <param name="owner">What a name that is not known is no setting of.</param>
/// <param name="prefix">Precedes the name of a setting in a problem.</param>
internal sealed class SettingsReader(Setting settings, string owner, string prefix)
{
    private readonly List<string> _problems = [];
    private readonly Dictionary<string, string?> _values = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Where a setting is now, by where it was.</summary>
    public FrozenDictionary<string, string> Moved { get; init; } = FrozenDictionary<string, string>.Empty;

    /// <summary>A sentence for each setting that cannot be taken.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>The values that can be bound, by their path in the section.</summary>
    public IReadOnlyDictionary<string, string?> Values => _values;

    public SettingsReader Read(IConfiguration section)
    {
        ReadMembers(section, settings, "");
        return this;
    }

    private void ReadMembers(IConfiguration section, Setting setting, string path)
    {
        foreach (var child in section.GetChildren())
        {
            if (setting.Members.TryGetValue(child.Key, out var member))
            {
                ReadValue(child, member, path + child.Key);
            }
            else
            {
                _problems.Add(Unknown(child.Key, setting, path));
            }
        }
    }

    private void ReadValue(IConfigurationSection section, Setting setting, string path)
    {
        var hasChildren = section.GetChildren().Any();
        switch (setting.Kind)
        {
            case SettingKind.Object when hasChildren:
                ReadMembers(section, setting, path + ConfigurationPath.KeyDelimiter);
                break;

            case SettingKind.Object or SettingKind.Any when !hasChildren && !string.IsNullOrEmpty(section.Value):
                Problem(path, "is a single value; an object is expected");
                break;

            case SettingKind.Any when !hasChildren:
                break;

            case SettingKind.List when setting.Item!.Kind == SettingKind.Object:
                // Who takes the list reads each object by itself.
                break;

            case SettingKind.List when hasChildren && section.GetChildren().Any(entry => entry.GetChildren().Any()):
                Problem(path, "holds a list or an object; texts are expected");
                break;

            case SettingKind.List when !hasChildren && !string.IsNullOrEmpty(section.Value):
                Problem(path, "is a single value; a list is expected");
                break;

            case not (SettingKind.Object or SettingKind.Any or SettingKind.List) when hasChildren:
                Problem(path, "is a list or an object; a single value is expected");
                break;

            case var _ when !string.IsNullOrEmpty(section.Value) && WhyNot(setting, section.Value) is { } rule:
                // Without the value, which may be a secret in the wrong place.
                Problem(path, rule);
                break;

            default:
                Keep(section, setting, path);
                break;
        }
    }

    private static string? WhyNot(Setting setting, string value) => setting.Kind switch
    {
        SettingKind.Boolean when !bool.TryParse(value, out _) => "must be true or false",
        SettingKind.Integer when !int.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out _) => "must be a whole number",
        SettingKind.TimeSpan when !TimeSpan.TryParse(value, CultureInfo.InvariantCulture, out _) => "must be a time span, for instance 00:00:30",
        SettingKind.Text when setting.Values.Count > 0 && !setting.Values.Contains(value, StringComparer.OrdinalIgnoreCase) => $"must be one of {string.Join(", ", setting.Values)}",
        _ => null,
    };

    private void Keep(IConfigurationSection section, Setting setting, string path)
    {
        var children = section.GetChildren().ToList();
        if (children.Count == 0 && setting.Kind == SettingKind.Any && string.IsNullOrEmpty(section.Value))
        {
            Problem(path, "is empty; leave it out");
        }
        else if (children.Count == 0)
        {
            _values[path] = section.Value;
        }

        foreach (var child in children)
        {
            Keep(child, setting, path + ConfigurationPath.KeyDelimiter + child.Key);
        }
    }

    private void Problem(string path, string rule) => _problems.Add($"{prefix}{path} {rule}.");

    private string Unknown(string key, Setting parent, string path)
    {
        if (Moved.TryGetValue(path + key, out var moved))
        {
            return $"{prefix}{path}{key} has moved: write {prefix}{moved} instead.";
        }

        // Those beside it come first; it may also stand at the wrong depth.
        var nearest = NearestName.Find(key, parent.Members.Keys.Select(name => (name, path + name)).Concat(Below(settings, "")));
        return $"{prefix}{path}{key} is not a setting of {owner}; {(nearest is null ? "correct its name or leave it out." : $"did you mean {prefix}{nearest}?")}";
    }

    private static IEnumerable<(string Name, string Path)> Below(Setting setting, string path) => setting.Members.SelectMany(member =>
        Below(member.Value, path + member.Key + ConfigurationPath.KeyDelimiter).Prepend((member.Key, path + member.Key)));
}
