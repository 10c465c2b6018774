using System.Diagnostics;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>A <c>redis-server</c> process in a folder of its own, which ends with this process at the latest.</summary>
public sealed class RealRedisServer : RedisServer
{
    private const int Attempts = 5;
    private const string Shell = "/bin/sh";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("ciba-redis-").FullName;
    private readonly string[] _arguments;
    private RedisProcess? _process;
    private Process? _watch;
    private int _port;

    private RealRedisServer(string[] arguments) => _arguments = arguments;

    /// <summary>Whether <c>redis-server</c> is on the path, or the environment variable CIBA_TEST_REDIS_SERVER names one.</summary>
    public static bool IsInstalled => RedisProcess.Find("redis-server") is not null;

    public override string Name => RedisServers.RealKind;

    public override int Port => _port;

    /// <summary>Also true while it is paused.</summary>
    public bool IsRunning => _process is not null;

    /// <summary>Keeps everything in memory unless the arguments, those of the command line, say otherwise.</summary>
    public static Task<RealRedisServer> StartAsync(params string[] arguments) => StartAsync(FreePort.Next, arguments);

    internal static async Task<RealRedisServer> StartAsync(Func<int> nextPort, params string[] arguments)
    {
        var server = new RealRedisServer(arguments);
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                server._port = nextPort();
                if (await server.TryStartAsync(mayBeTaken: attempt < Attempts))
                {
                    return server;
                }
            }
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends it in the middle of whatever it does.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            _watch?.Kill();
            await process.KillAsync().WaitAsync(Bound);
        }
    }

    /// <summary>Starts it again on its port and in its folder; kills it first where it runs.</summary>
    public async Task RestartAsync()
    {
        await KillAsync();
        await TryStartAsync(mayBeTaken: false);
    }

    /// <summary>Stops it in its tracks: its connections stay open and nothing is answered.</summary>
    public void Pause() => Signal("STOP");

    public void Resume() => Signal("CONT");

    public override async ValueTask DisposeAsync()
    {
        await KillAsync();
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private async Task<bool> TryStartAsync(bool mayBeTaken)
    {
        var process = new RedisProcess(
            "redis-server", _folder, ["--port", $"{_port}", "--bind", "127.0.0.1", "--dir", _folder, "--save", "", "--appendonly", "no", .. _arguments]);
        _process = process;
        _watch = Watch(process.Id, _folder);
        if (await process.ReadyAsync().WaitAsync(Bound))
        {
            Assert.That(await AskAsync("PING"), Is.EqualTo("PONG"));
            return true;
        }

        await KillAsync();
        return mayBeTaken && process.Output.Contains("Address already in use", StringComparison.Ordinal)
            ? false
            : throw new InvalidOperationException($"redis-server did not start on port {_port}: {process.Output}");
    }

    // The shell's own kill, which is everywhere: the numbers of these signals differ between systems.
    private void Signal(string name)
    {
        var process = _process ?? throw new InvalidOperationException("The server does not run.");
        using var shell = Process.Start(Shell, ["-c", $"kill -{name} {process.Id}"]);
        shell.WaitForExit();
        Assert.That(shell.ExitCode, Is.Zero, $"kill -{name}");
    }

    // A shell that waits for the end of its input, which comes with the end of this process, however that ends.
    private static Process Watch(int process, string folder)
    {
        const string Script = "trap '' HUP INT TERM; read _; kill -9 \"$0\"; rm -rf -- \"$1\"";
        return Process.Start(new ProcessStartInfo(Shell, ["-c", Script, $"{process}", folder]) { RedirectStandardInput = true })!;
    }
}
