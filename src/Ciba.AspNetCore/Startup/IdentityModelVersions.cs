using System.Reflection;

namespace Ciba.AspNetCore.Startup;

/// <summary>
/// The IdentityModel assemblies of one major version work together, and no others. A host that mixes them finds out by a
/// <see cref="TypeLoadException"/> in the middle of a request, unless the start says so.
/// </summary>
internal static class IdentityModelVersions
{
    private static readonly string[] Names =
    [
        "Microsoft.IdentityModel.Abstractions",
        "Microsoft.IdentityModel.JsonWebTokens",
        "Microsoft.IdentityModel.Logging",
        "Microsoft.IdentityModel.Protocols",
        "Microsoft.IdentityModel.Protocols.OpenIdConnect",
        "Microsoft.IdentityModel.Tokens",
        "System.IdentityModel.Tokens.Jwt",
    ];

    public static IEnumerable<string> Check() => Check([.. Names.Select(Find).OfType<AssemblyName>()]);

    public static IEnumerable<string> Check(IReadOnlyList<AssemblyName> assemblies)
    {
        if (assemblies.Select(assembly => assembly.Version?.Major).Distinct().Count() > 1)
        {
            var found = string.Join(", ", assemblies.Select(assembly => $"{assembly.Name} {assembly.Version}"));
            yield return $"The IdentityModel assemblies have different major versions ({found}): reference all of these packages at the highest of them.";
        }
    }

    private static AssemblyName? Find(string name)
    {
        try
        {
            return Assembly.Load(new AssemblyName(name)).GetName();
        }
        catch (IOException)
        {
            // Not part of this application.
            return null;
        }
    }
}
