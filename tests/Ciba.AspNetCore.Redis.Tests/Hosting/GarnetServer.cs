using System.Reflection;
using System.Runtime.Loader;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>A server in this process, for machines without Redis. Its assemblies do not meet those of the tests.</summary>
public sealed class GarnetServer : RedisServer
{
    private const int Attempts = 5;

    private static readonly Lazy<Type> ServerType = new(Load);

    private readonly IDisposable _server;

    private GarnetServer(IDisposable server, int port) => (_server, Port) = (server, port);

    public override string Name => RedisServers.GarnetKind;

    public override int Port { get; }

    public static GarnetServer Start() => Start(FreePort.Next);

    internal static GarnetServer Start(Func<int> nextPort)
    {
        for (var attempt = 1; ; attempt++)
        {
            var port = nextPort();
            try
            {
                return new GarnetServer(Start(port), port);
            }
            catch (TargetInvocationException) when (attempt < Attempts)
            {
                // Somebody else was faster at this port.
            }
        }
    }

    public override ValueTask DisposeAsync()
    {
        _server.Dispose();
        return ValueTask.CompletedTask;
    }

    private static IDisposable Start(int port)
    {
        // Without the transaction mode a script is not atomic.
        string[] arguments = ["--port", $"{port}", "--bind", "127.0.0.1", "--lua", "--lua-transaction-mode", "--index", "16m", "-q", "--logger-level", "None"];
        var server = (IDisposable)Activator.CreateInstance(ServerType.Value, arguments, null, false, null)!;
        try
        {
            ServerType.Value.GetMethod("Start", [])!.Invoke(server, []);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    private static Type Load()
    {
        var folder = typeof(GarnetServer).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "Garnet").Value!;
        return new Context(folder).LoadFromAssemblyPath(Path.Combine(folder, "Garnet.host.dll")).GetType("Garnet.GarnetServer", throwOnError: true)!;
    }

    private sealed class Context(string folder) : AssemblyLoadContext("Garnet")
    {
        private readonly AssemblyDependencyResolver _resolver = new(Path.Combine(folder, "GarnetServer.dll"));

        protected override Assembly? Load(AssemblyName assemblyName) =>
            _resolver.ResolveAssemblyToPath(assemblyName) is { } path ? LoadFromAssemblyPath(path) : null;

        protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
            _resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } path ? LoadUnmanagedDllFromPath(path) : 0;
    }
}
