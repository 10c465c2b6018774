using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>Connects when the host starts, and says plainly where that fails.</summary>
internal sealed partial class RedisStart(
    RedisMultiplexer multiplexer,
    DecisionSignals signals,
    IOptions<CibaRedisOptions> options,
    TimeProvider time,
    ILogger<RedisStart> logger) : IHostedLifecycleService
{
    private const string NotReachable = "Redis cannot be reached for the state of CIBA";

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        Check(options.Value);
        try
        {
            var timeout = options.Value.OperationTimeout;
            var connected = await multiplexer.GetAsync().WithinAsync(timeout * 3, time);
            await connected.GetDatabase().PingAsync().WithinAsync(timeout, time);
            await signals.SubscribeAsync().WithinAsync(timeout, time);
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException or CibaStoreUnavailableException or IOException)
        {
            if (options.Value.RequireConnectionAtStart)
            {
                throw new CibaConfigurationException([$"{NotReachable} ({multiplexer.EndPoints}): start it, correct the connection string, or switch off CibaRedisOptions.RequireConnectionAtStart. {exception.Message}"]);
            }

            StartsWithout(multiplexer.EndPoints, exception);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static void Check(CibaRedisOptions options)
    {
        List<string> problems = [];
        if (options.KeyPrefix is not { Length: >= 1 and <= 64 } prefix || !prefix.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '_' or ':' or '-'))
        {
            problems.Add("CibaRedisOptions: KeyPrefix must be 1 to 64 letters, digits and . _ : -.");
        }

        if (options.OperationTimeout < TimeSpan.FromMilliseconds(10) || options.OperationTimeout > TimeSpan.FromMinutes(1))
        {
            problems.Add("CibaRedisOptions: OperationTimeout must be between 10 ms and 1 min.");
        }

        if (options.LookAgainAfter < TimeSpan.FromMilliseconds(100) || options.LookAgainAfter > TimeSpan.FromMinutes(5))
        {
            problems.Add("CibaRedisOptions: LookAgainAfter must be between 100 ms and 5 min.");
        }

        if (problems.Count > 0)
        {
            throw new CibaConfigurationException(problems);
        }
    }

    [LoggerMessage(1, LogLevel.Error, NotReachable + " ({EndPoints}): requests are answered 503 until it is there")]
    private partial void StartsWithout(string endPoints, Exception exception);
}
