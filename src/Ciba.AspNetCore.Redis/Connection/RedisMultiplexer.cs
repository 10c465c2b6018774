using System.Net;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>Where the multiplexer comes from.</summary>
internal sealed record RedisSource(Func<IServiceProvider, Task<RedisLink>> ConnectAsync);

/// <summary>A multiplexer, and whether it is ours to close.</summary>
internal sealed record RedisLink(IConnectionMultiplexer Multiplexer, bool IsOurs)
{
    /// <summary>A connection of our own, which keeps trying where Redis is not there yet.</summary>
    public static async Task<RedisLink> MakeAsync(ConfigurationOptions configuration)
    {
        var ours = configuration.Clone();
        ours.AbortOnConnectFail = false;
        return new RedisLink(await ConnectionMultiplexer.ConnectAsync(ours), IsOurs: true);
    }
}

/// <summary>The one multiplexer, made at the first call; a connection that failed is tried again at the next.</summary>
internal sealed partial class RedisMultiplexer(RedisSource source, IServiceProvider services, ILogger<RedisMultiplexer> logger) : IAsyncDisposable
{
    private readonly Lock _gate = new();

    private Task<IConnectionMultiplexer>? _connecting;
    private RedisLink? _link;

    /// <summary>Something may have been missed: the connection was gone for a while.</summary>
    public event Action? Restored;

    /// <summary>The multiplexer where there is one already.</summary>
    public IConnectionMultiplexer? Current => Volatile.Read(ref _link)?.Multiplexer;

    /// <summary>An end point as it stands in a connection string.</summary>
    public static string? Name(EndPoint? endPoint) => endPoint is DnsEndPoint dns ? $"{dns.Host}:{dns.Port}" : endPoint?.ToString();

    public Task<IConnectionMultiplexer> GetAsync()
    {
        lock (_gate)
        {
            return _connecting is null or { IsFaulted: true } or { IsCanceled: true } ? _connecting = ConnectAsync() : _connecting;
        }
    }

    public async Task LookForMasterAsync()
    {
        try
        {
            await (await GetAsync()).ConfigureAsync();
        }
        catch (Exception exception)
        {
            NotConfigured(exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_link is not { } link)
        {
            return;
        }

        link.Multiplexer.ConnectionFailed -= OnFailed;
        link.Multiplexer.ConnectionRestored -= OnRestored;
        if (link.IsOurs)
        {
            await link.Multiplexer.CloseAsync(allowCommandsToComplete: false);
        }
    }

    private async Task<IConnectionMultiplexer> ConnectAsync()
    {
        // Off the caller's lock.
        await Task.Yield();
        var link = await source.ConnectAsync(services);
        link.Multiplexer.ConnectionFailed += OnFailed;
        link.Multiplexer.ConnectionRestored += OnRestored;
        Volatile.Write(ref _link, link);
        return link.Multiplexer;
    }

    private void OnFailed(object? sender, ConnectionFailedEventArgs failure) => Lost(Name(failure.EndPoint), failure.ConnectionType, failure.FailureType);

    private void OnRestored(object? sender, ConnectionFailedEventArgs restored)
    {
        Back(Name(restored.EndPoint), restored.ConnectionType);
        Restored?.Invoke();
    }

    [LoggerMessage(1, LogLevel.Error, "The {Connection} connection to Redis at {EndPoint} is lost: {Failure}")]
    private partial void Lost(string? endPoint, ConnectionType connection, ConnectionFailureType failure);

    [LoggerMessage(2, LogLevel.Information, "The {Connection} connection to Redis at {EndPoint} is back")]
    private partial void Back(string? endPoint, ConnectionType connection);

    [LoggerMessage(3, LogLevel.Warning, "The new master of Redis could not be looked for")]
    private partial void NotConfigured(Exception exception);
}
