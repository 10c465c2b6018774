using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;

namespace Ciba.AspNetCore.Browser.Tests.Hosting;

/// <summary>The Quickstart as a person starts it, in a process of its own on a port of the system's choice.</summary>
internal sealed class Quickstart : IAsyncDisposable
{
    private const string Listening = "Now listening on: ";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
    private static readonly string Program = typeof(Quickstart).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "Quickstart").Value!;

    private readonly ConcurrentQueue<string> _lines = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Process _process;

    private Quickstart(string[] settings)
    {
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet";
        string[] arguments = [Program, "--urls=http://127.0.0.1:0", "--Quickstart:Demo=true", "--Ciba:Issuer=http://localhost:5080", "--Ciba:PollingInterval=00:00:01", "--Ciba:MinRequestLifetime=00:00:01", .. settings];

        // Not where the program stands: a person starts it from anywhere.
        var start = new ProcessStartInfo(dotnet, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() };
        start.Environment["DOTNET_gcServer"] = "0";
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, e) => Read(e.Data);
        _process.ErrorDataReceived += (_, e) => Read(e.Data);
        _process.Exited += (_, _) => _address.TrySetException(new InvalidOperationException("The Quickstart has ended."));
        AppDomain.CurrentDomain.ProcessExit += OnExit;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public Uri Address => _address.Task.Result;

    /// <summary>What it wrote.</summary>
    public string Output => string.Join('\n', _lines);

    public static async Task<Quickstart> StartAsync(params string[] settings)
    {
        var quickstart = new Quickstart(settings);
        try
        {
            await quickstart._address.Task.WaitAsync(Bound);
            return quickstart;
        }
        catch (Exception exception)
        {
            await quickstart.DisposeAsync();
            throw new InvalidOperationException($"The Quickstart did not start: {quickstart.Output}", exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
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
        if (line.IndexOf(Listening, StringComparison.Ordinal) is >= 0 and var place)
        {
            _address.TrySetResult(new Uri(line[(place + Listening.Length)..].Trim()));
        }
    }

    private void OnExit(object? sender, EventArgs e) => _process.Kill();
}
