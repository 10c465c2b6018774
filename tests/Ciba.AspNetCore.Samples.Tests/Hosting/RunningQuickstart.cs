using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;

namespace Ciba.AspNetCore.Samples.Tests.Hosting;

/// <summary>The Quickstart in a process of its own, on a port that is free.</summary>
public sealed class RunningQuickstart : IAsyncDisposable
{
    private const string Listening = "Now listening on: ";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
    private static readonly string Program = typeof(RunningQuickstart).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "Quickstart").Value!;

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private RunningQuickstart(string[] settings)
    {
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet";
        var start = new ProcessStartInfo(dotnet, [Program, .. settings]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() };
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        _process = Process.Start(start)!;
        _process.EnableRaisingEvents = true;
        _process.OutputDataReceived += (_, e) => Read(e.Data);
        _process.ErrorDataReceived += (_, e) => Read(e.Data);
        _process.Exited += (_, _) => _address.TrySetException(new InvalidOperationException("The Quickstart did not start."));
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Where it listens.</summary>
    public Uri Address => _address.Task.Result;

    /// <summary>What it has written.</summary>
    public string Output => string.Join('\n', _lines);

    public static async Task<RunningQuickstart> StartAsync(params string[] settings)
    {
        var quickstart = new RunningQuickstart(settings);
        try
        {
            await quickstart._address.Task.WaitAsync(Bound);
            return quickstart;
        }
        catch (Exception exception)
        {
            await quickstart.DisposeAsync();
            throw new InvalidOperationException(quickstart.Output, exception);
        }
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
