using System.Collections.Concurrent;
using System.Diagnostics;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>One run of a program of Redis.</summary>
internal sealed class RedisProcess
{
    private const string Server = "redis-server";

    private readonly ConcurrentQueue<string> _lines = new();
    private readonly TaskCompletionSource<bool> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Process _process;
    private readonly Task _ended;

    public RedisProcess(string program, string folder, string[] arguments)
    {
        var file = Find(program) ?? throw new InvalidOperationException(
            $"There is no {program} on the path: install Redis, or name its server in the environment variable CIBA_TEST_REDIS_SERVER.");
        var start = new ProcessStartInfo(file, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, e) => Read(e.Data);
        _process.ErrorDataReceived += (_, e) => Read(e.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        _ended = EndAsync();
    }

    public int Id => _process.Id;

    public string Output => string.Join('\n', _lines);

    /// <summary>The path of a program of Redis; null where there is none.</summary>
    public static string? Find(string program)
    {
        var named = Environment.GetEnvironmentVariable("CIBA_TEST_REDIS_SERVER");
        if (!string.IsNullOrEmpty(named) && program == Server)
        {
            return File.Exists(named) ? named : null;
        }

        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Prepend(Path.GetDirectoryName(named) ?? "");
        return folders.Where(folder => folder.Length > 0).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
    }

    /// <summary>Waits until the server accepts connections, its data being read; false where it ended before.</summary>
    public Task<bool> ReadyAsync() => _ready.Task;

    /// <summary>Waits for the end, and gives the exit code.</summary>
    public async Task<int> EndedAsync()
    {
        await _ended;
        return _process.ExitCode;
    }

    public Task KillAsync()
    {
        _process.Kill();
        return _ended;
    }

    private async Task EndAsync()
    {
        await _process.WaitForExitAsync();
        _ready.TrySetResult(false);
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            return;
        }

        _lines.Enqueue(line);
        if (line.Contains("Ready to accept connections", StringComparison.Ordinal))
        {
            _ready.TrySetResult(true);
        }
    }
}
