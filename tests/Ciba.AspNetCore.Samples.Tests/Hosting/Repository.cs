using System.Diagnostics;
using System.Reflection;

namespace Ciba.AspNetCore.Samples.Tests.Hosting;

/// <summary>The files of this repository.</summary>
public static class Repository
{
    /// <summary>Gets the folder that holds them.</summary>
    public static string Root { get; } = typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "Root").Value!;

    /// <summary>Gets what it was built as: Debug or Release.</summary>
    public static string Configuration { get; } = typeof(Repository).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    /// <summary>Runs a command of the SDK, which must succeed.</summary>
    public static async Task RunDotnetAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.That(process.ExitCode, Is.Zero, output);
    }
}
