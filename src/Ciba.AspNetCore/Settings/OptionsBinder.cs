using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;

namespace Ciba.AspNetCore.Settings;

/// <summary>
/// Sets options from settings that <see cref="SettingsReader"/> has found right. Not by the binding generator, which would write code
/// for every property of the certificates that <see cref="CibaMutualTlsOptions.TrustedAuthorities"/> holds.
/// </summary>
internal static class OptionsBinder
{
    // Trimming keeps the properties of these; a test looks whether one is missing.
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicProperties, typeof(CibaOptions))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicProperties, typeof(CibaCallbackOptions))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicProperties, typeof(CibaClientKeyOptions))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicProperties, typeof(CibaDeviceApiOptions))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicProperties, typeof(CibaDiscoveryOptions))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicProperties, typeof(CibaDpopOptions))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicProperties, typeof(CibaLimitOptions))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicProperties, typeof(CibaLongPollingOptions))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicProperties, typeof(CibaMutualTlsOptions))]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "The properties are kept by the attributes above.")]
    public static void Bind(object options, IConfiguration section)
    {
        foreach (var setting in section.GetChildren())
        {
            // Child sections of packages have options of their own.
            if (options.GetType().GetProperty(setting.Key, BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase) is { } property)
            {
                Set(options, property, setting);
            }
        }
    }

    // A setting without a value is null in the configuration: as if it were not there.
    private static void Set(object options, PropertyInfo property, IConfigurationSection setting)
    {
        var hasChildren = setting.GetChildren().Any();
        switch (Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType)
        {
            case var _ when !hasChildren && setting.Value is null:
                break;

            case var type when type == typeof(string[]):
                property.SetValue(options, Texts(setting).ToArray());
                break;

            case var type when type == typeof(IList<string>):
                foreach (var text in Texts(setting))
                {
                    ((IList<string>)property.GetValue(options)!).Add(text);
                }

                break;

            case var type when type == typeof(JsonObject):
                JsonSettings.Read(setting, (JsonObject)property.GetValue(options)!);
                break;

            case var _ when hasChildren:
                Bind(property.GetValue(options)!, setting);
                break;

            case var type when Convert(type, setting.Value!) is { } value:
                property.SetValue(options, value);
                break;
        }
    }

    private static IEnumerable<string> Texts(IConfigurationSection list) => list.GetChildren().Select(entry => entry.Value).OfType<string>();

    // What is empty is not set, as command lines and environments cannot leave out a name.
    private static object? Convert(Type type, string text) => type switch
    {
        _ when type == typeof(string) => text,
        _ when text.Length == 0 => null,
        _ when type == typeof(bool) => bool.Parse(text),
        _ when type == typeof(int) => int.Parse(text, CultureInfo.InvariantCulture),
        _ when type == typeof(TimeSpan) => TimeSpan.Parse(text, CultureInfo.InvariantCulture),
        { IsEnum: true } => Enum.Parse(type, text, ignoreCase: true),
        _ => null,
    };
}
