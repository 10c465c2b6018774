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

    private const int MaxLater = 10_000;
    private const int TriesBeforeWarning = 20;

    private const int MaxWords = 200;

    private static readonly TimeSpan LaterEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LaterRarelyEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookForMasterEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(160);

    // In newer versions of Redis such a code begins the answer, in older ones it stands somewhere in it.
    private static readonly string[] MasterIsElsewhere = ["READONLY", "MASTERDOWN", "CLUSTERDOWN"];

    // Answered instead of the step, and soon over: while a slot moves, a master changes, a server starts or another script runs.
    private static readonly string[] Passing = [.. MasterIsElsewhere, "TRYAGAIN", "LOADING", "BUSY"];
    private static readonly string[] Codes = [.. Passing, "OOM", "NOREPLICAS", "MISCONF", "NOPERM", "NOAUTH", "NOSCRIPT"];

    private long _lookedForMaster;
    private int _later;

    /// <summary>Runs a step; a script that Redis has forgotten is sent along once more.</summary>
    public Task<RedisResult> RunAsync(RedisScript script, RedisKey[] keys, RedisValue[] values) => RepeatedAsync(timeout => RunAsync(script, keys, values, timeout));

    /// <summary>
    /// Runs a step that changes nothing more when it is taken again. Where the connection breaks before its answer, it is run again
    /// on the next one, until the time is up.
    /// </summary>
    public Task<RedisResult> RunUntilKnownAsync(RedisScript script, RedisKey[] keys, RedisValue[] values) => RunUntilKnownAsync(script, keys, values, undo: null, []);

    /// <summary>The same, and where the time is up and nobody knows whether it was taken, takes it back by another as <see cref="RunOrTakeBackAsync"/> does.</summary>
    public async Task<RedisResult> RunUntilKnownAsync(RedisScript script, RedisKey[] keys, RedisValue[] values, RedisScript? undo, RedisValue[] undoValues)
    {
        var mayHaveBeenTaken = false;
        try
        {
            return await RepeatedAsync(timeout => RunAsync(script, keys, values, timeout), cause => mayHaveBeenTaken |= MayHaveBeenTaken(cause));
        }
        catch (CibaStoreUnavailableException) when (undo is not null && mayHaveBeenTaken)
        {
            RunLater(undo, keys, undoValues);
            throw;
        }
    }

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
            RunLater(undo, keys, undoValues);
            throw;
        }
    }

    /// <summary>
    /// Runs a step that puts another right, without waiting for it, again and again until it has an answer. Where there was never a
    /// connection, there is nothing to put right.
    /// </summary>
    public void RunLater(RedisScript script, RedisKey[] keys, RedisValue[] values)
    {
        if (multiplexer.Current is { } connected)
        {
            _ = RunLaterAsync(connected, script, keys, values);
        }
    }

    /// <summary>Whether a step was refused because Redis has no memory left.</summary>
    public static bool IsFull(CibaStoreUnavailableException exception) => exception.InnerException is RedisServerException refusal && CodeOf(refusal) == "OOM";

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

    // Until Redis has taken it: what was forgotten here would stay there until its end. What Redis does not know has no effect on it.
    private async Task RunLaterAsync(IConnectionMultiplexer connected, RedisScript script, RedisKey[] keys, RedisValue[] values)
    {
        if (Interlocked.Increment(ref _later) > MaxLater)
        {
            Interlocked.Decrement(ref _later);
            TooManyLater(script.Name, MaxLater);
            return;
        }

        try
        {
            for (var attempt = 1; !await IsTakenAsync(attempt); attempt++)
            {
                await Task.Delay(attempt < TriesBeforeWarning ? LaterEvery : LaterRarelyEvery, time);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _later);
        }

        async Task<bool> IsTakenAsync(int attempt)
        {
            try
            {
                await connected.GetDatabase().ScriptEvaluateAsync(script.Text, keys, values, Master | CommandFlags.NoScriptCache);
                return true;
            }
            catch (ObjectDisposedException)
            {
                // The node is stopping.
                return true;
            }
            catch (Exception exception)
            {
                if (attempt == TriesBeforeWarning)
                {
                    NotTaken(script.Name, exception);
                }

                return false;
            }
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

    private async Task<RedisResult> RunAsync(RedisScript script, RedisKey[] keys, RedisValue[] values, TimeSpan timeout)
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
    }

    /// <summary>Runs a step again, while its time lasts, where Redis refused it for a reason that passes.</summary>
    private async Task<T> RepeatedAsync<T>(Func<TimeSpan, Task<T>> run, Func<Exception?, bool>? mayRepeat = null)
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
            catch (CibaStoreUnavailableException exception) when (Passes(exception.InnerException, wasRefused) || mayRepeat?.Invoke(exception.InnerException) is true)
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

    [LoggerMessage(1, LogLevel.Warning, "The step {Script}, which puts right one whose answer was lost, was not taken by Redis; it is tried again every 10 seconds")]
    private partial void NotTaken(string script, Exception exception);

    [LoggerMessage(3, LogLevel.Warning, "The step {Script}, which puts right one whose answer was lost, is given up: {Count} such steps wait for Redis already")]
    private partial void TooManyLater(string script, int count);

    [LoggerMessage(2, LogLevel.Debug, "A decision could not be called out: waiting polls find it by themselves")]
    private partial void NotPublished(Exception exception);
}
