using System.Diagnostics;
using System.Net;

namespace Ciba.AspNetCore.Samples.Tests;

/// <summary>What is wrong with the settings of the Quickstart is said in a sentence, and it ends with 1.</summary>
public sealed class QuickstartStartTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
    private static readonly string Program = RunningSample.ProgramOf("Quickstart");

    [TestCase("Ciba:NumberMatchin", "Ciba:NumberMatchin is not a setting of AddCiba or of what is added to it; did you mean Ciba:NumberMatching?")]
    [TestCase("Ciba:Dpop:RequireNonces", "Ciba:Dpop:RequireNonces is not a setting of AddCiba or of what is added to it; did you mean Ciba:Dpop:RequireNonce?")]
    [TestCase("Ciba:RedisStore:Prefix", "Ciba:RedisStore:Prefix is not a setting of AddCiba or of what is added to it; did you mean Ciba:RedisStore:KeyPrefix?")]
    [TestCase("Ciba:MaxPendingRequestsPerUser", "Ciba:MaxPendingRequestsPerUser has moved: write Ciba:Limits:PendingPerUser instead.")]
    public async Task A_setting_of_the_library_that_is_misspelt_or_moved_is_named_with_its_cure(string setting, string sentence)
    {
        var (code, errors) = await RunAsync($"--{setting}=true");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(1));
            Assert.That(errors, Is.EqualTo($"CIBA is not set up correctly:{Environment.NewLine}- {sentence}"));
        }
    }

    [TestCase("Quickstart:Pages"), TestCase("Quickstart:Users:0:Name2")]
    public async Task A_misspelt_setting_of_the_sample_is_named(string setting)
    {
        var (code, errors) = await RunAsync($"--{setting}=true");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(1));
            Assert.That(errors, Is.EqualTo($"{setting} is not a setting. Correct its name or leave it out."));
        }
    }

    [TestCase("Quickstart:MaxSignInFailures", "-1", "must be a whole number, or 0 for no limit.")]
    [TestCase("Quickstart:MaxSignInFailures", "many", "must be a whole number, or 0 for no limit.")]
    [TestCase("Quickstart:Demo", "yes", "must be true or false.")]
    public async Task A_setting_of_the_sample_that_cannot_be_read_is_named(string setting, string value, string problem)
    {
        var (code, errors) = await RunAsync($"--{setting}={value}");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(1));
            Assert.That(errors, Is.EqualTo($"{setting} {problem}"));
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

    // The last setting ends it in any case, and is the only one that is wrong.
    [Test]
    public async Task Settings_that_are_known_are_none_of_them()
    {
        var (_, errors) = await RunAsync(
            "--Ciba:numbermatching=true", "--Ciba:Dpop:SigningAlgValuesSupported=", "--Ciba:Callbacks:AllowedNetworks:0=::1", "--Ciba:Limits:PendingPerUser=0", "--Ciba:Limits:PendingPerUserAndClient=0",
            "--Ciba:LongPolling:Timeout=00:00:10", "--Ciba:LongPolling:MaxWaiting=1", "--Ciba:Clients:0:ClientId=shop", "--Ciba:Clients:0:ClientSecrets:0=shop-secret", "--Ciba:Clients:0:BackchannelTokenDeliveryMode=poll",
            "--Ciba:Redis=", "--Ciba:RedisStore:KeyPrefix=ciba", "--Ciba:Profile=Core", "--Ciba:Discovery:AdditionalMetadata:service_documentation=https://docs.example.com",
            "--Quickstart:Automation=true", "--Quickstart:Page=false", "--Quickstart:EcdsaCipherSuites=true", "--Quickstart:Users:0:Subject=1", "--Quickstart:Users:0:Username=alice",
            "--Ciba:PollingInterval=00:00:00");

        Assert.That(errors, Is.EqualTo($"CIBA is not set up correctly:{Environment.NewLine}- CibaOptions: PollingInterval must be between 00:00:01 and 00:05:00, not 00:00:00."));
    }

    [Test]
    public async Task The_settings_for_load_tests_are_known_and_let_one_user_have_any_number_of_requests()
    {
        await using var quickstart = await RunningSample.QuickstartAsync($"--config={Repository.Root}tests/Ciba.AspNetCore.Benchmarks/load/quickstart.json", "--urls=http://127.0.0.1:0");
        using var http = new HttpClient { BaseAddress = quickstart.Address };

        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < 40; i++)
        {
            using var form = new FormUrlEncodedContent([new("client_id", "client-post"), new("client_secret", "bench-secret-bench-secret-bench-secret-1"), new("scope", "openid"), new("login_hint", "alice@example.test")]);
            using var response = await http.PostAsync("/bc-authorize", form);
            statuses.Add(response.StatusCode);
        }

        Assert.That(statuses, Is.All.EqualTo(HttpStatusCode.OK));
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
