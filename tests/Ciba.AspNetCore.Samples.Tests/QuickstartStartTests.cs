using System.Diagnostics;
using System.Reflection;

namespace Ciba.AspNetCore.Samples.Tests;

/// <summary>What is wrong with the settings of the Quickstart is said in a sentence, and it ends with 1.</summary>
public sealed class QuickstartStartTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
    private static readonly string Program = typeof(QuickstartStartTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "Quickstart").Value!;

    [TestCase("Ciba:NumberMatchin"), TestCase("Ciba:Dpop:RequireNonces"), TestCase("Ciba:RedisStore:Prefix"), TestCase("Ciba:Client:0:ClientId", "Ciba:Client")]
    public async Task A_misspelt_setting_is_named(string setting, string? named = null)
    {
        var (code, errors) = await RunAsync($"--{setting}=true");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(1));
            Assert.That(errors, Is.EqualTo($"{named ?? setting} is not a setting. Correct its name or leave it out."));
        }
    }

    [Test]
    public async Task A_configuration_file_that_cannot_be_read_is_named([Values] bool isThere)
    {
        var file = Path.Combine(Path.GetTempPath(), $"quickstart-{Guid.NewGuid():N}.json");
        if (isThere)
        {
            await File.WriteAllTextAsync(file, "{ \"Ciba\": ");
        }

        var (code, errors) = await RunAsync($"--config={file}");
        File.Delete(file);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(1));
            Assert.That(errors, Is.EqualTo($"--config: {file} is not there or holds no JSON. Correct the path or the file, or leave the setting out."));
        }
    }

    // The last setting ends it in any case, and all before it are known.
    [Test]
    public async Task Settings_that_are_known_are_none_of_them()
    {
        var (_, errors) = await RunAsync(
            "--Ciba:numbermatching=true", "--Ciba:Dpop:SigningAlgValuesSupported=", "--Ciba:MutualTls:TrustedAuthorityFiles:0=none.pem", "--Ciba:Callbacks:AllowedNetworks:0=::1",
            "--Ciba:Clients:0:ClientId=shop", "--Ciba:Redis=", "--Ciba:RedisStore:KeyPrefix=ciba", "--Ciba:Profile=Core", "--Quickstart:TrustedCallbackCertificate=none.pem");

        Assert.That(errors, Does.StartWith("Quickstart:TrustedCallbackCertificate: "));
    }

    private static async Task<(int Code, string Errors)> RunAsync(params string[] settings)
    {
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet";
        var start = new ProcessStartInfo(dotnet, [Program, "--urls=http://127.0.0.1:0", .. settings]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() };
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = await process.StandardError.ReadToEndAsync().WaitAsync(Bound);
            await process.WaitForExitAsync().WaitAsync(Bound);
            await output;
            return (process.ExitCode, errors.Trim());
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }
}
