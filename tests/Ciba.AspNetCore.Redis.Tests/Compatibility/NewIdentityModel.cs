using System.Reflection;
using System.Runtime.Loader;

namespace Ciba.AspNetCore.Redis.Tests.Compatibility;

/// <summary>Runs the core, as it was compiled, on the newest IdentityModel, beside the one that everything else here uses.</summary>
internal sealed class NewIdentityModel() : AssemblyLoadContext(nameof(NewIdentityModel))
{
    public const string Version = "8.16.0";

    public static readonly string Tokens = File("Tokens");
    public static readonly string Logging = File("Logging");
    public static readonly string Abstractions = File("Abstractions");

    public SignaturesByReflection Load() =>
        new(LoadFromAssemblyPath(typeof(CibaOptions).Assembly.Location), LoadFromAssemblyPath(Tokens));

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        var file = new[] { Tokens, Logging, Abstractions }.FirstOrDefault(path => Path.GetFileNameWithoutExtension(path) == assemblyName.Name);
        return file is null ? null : LoadFromAssemblyPath(file);
    }

    private static string File(string name) => Packages.Library($"Microsoft.IdentityModel.{name}", Version);
}
