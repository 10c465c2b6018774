using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>A server on this machine that speaks the protocol of Redis.</summary>
public abstract class RedisServer : IAsyncDisposable
{
    /// <summary>The kind, as it stands in the names of tests.</summary>
    public abstract string Name { get; }

    public abstract int Port { get; }

    public string Endpoint => $"127.0.0.1:{Port}";

    /// <summary>A multiplexer of its own, which also starts without the server. Close it by <c>Close(false)</c>: disposing takes seconds.</summary>
    public Task<ConnectionMultiplexer> ConnectAsync(Action<ConfigurationOptions>? change = null) => ConnectAsync(change, Endpoint);

    /// <summary>Asks over a connection of its own, so that an answer does not depend on a client library. An error is thrown.</summary>
    public Task<string> AskAsync(params string[] command) => RedisWire.AskAsync(Port, command);

    public abstract ValueTask DisposeAsync();

    internal static Task<ConnectionMultiplexer> ConnectAsync(Action<ConfigurationOptions>? change, params IEnumerable<string> endpoints)
    {
        var options = ConfigurationOptions.Parse(string.Join(',', endpoints));
        options.AbortOnConnectFail = false;
        change?.Invoke(options);
        return ConnectionMultiplexer.ConnectAsync(options);
    }
}
