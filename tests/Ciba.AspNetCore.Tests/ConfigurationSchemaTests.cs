using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace Ciba.AspNetCore.Tests;

/// <summary>The schema of the core's settings.</summary>
public sealed class ConfigurationSchemaTests() : ConfigurationSchemaContract(typeof(CibaOptions).Assembly)
{
    protected override JsonObject Members(OptionsSchema schema)
    {
        var members = schema.MembersOf(new CibaOptions());
        members["Clients"] = new JsonObject
        {
            ["type"] = "array",
            ["items"] = new JsonObject { ["type"] = "object", ["properties"] = schema.MembersOf(new CibaClient()) },
            ["description"] = "The clients, for AddClients.",
        };
        return members;
    }
}

/// <summary>
/// <c>ConfigurationSchema.json</c> of a package, which editors read and which says at the start what is known, has every option that a
/// configuration can set and no other.
/// </summary>
public abstract class ConfigurationSchemaContract(Assembly assembly, [CallerFilePath] string fixture = "")
{
    private const string Accept = "CIBA_ACCEPT_SCHEMA";

    protected abstract JsonObject Members(OptionsSchema schema);

    [Test]
    public void The_schema_is_that_of_the_options()
    {
        var expected = OptionsSchema.Render(Members(new OptionsSchema(assembly)));
        if (Environment.GetEnvironmentVariable(Accept) == "1")
        {
            File.WriteAllText(Path.Combine(Path.GetDirectoryName(fixture)!, "..", "..", "src", assembly.GetName().Name!, "ConfigurationSchema.json"), expected);
            return;
        }

        using var reader = new StreamReader(assembly.GetManifestResourceStream("ConfigurationSchema.json")!);

        Assert.That(
            reader.ReadToEnd().Split('\n'),
            Is.EqualTo(expected.Split('\n')),
            $"An option has come, gone or changed: run this test with {Accept}=1, and commit ConfigurationSchema.json.");
    }
}
