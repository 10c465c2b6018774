using Ciba.AspNetCore.Redis.Store;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>
/// The way to Redis: every step is one round trip within <see cref="CibaRedisOptions.OperationTimeout"/>, and whatever goes
/// wrong is a <see cref="CibaStoreUnavailableException"/>.
/// </summary>
internal sealed partial class RedisConnection(
    RedisMultiplexer multiplexer,
    IOptions<CibaRedisOptions> options,
    TimeProvider time,
    ILogger<RedisConnection> logger)
{
    /// <summary>Nowhere else: a replica that has not got a request yet would say that there is none.</summary>
    public const CommandFlags OnMaster = CommandFlags.DemandMaster;

    private static readonly TimeSpan LookForMasterEvery = TimeSpan.FromSeconds(1);

    private long _lookedForMaster;

    /// <summary>Names, script and keys, is complete in itself; a script that Redis has forgotten is sent along once more.</summary>
    public async Task<RedisResult> RunAsync(RedisScript script, RedisKey[] keys, RedisValue[] values)
    {
        var began = time.GetTimestamp();
        var timeout = options.Value.OperationTimeout;
        try
        {
            return await BoundAsync(database => database.ScriptEvaluateAsync(script.Digest, keys, values, OnMaster), timeout);
        }
        catch (CibaStoreUnavailableException exception) when (exception.InnerException is RedisServerException { Message: var message } && message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            // Only while the caller waits: later, it would come behind the taking back of the same step.
            var left = timeout - time.GetElapsedTime(began);
            return await BoundAsync(database => database.ScriptEvaluateAsync(script.Text, keys, values, OnMaster | CommandFlags.NoScriptCache), left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }
    }

    /// <summary>One command that reads.</summary>
    public Task<T> ReadAsync<T>(Func<IDatabase, Task<T>> read) => BoundAsync(read, options.Value.OperationTimeout);

    /// <summary>
    /// Takes back a step of which nobody knows whether it was taken: on the same connection it runs behind that step, if
    /// both run at all. Nobody waits for it.
    /// </summary>
    public void TakeBack(RedisScript script, RedisKey[] keys, RedisValue[] values) => _ = TakeBackAsync(script, keys, values);

    /// <summary>Calls out something that nobody relies on.</summary>
    public void Publish(RedisChannel channel, RedisValue message) => _ = PublishAsync(channel, message);

    private async Task TakeBackAsync(RedisScript script, RedisKey[] keys, RedisValue[] values)
    {
        try
        {
            await (await multiplexer.GetAsync()).GetDatabase().ScriptEvaluateAsync(script.Text, keys, values, OnMaster | CommandFlags.NoScriptCache);
        }
        catch (Exception exception) when (IsOfRedis(exception))
        {
            NotTakenBack(script.Name, exception);
        }
    }

    private async Task PublishAsync(RedisChannel channel, RedisValue message)
    {
        try
        {
            await (await multiplexer.GetAsync()).GetSubscriber().PublishAsync(channel, message, CommandFlags.FireAndForget);
        }
        catch (Exception exception) when (IsOfRedis(exception))
        {
            NotPublished(exception);
        }
    }

    private async Task<T> BoundAsync<T>(Func<IDatabase, Task<T>> run, TimeSpan timeout)
    {
        try
        {
            var connected = multiplexer.Current ?? await multiplexer.GetAsync().WithinAsync(timeout, time);
            return await run(connected.GetDatabase()).WithinAsync(timeout, time);
        }
        catch (RedisServerException exception)
        {
            throw Refused(exception);
        }
        catch (TimeoutException exception)
        {
            throw new CibaStoreUnavailableException($"Redis did not answer within {options.Value.OperationTimeout:c}.", exception);
        }
        catch (Exception exception) when (IsOfRedis(exception))
        {
            LookForMaster();
            throw new CibaStoreUnavailableException("The connection to Redis is broken.", exception);
        }
    }

    // The first word of such an answer is a code; what follows may speak of keys.
    private CibaStoreUnavailableException Refused(RedisServerException exception)
    {
        if (exception.Message.Contains("CIBAVERSION", StringComparison.Ordinal))
        {
            return new CibaStoreUnavailableException(RequestRecord.NewerVersion, exception);
        }

        var code = exception.Message.Split(' ', 2)[0];
        if (code is "READONLY" or "MASTERDOWN" or "CLUSTERDOWN")
        {
            LookForMaster();
        }

        return new CibaStoreUnavailableException($"Redis refused a step: {code}.", exception);
    }

    // After a fail-over the old master may answer for a while.
    private void LookForMaster()
    {
        var now = time.GetTimestamp();
        var last = Interlocked.Read(ref _lookedForMaster);
        if ((last == 0 || time.GetElapsedTime(last, now) >= LookForMasterEvery) && Interlocked.CompareExchange(ref _lookedForMaster, now, last) == last)
        {
            _ = multiplexer.LookForMasterAsync();
        }
    }

    private static bool IsOfRedis(Exception exception) => exception is RedisException or TimeoutException or ObjectDisposedException or IOException or CibaStoreUnavailableException;

    [LoggerMessage(1, LogLevel.Debug, "The step {Script} could not be taken back")]
    private partial void NotTakenBack(string script, Exception exception);

    [LoggerMessage(2, LogLevel.Debug, "A decision could not be called out: waiting polls find it by themselves")]
    private partial void NotPublished(Exception exception);
}
