using System.Net;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>The one multiplexer, made at the first call; a connection that failed is tried again at the next.</summary>
internal sealed partial class RedisMultiplexer(RedisSource source, IServiceProvider services, ILogger<RedisMultiplexer> logger) : IDisposable, IAsyncDisposable
{
    private readonly Lock _gate = new();

    private Task<IConnectionMultiplexer>? _connecting;
    private RedisLink? _link;
    private bool _disposed;

    /// <summary>A connection to a server is gone: the one for steps or the one for messages.</summary>
    public event Action<EndPoint?>? Failed;

    /// <summary>A connection to a server was gone for a while.</summary>
    public event Action<EndPoint?>? Restored;

    /// <summary>Another server may be the master now, of all keys or of some.</summary>
    public event Action? TopologyChanged;

    /// <summary>The multiplexer where there is one already.</summary>
    public IConnectionMultiplexer? Current => Volatile.Read(ref _link)?.Multiplexer;

    /// <summary>Where it leads, for a log: nothing else that a connection string holds.</summary>
    public string EndPoints => (Current?.GetEndPoints() ?? source.Configuration(services)?.EndPoints.ToArray()) is { } known ? string.Join(", ", known.Select(Name)) : "no end point known yet";

    /// <summary>Whether a server may be the master of a shard, which a key of it stands for. One of which nothing is known may be.</summary>
    public bool MayBeMasterOf(EndPoint? server, RedisKey key)
    {
        if (server is null || Current is not { } connected)
        {
            return true;
        }

        return ClusterOf(connected) is { } cluster
            ? cluster.GetBySlot(key)?.EndPoint is not { } master || master.Equals(server)
            : connected.GetServers().FirstOrDefault(one => server.Equals(one.EndPoint)) is not { IsReplica: true };
    }

    /// <summary>The cluster that it leads to, as far as it is known; null if it leads to none.</summary>
    public static ClusterConfiguration? ClusterOf(IConnectionMultiplexer connected) =>
        connected.GetServers().Select(server => server.ClusterConfiguration).FirstOrDefault(known => known is not null);

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

    public void Dispose()
    {
        if (LetGo() is { } ours)
        {
            ours.Close(allowCommandsToComplete: false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (LetGo() is { } ours)
        {
            await ours.CloseAsync(allowCommandsToComplete: false);
        }
    }

    private static string? Name(EndPoint? endPoint) => endPoint is DnsEndPoint dns ? $"{dns.Host}:{dns.Port}" : endPoint?.ToString();

    private async Task<IConnectionMultiplexer> ConnectAsync()
    {
        // Off the caller's lock.
        await Task.Yield();
        var link = await LinkAsync();
        link.Multiplexer.ConnectionFailed += OnFailed;
        link.Multiplexer.ConnectionRestored += OnRestored;
        link.Multiplexer.ConfigurationChanged += OnTopologyChanged;
        link.Multiplexer.ConfigurationChangedBroadcast += OnTopologyChanged;
        link.Multiplexer.HashSlotMoved += OnTopologyChanged;
        Volatile.Write(ref _link, link);
        if (_disposed)
        {
            // The host gave up while this was on its way.
            Dispose();
        }

        return link.Multiplexer;
    }

    // Whatever keeps a host's own function from connecting may be gone at the next call.
    private async Task<RedisLink> LinkAsync()
    {
        try
        {
            return await source.ConnectAsync(services);
        }
        catch (Exception exception) when (exception is not CibaConfigurationException)
        {
            throw new CibaStoreUnavailableException("No connection to Redis can be made.", exception);
        }
    }

    /// <summary>The multiplexer where it is ours to close, once.</summary>
    private IConnectionMultiplexer? LetGo()
    {
        _disposed = true;
        if (Interlocked.Exchange(ref _link, null) is not { } link)
        {
            return null;
        }

        link.Multiplexer.ConnectionFailed -= OnFailed;
        link.Multiplexer.ConnectionRestored -= OnRestored;
        link.Multiplexer.ConfigurationChanged -= OnTopologyChanged;
        link.Multiplexer.ConfigurationChangedBroadcast -= OnTopologyChanged;
        link.Multiplexer.HashSlotMoved -= OnTopologyChanged;
        return link.IsOurs ? link.Multiplexer : null;
    }

    private void OnFailed(object? sender, ConnectionFailedEventArgs failure)
    {
        if (failure.FailureType != ConnectionFailureType.UnableToConnect)
        {
            // A try to get it back is not said each time, nor that it was not to be had at the start.
            Lost(Name(failure.EndPoint), failure.ConnectionType, failure.FailureType);
        }

        Failed?.Invoke(failure.EndPoint);
    }

    private void OnRestored(object? sender, ConnectionFailedEventArgs restored)
    {
        Back(Name(restored.EndPoint), restored.ConnectionType);
        Restored?.Invoke(restored.EndPoint);
        TopologyChanged?.Invoke();
    }

    private void OnTopologyChanged(object? sender, EventArgs change) => TopologyChanged?.Invoke();

    [LoggerMessage(1, LogLevel.Error, "The {Connection} connection to Redis at {EndPoint} is lost: {Failure}")]
    private partial void Lost(string? endPoint, ConnectionType connection, ConnectionFailureType failure);

    [LoggerMessage(2, LogLevel.Information, "The {Connection} connection to Redis at {EndPoint} is back")]
    private partial void Back(string? endPoint, ConnectionType connection);

    [LoggerMessage(3, LogLevel.Warning, "The new master of Redis could not be looked for")]
    private partial void NotConfigured(Exception exception);
}
