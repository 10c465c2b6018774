using System.Globalization;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>The JSON schema that options have by their properties and documentation.</summary>
public sealed partial class OptionsSchema
{
    private const string TimeSpanPattern = @"^-?(\d+|(\d+\.)?\d{1,2}:\d{1,2}(:\d{1,2}(\.\d{1,7})?)?)$";

    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Dictionary<string, XElement> _documentation;

    public OptionsSchema(Assembly assembly) => _documentation = XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml"))
        .Descendants("member").ToDictionary(member => member.Attribute("name")!.Value);

    /// <summary>The text of the file <c>ConfigurationSchema.json</c> whose section <c>Ciba</c> has these members.</summary>
    public static string Render(JsonObject members) => JsonSerializer.Serialize(
        new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject { ["Ciba"] = new JsonObject { ["type"] = "object", ["properties"] = members } },
        },
        Format) + "\n";

    /// <summary>What options hold that a configuration can set.</summary>
    public JsonObject MembersOf(object options) => new(options.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => IsBound(property))
        .OrderBy(property => property.Name, StringComparer.Ordinal)
        .Select(property => KeyValuePair.Create(property.Name, (JsonNode?)SchemaOf(property, property.GetValue(options)))));

    private JsonObject SchemaOf(PropertyInfo property, object? value)
    {
        var schema = SchemaOf(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType, value);
        schema["description"] = Describe(property);
        return schema;
    }

    private JsonObject SchemaOf(Type type, object? value) => type switch
    {
        _ when type == typeof(string) => Simple("string", string.IsNullOrEmpty((string?)value) ? null : JsonValue.Create((string)value)),
        _ when type == typeof(bool) => Simple("boolean", value is bool known ? JsonValue.Create(known) : null),
        _ when type == typeof(int) => Simple("integer", value is int number ? JsonValue.Create(number) : null),
        _ when type == typeof(TimeSpan) => new JsonObject { ["type"] = "string", ["format"] = "time-span", ["pattern"] = TimeSpanPattern }.With("default", value is TimeSpan time ? JsonValue.Create(time.ToString("c", CultureInfo.InvariantCulture)) : null),
        { IsEnum: true } => new JsonObject { ["type"] = "string", ["enum"] = new JsonArray([.. Enum.GetNames(type).Select(name => JsonValue.Create(name))]) }.With("default", value is null ? null : JsonValue.Create(value.ToString())),
        _ when type == typeof(JsonObject) => Simple("object", null),
        _ when type.IsAssignableTo(typeof(IEnumerable<string>)) => new JsonObject { ["type"] = "array", ["items"] = Simple("string", null) },
        _ when type.Namespace == typeof(CibaOptions).Namespace => new JsonObject { ["type"] = "object", ["properties"] = MembersOf(value!) },
        _ => throw new NotSupportedException($"{type} is not bound by a configuration."),
    };

    private static JsonObject Simple(string type, JsonValue? standard) => new JsonObject { ["type"] = type }.With("default", standard);

    // Certificates and functions are for code.
    private static bool IsBound(PropertyInfo property) =>
        !property.PropertyType.IsAssignableTo(typeof(Delegate))
        && (property.CanWrite || property.PropertyType.Namespace == typeof(CibaOptions).Namespace || property.PropertyType == typeof(JsonObject) || property.PropertyType == typeof(IList<string>));

    private string Describe(PropertyInfo property)
    {
        var member = _documentation.GetValueOrDefault($"P:{property.DeclaringType!.FullName}.{property.Name}")
            ?? throw new InvalidOperationException($"{property.DeclaringType.Name}.{property.Name} has no documentation.");
        return Spaces().Replace(string.Join(' ', new[] { "summary", "value" }.Select(name => Text(member.Element(name)))), " ").Trim();
    }

    private static string Text(XContainer? element) => element is null ? "" : string.Concat(element.Nodes().Select(node => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "see" or "seealso" } see when see.Attribute("cref") is { } reference => Short(reference.Value),
        XElement { Name.LocalName: "see" } see => see.Attribute("langword")?.Value ?? see.Attribute("href")?.Value,
        XElement child => Text(child),
        _ => "",
    }));

    // Of a member of other options the options' name stands too.
    private static string Short(string reference)
    {
        var name = reference[(reference.IndexOf(':', StringComparison.Ordinal) + 1)..].Split('(')[0].Split('`')[0];
        return name[(name.LastIndexOf('.') + 1)..];
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}

internal static class JsonObjectExtensions
{
    public static JsonObject With(this JsonObject schema, string name, JsonNode? value)
    {
        if (value is not null)
        {
            schema[name] = value;
        }

        return schema;
    }
}
