using System.Reflection;
using System.Text.Json;

namespace Ciba.AspNetCore.Settings;

/// <summary>The values that a setting takes.</summary>
internal enum SettingKind
{
    /// <summary>Settings of its own, by name.</summary>
    Object,

    /// <summary>A list of <see cref="Setting.Item"/>.</summary>
    List,

    /// <summary>A single value.</summary>
    Text,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>A time span.</summary>
    TimeSpan,

    /// <summary>Members of any name and shape.</summary>
    Any,
}

/// <summary>A setting as <c>ConfigurationSchema.json</c> describes it: the one list of names, for editors and for the start-up check.</summary>
internal sealed class Setting
{
    /// <summary>The section that the schemas describe. A host may use another name.</summary>
    public const string RootName = "Ciba";

    /// <summary>The <c>format</c> of a time span, which JSON Schema has no name for.</summary>
    public const string TimeSpanFormat = "time-span";

    private const string ResourceName = "ConfigurationSchema.json";

    private Setting(JsonElement schema)
    {
        Kind = KindOf(schema);
        Members = schema.TryGetProperty("properties", out var properties)
            ? properties.EnumerateObject().ToDictionary(member => member.Name, member => new Setting(member.Value), StringComparer.OrdinalIgnoreCase)
            : [];
        Item = schema.TryGetProperty("items", out var items) ? new Setting(items) : null;
        Values = schema.TryGetProperty("enum", out var values) ? [.. values.EnumerateArray().Select(value => value.GetString()!)] : [];
    }

    private Setting(IEnumerable<Setting> merged)
    {
        Kind = SettingKind.Object;
        Members = merged.SelectMany(setting => setting.Members).ToDictionary(StringComparer.OrdinalIgnoreCase);
        Values = [];
    }

    public SettingKind Kind { get; }

    public Dictionary<string, Setting> Members { get; }

    public Setting? Item { get; }

    /// <summary>The only values, if there are such.</summary>
    public IReadOnlyList<string> Values { get; }

    /// <summary>The settings of the library itself.</summary>
    public static Setting Core { get; } = Of(typeof(Setting).Assembly);

    /// <summary>The settings that an assembly describes in an embedded <c>ConfigurationSchema.json</c>.</summary>
    public static Setting Of(Assembly assembly)
    {
        using var stream = assembly.GetManifestResourceStream(ResourceName)
            ?? throw new ArgumentException($"{assembly.GetName().Name} has no embedded resource {ResourceName}.", nameof(assembly));
        using var schema = JsonDocument.Parse(stream);
        return new Setting(schema.RootElement.GetProperty("properties").GetProperty(RootName));
    }

    public static Setting Merge(IEnumerable<Setting> settings) => new(settings);

    private static SettingKind KindOf(JsonElement schema) => schema.GetProperty("type").GetString() switch
    {
        "object" => schema.TryGetProperty("properties", out _) ? SettingKind.Object : SettingKind.Any,
        "array" => SettingKind.List,
        "boolean" => SettingKind.Boolean,
        "integer" => SettingKind.Integer,
        _ => schema.TryGetProperty("format", out var format) && format.ValueEquals(TimeSpanFormat) ? SettingKind.TimeSpan : SettingKind.Text,
    };
}
