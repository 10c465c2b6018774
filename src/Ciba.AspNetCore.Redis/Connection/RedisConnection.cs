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
    // A replica may answer from what it had when its master was last heard of.
    private const CommandFlags Master = CommandFlags.DemandMaster;

    private const int MostTakeBacks = 20;

    private const int MaxWords = 200;

    private static readonly TimeSpan TakeBackEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookForMasterEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(160);

    // In newer versions of Redis such a code begins the answer, in older ones it stands somewhere in it.
    private static readonly string[] MasterIsElsewhere = ["READONLY", "MASTERDOWN", "CLUSTERDOWN"];

    // Answered instead of the step, and soon over: while a slot moves, a master changes, a server starts or another script runs.
    private static readonly string[] Passing = [.. MasterIsElsewhere, "TRYAGAIN", "LOADING", "BUSY"];
    private static readonly string[] Codes = [.. Passing, "OOM", "NOREPLICAS", "MISCONF", "NOPERM", "NOAUTH", "NOSCRIPT"];

    private long _lookedForMaster;

    /// <summary>Runs a step; a script that Redis has forgotten is sent along once more.</summary>
    public Task<RedisResult> RunAsync(RedisScript script, RedisKey[] keys, RedisValue[] values) => RepeatedAsync(async timeout =>
    {
        var began = time.GetTimestamp();
        try
        {
            return await BoundAsync(database => database.ScriptEvaluateAsync(script.Digest, keys, values, Master), timeout);
        }
        catch (CibaStoreUnavailableException exception) when (exception.InnerException is RedisServerException { Message: var message } && message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            // Only while the caller waits: later, it would come behind the taking back of the same step.
            var left = timeout - time.GetElapsedTime(began);
            return await BoundAsync(
                database => database.ScriptEvaluateAsync(script.Text, keys, values, Master | CommandFlags.NoScriptCache),
                left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }
    });

    /// <summary>
    /// Runs a step, and where nobody knows whether it was taken, takes it back by another, which runs behind it on the same
    /// connection or is tried again on the next. Nobody waits for it.
    /// </summary>
    public async Task<RedisResult> RunOrTakeBackAsync(RedisScript script, RedisKey[] keys, RedisValue[] values, RedisScript undo, RedisValue[] undoValues)
    {
        try
        {
            return await RunAsync(script, keys, values);
        }
        catch (CibaStoreUnavailableException exception) when (MayHaveBeenTaken(exception.InnerException))
        {
            TakeBack(undo, keys, undoValues);
            throw;
        }
    }

    /// <summary>Takes back a step without waiting for it. Where there was never a connection, there is nothing to take back.</summary>
    public void TakeBack(RedisScript undo, RedisKey[] keys, RedisValue[] values)
    {
        if (multiplexer.Current is { } connected)
        {
            _ = TakeBackAsync(connected, undo, keys, values);
        }
    }

    /// <summary>One command that reads.</summary>
    public Task<T> ReadAsync<T>(Func<IDatabase, CommandFlags, Task<T>> read) => RepeatedAsync(timeout => BoundAsync(database => read(database, Master), timeout));

    /// <summary>Calls out something that nobody relies on.</summary>
    public void Publish(RedisChannel channel, RedisValue message)
    {
        if (multiplexer.Current is { } connected)
        {
            _ = PublishAsync(connected, channel, message);
        }
    }

    private async Task TakeBackAsync(IConnectionMultiplexer connected, RedisScript undo, RedisKey[] keys, RedisValue[] values)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await connected.GetDatabase().ScriptEvaluateAsync(undo.Text, keys, values, Master | CommandFlags.NoScriptCache);
                return;
            }
            catch (Exception exception)
            {
                if (attempt == MostTakeBacks)
                {
                    NotTakenBack(undo.Name, exception);
                    return;
                }
            }

            await Task.Delay(TakeBackEvery, time);
        }
    }

    private async Task PublishAsync(IConnectionMultiplexer connected, RedisChannel channel, RedisValue message)
    {
        try
        {
            await connected.GetSubscriber().PublishAsync(channel, message, CommandFlags.FireAndForget);
        }
        catch (Exception exception)
        {
            NotPublished(exception);
        }
    }

    /// <summary>Runs a step again, while its time lasts, where Redis refused it for a reason that passes.</summary>
    private async Task<T> RepeatedAsync<T>(Func<TimeSpan, Task<T>> run)
    {
        var began = time.GetTimestamp();
        var left = options.Value.OperationTimeout;
        var wasRefused = false;
        for (var pause = FirstPause; ; pause = pause < LongestPause ? pause * 2 : pause)
        {
            try
            {
                return await run(left);
            }
            catch (CibaStoreUnavailableException exception) when (Passes(exception.InnerException, wasRefused))
            {
                wasRefused = true;
                left = options.Value.OperationTimeout - time.GetElapsedTime(began) - pause;
                if (left <= TimeSpan.Zero)
                {
                    throw;
                }
            }

            await Task.Delay(pause, time);
        }
    }

    private async Task<T> BoundAsync<T>(Func<IDatabase, Task<T>> run, TimeSpan timeout)
    {
        try
        {
            var began = time.GetTimestamp();
            var connected = multiplexer.Current ?? await multiplexer.GetAsync().WaitAsync(timeout, time);
            var left = timeout - time.GetElapsedTime(began);
            return await run(connected.GetDatabase()).WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
        }
        catch (RedisServerException exception)
        {
            throw Refused(exception);
        }
        catch (TimeoutException exception)
        {
            throw new CibaStoreUnavailableException($"Redis did not answer within {options.Value.OperationTimeout:c}.", exception);
        }
        catch (Exception exception) when (exception is not (CibaStoreUnavailableException or CibaConfigurationException))
        {
            // A connection that dies ends its steps with whatever was thrown in it, cancellations among it.
            LookForMaster();
            throw new CibaStoreUnavailableException("The connection to Redis is broken.", exception);
        }
    }

    private CibaStoreUnavailableException Refused(RedisServerException exception)
    {
        if (exception.Message.Contains(RequestRecord.VersionCode, StringComparison.Ordinal))
        {
            return new CibaStoreUnavailableException(RequestRecord.NewerVersion, exception);
        }

        var code = CodeOf(exception);
        if (MasterIsElsewhere.Contains(code))
        {
            LookForMaster();
        }

        return new CibaStoreUnavailableException($"Redis refused a step: {WordsOf(exception, code)}.", exception);
    }

    // Without what is added about the script, and nothing where it speaks of keys.
    private string WordsOf(RedisServerException refusal, string code)
    {
        var words = refusal.Message.Split('\n', 2)[0];
        var end = words.IndexOf(" script: ", StringComparison.Ordinal);
        words = (end < 0 ? words : words[..end]).TrimEnd('.', ' ', '\r');
        return words.Length > MaxWords || words.Contains(options.Value.KeyPrefix + ':', StringComparison.Ordinal) ? code : words;
    }

    // Once a server has refused a step, it may take a while until the new master is known.
    private static bool Passes(Exception? cause, bool wasRefused) =>
        cause is RedisServerException refusal ? Passing.Contains(CodeOf(refusal)) : wasRefused && WasNotSent(cause);

    private static string CodeOf(RedisServerException refusal) =>
        Codes.FirstOrDefault(known => refusal.Message.Contains(known, StringComparison.Ordinal)) ?? refusal.Message.Split(' ', 2)[0];

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

    // Not what Redis refused, and not what had no connection to be sent on.
    private static bool MayHaveBeenTaken(Exception? cause) => cause is not RedisServerException && !WasNotSent(cause);

    private static bool WasNotSent(Exception? cause) => cause is RedisConnectionException { FailureType: ConnectionFailureType.UnableToResolvePhysicalConnection };

    [LoggerMessage(1, LogLevel.Debug, "A step could not be taken back by {Script}")]
    private partial void NotTakenBack(string script, Exception exception);

    [LoggerMessage(2, LogLevel.Debug, "A decision could not be called out: waiting polls find it by themselves")]
    private partial void NotPublished(Exception exception);
}
