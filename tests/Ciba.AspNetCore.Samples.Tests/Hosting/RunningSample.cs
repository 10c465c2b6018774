using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Reflection;

namespace Ciba.AspNetCore.Samples.Tests.Hosting;

/// <summary>A sample in a process of its own.</summary>
public sealed class RunningSample : IAsyncDisposable
{
    private const string Listening = "Now listening on: ";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
    private static readonly string Program = typeof(RunningSample).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "Program").Value!;

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private RunningSample(string program, string[] settings)
    {
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet";
        var start = new ProcessStartInfo(dotnet, [program, .. settings])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        _process = Process.Start(start)!;
        _process.EnableRaisingEvents = true;
        _process.OutputDataReceived += (_, e) => Read(e.Data);
        _process.ErrorDataReceived += (_, e) => Read(e.Data);
        _process.Exited += (_, _) => _address.TrySetException(new InvalidOperationException("The program did not start."));
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Where it listens.</summary>
    public Uri Address => _address.Task.Result;

    /// <summary>What it has written.</summary>
    public string Output => string.Join('\n', _lines);

    /// <summary>Starts the Quickstart.</summary>
    public static Task<RunningSample> QuickstartAsync(params string[] settings) => StartAsync("Quickstart", settings);

    /// <summary>Starts the sample of that name.</summary>
    public static Task<RunningSample> StartAsync(string sample, params string[] settings) => StartProgramAsync(ProgramOf(sample), settings);

    /// <summary>The file of the program of the sample of that name.</summary>
    public static string ProgramOf(string sample) => Program.Replace("{0}", sample, StringComparison.Ordinal);

    /// <summary>Starts the program in that file.</summary>
    public static async Task<RunningSample> StartProgramAsync(string program, params string[] settings)
    {
        var sample = new RunningSample(program, settings);
        try
        {
            await sample._address.Task.WaitAsync(Bound);
            return sample;
        }
        catch (Exception exception)
        {
            await sample.DisposeAsync();
            throw new InvalidOperationException(sample.Output, exception);
        }
    }

    /// <summary>Types a line into its terminal.</summary>
    public Task TypeAsync(string line) => _process.StandardInput.WriteLineAsync(line);

    /// <summary>Sends a form as the client <c>shop</c>.</summary>
    public async Task<(HttpStatusCode Status, string Body)> PostAsync(string path, params KeyValuePair<string, string>[] fields)
    {
        using var http = new HttpClient { BaseAddress = Address };
        using var form = new FormUrlEncodedContent(fields);
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Headers = { Authorization = CibaHost.Basic("shop", "shop-secret") }, Content = form };
        using var response = await http.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync().WaitAsync(Bound);
        _process.Dispose();
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            return;
        }

        _lines.Enqueue(line);
        if (line.IndexOf(Listening, StringComparison.Ordinal) is var at and >= 0)
        {
            _address.TrySetResult(new Uri(line[(at + Listening.Length)..]));
        }
    }
}
