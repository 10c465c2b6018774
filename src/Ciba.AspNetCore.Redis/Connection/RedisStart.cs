using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>Connects before the host serves anybody, and says plainly where that fails.</summary>
internal sealed partial class RedisStart(
    RedisMultiplexer multiplexer,
    DecisionSignals signals,
    ICibaReplayCache replayCache,
    IOptions<CibaRedisOptions> options,
    TimeProvider time,
    ILogger<RedisStart> logger) : IHostedService
{
    private const string NotReachable = "Redis cannot be used for the state of CIBA";

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var timeout = options.Value.OperationTimeout;
        try
        {
            await multiplexer.GetAsync().WithinAsync(timeout * 3, time).WaitAsync(cancellationToken);

            // A step like any other, because a connection may be allowed to ping and not to run scripts or to write.
            await replayCache.TryUseAsync($"start {Guid.NewGuid()}", time.GetUtcNow(), cancellationToken);
            await signals.SubscribeAsync().WithinAsync(timeout, time);
        }
        catch (Exception exception) when (exception is CibaStoreUnavailableException or TimeoutException)
        {
            if (options.Value.RequireConnectionAtStart)
            {
                throw new CibaConfigurationException(
                [
                    $"{NotReachable} ({multiplexer.EndPoints}): start it, correct the connection string, or switch off CibaRedisOptions.RequireConnectionAtStart. {exception.Message}",
                ]);
            }

            StartsWithout(multiplexer.EndPoints, exception);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(1, LogLevel.Error, NotReachable + " ({EndPoints}): requests are answered 503 until it is there")]
    private partial void StartsWithout(string endPoints, Exception exception);
}
