using System.Net;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>Where the multiplexer comes from, whether it is ours to close, and to which end points it goes where that is known before.</summary>
internal sealed record RedisSource(Func<IServiceProvider, Task<IConnectionMultiplexer>> ConnectAsync, bool IsOurs, IReadOnlyCollection<EndPoint>? EndPoints = null);

/// <summary>The one multiplexer, made at the first call; a connection that failed is tried again at the next.</summary>
internal sealed partial class RedisMultiplexer(RedisSource source, IServiceProvider services, ILogger<RedisMultiplexer> logger) : IAsyncDisposable
{
    private readonly Lock _gate = new();

    private Task<IConnectionMultiplexer>? _connecting;
    private IConnectionMultiplexer? _current;

    /// <summary>Something may have been missed: the connection was gone for a while.</summary>
    public event Action? Restored;

    /// <summary>The multiplexer where there is one already.</summary>
    public IConnectionMultiplexer? Current => Volatile.Read(ref _current);

    /// <summary>Where it goes, for a log: nothing else that a connection string holds.</summary>
    public string EndPoints => (Current?.GetEndPoints() ?? source.EndPoints) is { } known
        ? string.Join(", ", known.Select(endPoint => endPoint is DnsEndPoint named ? $"{named.Host}:{named.Port}" : endPoint.ToString()))
        : "no end point known yet";

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
        if (Current is not { } connected)
        {
            // Not awaited: that may take as long as the connection string lets it.
            _ = CloseLaterAsync();
            return;
        }

        connected.ConnectionFailed -= OnFailed;
        connected.ConnectionRestored -= OnRestored;
        if (source.IsOurs)
        {
            await connected.CloseAsync(allowCommandsToComplete: false);
        }
    }

    private async Task CloseLaterAsync()
    {
        if (source.IsOurs && _connecting is { } connecting)
        {
            await ((Task)connecting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (Current is not null)
            {
                await DisposeAsync();
            }
        }
    }

    private async Task<IConnectionMultiplexer> ConnectAsync()
    {
        // Off the caller's lock.
        await Task.Yield();
        var connected = await source.ConnectAsync(services);
        connected.ConnectionFailed += OnFailed;
        connected.ConnectionRestored += OnRestored;
        Volatile.Write(ref _current, connected);
        return connected;
    }

    private void OnFailed(object? sender, ConnectionFailedEventArgs failure) => Lost(failure.EndPoint?.ToString(), failure.ConnectionType, failure.FailureType);

    private void OnRestored(object? sender, ConnectionFailedEventArgs restored)
    {
        Back(restored.EndPoint?.ToString(), restored.ConnectionType);
        Restored?.Invoke();
    }

    [LoggerMessage(1, LogLevel.Error, "The {Connection} connection to Redis at {EndPoint} is lost: {Failure}")]
    private partial void Lost(string? endPoint, ConnectionType connection, ConnectionFailureType failure);

    [LoggerMessage(2, LogLevel.Information, "The {Connection} connection to Redis at {EndPoint} is back")]
    private partial void Back(string? endPoint, ConnectionType connection);

    [LoggerMessage(3, LogLevel.Warning, "The new master of Redis could not be looked for")]
    private partial void NotConfigured(Exception exception);
}
