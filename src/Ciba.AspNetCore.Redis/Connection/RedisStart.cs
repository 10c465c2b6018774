using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>Connects before the host serves anybody, and says plainly where that fails.</summary>
internal sealed partial class RedisStart(
    RedisMultiplexer multiplexer,
    RedisSource source,
    IServiceProvider services,
    RedisClock clock,
    NodeRegister nodes,
    DecisionSignals signals,
    RedisTrial trial,
    RedisEviction eviction,
    ICibaReplayCache replayCache,
    ICibaUserCodeLimiter userCodes,
    IOptions<CibaRedisOptions> options,
    TimeProvider time,
    ILogger<RedisStart> logger) : IHostedService
{
    private const string NotReachable = "Redis cannot be used for the state of CIBA";

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (source.Queues(services))
        {
            QueuesSteps();
        }

        var timeout = options.Value.OperationTimeout;
        try
        {
            await multiplexer.GetAsync().WaitAsync(timeout * 3, time, cancellationToken);

            // Steps like any other, because a connection may be allowed to ping and not to run scripts or to write.
            var nobody = $"start {Guid.NewGuid()}";
            await replayCache.TryUseAsync(nobody, nobody, time.GetUtcNow().AddSeconds(1), cancellationToken);
            await userCodes.TryBeginAsync(nobody, nobody, 1, TimeSpan.FromSeconds(1), cancellationToken);
            await userCodes.SucceededAsync(nobody, nobody, cancellationToken);
            await signals.SubscribeAsync().WaitAsync(timeout, time, cancellationToken);
            await clock.MeasureAsync().WaitAsync(cancellationToken);
            await trial.RunAsync(cancellationToken);
            await eviction.LookAsync().WaitAsync(cancellationToken);
            await JoinAsync().WaitAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is CibaStoreUnavailableException or TimeoutException)
        {
            if (options.Value.RequireConnectionAtStart)
            {
                throw new CibaConfigurationException(
                [
                    $"{NotReachable} ({multiplexer.EndPoints}): start it, correct the connection string or the permissions of its user, or switch off CibaRedisOptions.RequireConnectionAtStart. {exception.Message}",
                ]);
            }

            StartsWithout(multiplexer.EndPoints, exception);
        }
    }

    // By the real clock: a host whose clock stands still would wait for a Redis that is away for ever.
    public async Task StopAsync(CancellationToken cancellationToken) => await nodes.LeaveAsync()
        .WaitAsync(options.Value.OperationTimeout, TimeProvider.System, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private async Task JoinAsync()
    {
        if (await nodes.JoinAsync() is { Count: > 0 } problems)
        {
            await nodes.LeaveAsync();
            throw new CibaConfigurationException([.. problems]);
        }
    }

    [LoggerMessage(1, LogLevel.Error, NotReachable + " ({EndPoints}): requests are answered 503 until it is there")]
    private partial void StartsWithout(string endPoints, Exception exception);

    [LoggerMessage(2, LogLevel.Warning, "The multiplexer of ConnectionMultiplexerFactory queues commands while Redis is away, so clients wait instead of being answered 503: set ConfigurationOptions.BacklogPolicy to BacklogPolicy.FailFast")]
    private partial void QueuesSteps();
}
