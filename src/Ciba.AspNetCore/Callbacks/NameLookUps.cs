using System.Net;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>
/// Resolves host names for outgoing calls. One look-up serves all who wait for the same name, and a failure is remembered briefly.
/// Names have places by what is known of them, so that those that fail or never answer leave the others theirs.
/// </summary>
internal sealed class NameLookUps(Func<string, CancellationToken, Task<IPAddress[]>> resolve, TimeSpan timeout, TimeProvider time)
{
    /// <summary>How many look-ups run at once for names that were resolved last time.</summary>
    public const int MaxProven = 32;

    /// <summary>How many look-ups run at once for names that were never looked up before.</summary>
    public const int MaxUnknown = 32;

    /// <summary>How many look-ups run at once for names that failed last time.</summary>
    public const int MaxFailing = 16;

    /// <summary>How many look-ups that did not end in time are left to themselves, in no other place.</summary>
    public const int MaxLeftBehind = 64;

    private const int MaxNames = 10_000;

    private const string Failed = "its host name cannot be resolved";
    private const string TimedOut = "its host name was not resolved in time";

    private static readonly TimeSpan FailureLifetime = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, HostName> _names = new(StringComparer.OrdinalIgnoreCase);

    // By what is known of the name.
    private readonly SemaphoreSlim[] _places = [new(MaxUnknown), new(MaxProven), new(MaxFailing)];

    private int _leftBehind;

    /// <summary>
    /// Resolves with the operating system. Only Windows can cancel that: elsewhere a look-up blocks its thread until the system gives
    /// up, and so has one that is not of the pool.
    /// </summary>
    public static Task<IPAddress[]> AskSystemAsync(string host, CancellationToken cancellationToken) => OperatingSystem.IsWindows()
        ? Dns.GetHostAddressesAsync(host, cancellationToken)
        : Task.Factory.StartNew(() => Dns.GetHostAddresses(host), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <exception cref="OutgoingConnectionException">The name has no address, or none in time.</exception>
    public async Task<IPAddress[]> FindAsync(string host, CancellationToken cancellationToken)
    {
        var result = await LookUp(host).WaitAsync(cancellationToken);
        return result.Addresses ?? throw new OutgoingConnectionException(HttpRequestError.NameResolutionError, result.Problem);
    }

    private Task<LookUpResult> LookUp(string host)
    {
        lock (_gate)
        {
            if (!_names.TryGetValue(host, out var name))
            {
                ForgetIdle();
                _names[host] = name = new HostName(host);
            }

            if (name.Problem is { } problem && (name.IsLeftBehind || time.GetUtcNow() < name.FailedUntil))
            {
                return Task.FromResult(new LookUpResult(null, problem));
            }

            return name.Running ??= Task.Run(() => LookUpAsync(name));
        }
    }

    private async Task<LookUpResult> LookUpAsync(HostName name)
    {
        var places = _places[(int)name.Standing];
        if (!await TryEnterAsync(places))
        {
            // For want of a place, which says nothing of the name.
            return End(name, name.Standing, new LookUpResult(null, TimedOut), remember: false);
        }

        using var limit = new CancellationTokenSource(timeout, time);
        var asking = AskAsync(name.Host, limit.Token);
        await ((Task)asking).WaitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!asking.IsCompleted)
        {
            return LeaveBehind(name, asking, places);
        }

        places.Release();
        var result = await asking;
        return End(name, result.Addresses is null ? NameStanding.Failing : NameStanding.Proven, result);
    }

    private async Task<bool> TryEnterAsync(SemaphoreSlim places)
    {
        using var limit = new CancellationTokenSource(timeout, time);
        var entering = places.WaitAsync(limit.Token);
        await entering.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return entering.IsCompletedSuccessfully;
    }

    private async Task<LookUpResult> AskAsync(string host, CancellationToken cancellationToken)
    {
        try
        {
            return new LookUpResult(await resolve(host, cancellationToken), "");
        }
        catch (Exception exception)
        {
            return new LookUpResult(null, exception is OperationCanceledException ? TimedOut : Failed);
        }
    }

    // What the system does not end keeps its thread until it does. If there is room, another look-up takes its place.
    private LookUpResult LeaveBehind(HostName name, Task<LookUpResult> asking, SemaphoreSlim places)
    {
        bool hasRoom;
        lock (_gate)
        {
            (name.Standing, name.IsLeftBehind, name.Problem) = (NameStanding.Failing, true, TimedOut);
            hasRoom = _leftBehind < MaxLeftBehind;
            if (hasRoom)
            {
                _leftBehind++;
                places.Release();
            }
        }

        _ = EndLaterAsync();
        return new LookUpResult(null, TimedOut);

        async Task EndLaterAsync()
        {
            var late = await asking;
            if (!hasRoom)
            {
                places.Release();
            }

            lock (_gate)
            {
                _leftBehind -= hasRoom ? 1 : 0;
                End(name, NameStanding.Failing, late);
            }
        }
    }

    private LookUpResult End(HostName name, NameStanding standing, LookUpResult result, bool remember = true)
    {
        lock (_gate)
        {
            (name.Standing, name.IsLeftBehind, name.Running) = (standing, false, null);
            if (remember)
            {
                name.Problem = result.Addresses is null ? result.Problem : null;
                name.FailedUntil = time.GetUtcNow() + FailureLifetime;
            }
        }

        return result;
    }

    // A name that is met anew is unknown.
    private void ForgetIdle()
    {
        if (_names.Count < MaxNames)
        {
            return;
        }

        foreach (var idle in _names.Values.Where(name => name.Running is null).ToList())
        {
            _names.Remove(idle.Host);
        }
    }

    private readonly record struct LookUpResult(IPAddress[]? Addresses, string Problem);

    private sealed class HostName(string host)
    {
        public string Host { get; } = host;

        public NameStanding Standing { get; set; }

        /// <summary>The look-up that runs, or waits for a place.</summary>
        public Task<LookUpResult>? Running { get; set; }

        /// <summary>Whether that look-up has not ended in time.</summary>
        public bool IsLeftBehind { get; set; }

        /// <summary>How the last look-up failed.</summary>
        public string? Problem { get; set; }

        public DateTimeOffset FailedUntil { get; set; }
    }

    private enum NameStanding
    {
        Unknown,
        Proven,
        Failing,
    }
}
