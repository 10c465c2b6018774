namespace Ciba.AspNetCore.Device;

/// <summary>
/// The event streams that are open on this node. Every few seconds their users are marked as present all together, and those that are
/// to show that they live are told so: streams on which nothing happens need no timer each, and cost the store nothing.
/// </summary>
internal sealed class OpenStreams(ICibaRequestStore store, TimeProvider time) : IDisposable
{
    private const int MostStreams = 10_000;
    private const int MostStreamsOfUser = 32;

    private static readonly TimeSpan TickEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PresentFor = TickEvery * 3;
    private static readonly TimeSpan HeartbeatEvery = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan OneMillisecond = TimeSpan.FromMilliseconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _ofUsers = new(StringComparer.Ordinal);
    private readonly HashSet<OpenStream> _streams = [];
    private ITimer? _ticks;

    /// <summary>Null if there are too many streams on this node, or of this user.</summary>
    /// <param name="userKey">Whose stream it is.</param>
    /// <param name="over">Fires when the stream is over.</param>
    public OpenStream? TryOpen(string userKey, CancellationToken over)
    {
        var stream = new OpenStream(userKey, over) { SpokeAt = time.GetUtcNow() };
        lock (_gate)
        {
            var ofUser = _ofUsers.GetValueOrDefault(userKey);
            if (_streams.Count >= MostStreams || ofUser >= MostStreamsOfUser)
            {
                return null;
            }

            _streams.Add(stream);
            _ofUsers[userKey] = ofUser + 1;
            _ticks ??= time.CreateTimer(_ => _ = TickAsync(), null, TickEvery, TickEvery);
            return stream;
        }
    }

    /// <summary>Closes the stream. With the last one of its user on this node, the user's presence ends; other nodes mark theirs again.</summary>
    public async ValueTask CloseAsync(OpenStream stream)
    {
        if (!Remove(stream))
        {
            return;
        }

        try
        {
            var now = time.GetUtcNow();
            await store.MarkPresentAsync(stream.UserKey, now, now, CancellationToken.None);
        }
        catch (CibaStoreUnavailableException)
        {
            // It ends by itself.
        }
    }

    /// <summary>True if it was the last one of its user.</summary>
    private bool Remove(OpenStream stream)
    {
        lock (_gate)
        {
            _streams.Remove(stream);
            var isLast = --_ofUsers[stream.UserKey] == 0;
            if (isLast)
            {
                _ofUsers.Remove(stream.UserKey);
            }

            if (_streams.Count == 0)
            {
                _ticks?.Dispose();
                _ticks = null;
            }

            return isLast;
        }
    }

    /// <summary>Marks the user as present now.</summary>
    public ValueTask MarkAsync(string userKey, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return store.MarkPresentAsync(userKey, now, now + PresentFor, cancellationToken);
    }

    /// <summary>Whether the stream has been silent for long.</summary>
    public bool IsSilent(OpenStream stream, TimeSpan ahead = default) => time.GetUtcNow() + ahead - stream.SpokeAt >= HeartbeatEvery;

    public void Dispose() => _ticks?.Dispose();

    private async Task TickAsync()
    {
        // Those that have not come to a look mark their user with each try.
        OpenStream[] listening;
        lock (_gate)
        {
            listening = [.. _streams.Where(stream => stream is { HasLooked: true, IsOver: false })];
        }

        // Now, where the next time would be too late.
        foreach (var stream in listening.Where(stream => IsSilent(stream, TickEvery - OneMillisecond)))
        {
            stream.Beat();
        }

        try
        {
            var now = time.GetUtcNow();
            await store.MarkPresentAsync([.. listening.Select(stream => stream.UserKey).Distinct(StringComparer.Ordinal)], now, now + PresentFor, CancellationToken.None);
        }
        catch (CibaStoreUnavailableException)
        {
            // They are marked the next time.
        }
    }
}

/// <summary>An event stream of a user.</summary>
internal sealed class OpenStream(string userKey, CancellationToken over)
{
    private volatile TaskCompletionSource _beat = NewBeat();

    public string UserKey => userKey;

    public bool IsOver => over.IsCancellationRequested;

    /// <summary>Whether it waits for news, and has come to its last look.</summary>
    public bool HasLooked { get; set; }

    /// <summary>When something was last written.</summary>
    public DateTimeOffset SpokeAt { get; set; }

    /// <summary>Done when the stream is to show that it lives.</summary>
    public Task Beats => _beat.Task;

    public void Beat() => _beat.TrySetResult();

    public void HasBeaten() => _beat = NewBeat();

    private static TaskCompletionSource NewBeat() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
