using System.Reflection;

namespace Ciba.AspNetCore.Samples.Tests.Hosting;

/// <summary>The files of this repository.</summary>
public static class Repository
{
    /// <summary>Gets the folder that holds them.</summary>
    public static string Root { get; } = typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "Root").Value!;
}
