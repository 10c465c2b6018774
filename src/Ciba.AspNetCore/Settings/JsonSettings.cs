using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;

namespace Ciba.AspNetCore.Settings;

/// <summary>JSON from a configuration, which knows only texts.</summary>
internal static class JsonSettings
{
    /// <summary>Sets the members that the section has.</summary>
    public static void Read(IConfigurationSection section, JsonObject members)
    {
        foreach (var child in section.GetChildren())
        {
            members[child.Key] = ToNode(child);
        }
    }

    private static JsonNode ToNode(IConfigurationSection section)
    {
        var children = section.GetChildren().ToList();
        if (children.Count == 0)
        {
            return ToValue(section.Value ?? "");
        }

        if (children.All(child => int.TryParse(child.Key, out _)))
        {
            return new JsonArray([.. children.Select(ToNode)]);
        }

        var members = new JsonObject();
        Read(section, members);
        return members;
    }

    // A text that looks like a number or a boolean stands in quotation marks.
    private static JsonValue ToValue(string text)
    {
        if (bool.TryParse(text, out var boolean))
        {
            return JsonValue.Create(boolean);
        }

        if (text is ['-' or (>= '0' and <= '9') or '"', ..])
        {
            try
            {
                return JsonNode.Parse(text)!.AsValue();
            }
            catch (JsonException)
            {
                // It is no number, but a text such as 2026-01-15.
            }
        }

        return JsonValue.Create(text);
    }
}
