using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>The Quickstart in a process of its own, which ends with this one at the latest.</summary>
public sealed class QuickstartProcess : IAsyncDisposable
{
    public const string Issuer = "http://localhost:5080";

    private const int Attempts = 5;

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly string Program = typeof(QuickstartProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "Quickstart").Value!;

    private readonly string[] _settings;
    private ConcurrentQueue<string> _lines = new();
    private Process? _process;
    private HttpClient _http = new();

    private QuickstartProcess(string[] settings)
    {
        _settings = settings;
        AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    /// <summary>Whether it answers, as far as is known here.</summary>
    public bool IsRunning { get; private set; }

    public Uri Address => _http.BaseAddress!;

    /// <summary>What the last run wrote.</summary>
    public string Output => string.Join('\n', _lines);

    /// <summary>One node of the provider that has this prefix on that Redis.</summary>
    public static async Task<QuickstartProcess> StartAsync(string redis, string prefix, params string[] settings)
    {
        var node = new QuickstartProcess(
        [
            $"--Ciba:Redis={redis}", $"--Ciba:RedisStore:KeyPrefix={prefix}", $"--Ciba:Issuer={Issuer}", "--Ciba:Limits:PendingPerUser=0",
            "--Ciba:Limits:PendingPerUserAndClient=0", "--Ciba:Limits:NotificationsPerUser=0", "--Ciba:Limits:NotificationsPerUserAndClient=0",
            "--Ciba:MinRequestLifetime=00:00:01", "--Quickstart:Demo=true", "--Quickstart:Automation=true", "--Logging:LogLevel:Default=Warning", .. settings,
        ]);
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                node._http.Dispose();
                node._http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{FreePort.Next()}"), Timeout = Bound };
                if (await node.TryStartAsync(mayBeTaken: attempt < Attempts))
                {
                    return node;
                }
            }
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    public async Task<Answer> SendAsync(HttpRequestMessage request)
    {
        var response = await _http.SendAsync(request);
        return new Answer(response, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Ends it in the middle of whatever it does.</summary>
    public async Task KillAsync()
    {
        IsRunning = false;
        if (_process is { } process)
        {
            _process = null;
            process.Kill();
            await process.WaitForExitAsync().WaitAsync(Bound);
            process.Dispose();
        }
    }

    /// <summary>Starts it again under its address, killing it first where it runs.</summary>
    public async Task RestartAsync()
    {
        await KillAsync();
        await TryStartAsync(mayBeTaken: false);
    }

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        await KillAsync();
        _http.Dispose();
    }

    private async Task<bool> TryStartAsync(bool mayBeTaken)
    {
        var process = Start();
        _process = process;
        using var bound = new CancellationTokenSource(Bound);
        while (!process.HasExited)
        {
            if (await AnswersAsync(bound.Token))
            {
                IsRunning = true;
                return true;
            }

            await Task.Delay(Pause, bound.Token);
        }

        // Also waits for the rest of the output.
        await process.WaitForExitAsync(bound.Token);
        return mayBeTaken && Output.Contains("address already in use", StringComparison.OrdinalIgnoreCase)
            ? false
            : throw new InvalidOperationException($"The Quickstart did not start: {Output}");
    }

    private Process Start()
    {
        var lines = _lines = new ConcurrentQueue<string>();
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet";
        var start = new ProcessStartInfo(dotnet, [Program, $"--urls={_http.BaseAddress}", .. _settings]) { RedirectStandardOutput = true, RedirectStandardError = true };

        // Many of them share this machine with the tests.
        start.Environment["DOTNET_gcServer"] = "0";
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, e) => Read(e.Data);
        process.ErrorDataReceived += (_, e) => Read(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;

        void Read(string? line)
        {
            if (line is not null)
            {
                lines.Enqueue(line);
            }
        }
    }

    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await _http.GetAsync("/jwks", cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private void OnExit(object? sender, EventArgs e) => _process?.Kill();
}
