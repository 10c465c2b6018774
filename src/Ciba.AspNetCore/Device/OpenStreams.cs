namespace Ciba.AspNetCore.Device;

/// <summary>
/// The event streams that are open on this node: how many, and of whom. Their users are marked as present all together, every few
/// seconds, so that a stream on which nothing happens costs the store nothing.
/// </summary>
internal sealed class OpenStreams(ICibaRequestStore store, TimeProvider time) : IDisposable
{
    private const int MostStreams = 10_000;
    private const int MostStreamsOfUser = 32;

    private static readonly TimeSpan MarkEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PresentFor = MarkEvery * 3;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _streams = new(StringComparer.Ordinal);

    // Those that have come to a look; the others mark their user with each try.
    private readonly HashSet<(string UserKey, CancellationToken Over)> _listening = [];

    private ITimer? _marks;
    private int _count;

    /// <summary>False where there are too many streams on this node, or of this user.</summary>
    public bool TryEnter(string userKey)
    {
        lock (_gate)
        {
            var ofUser = _streams.GetValueOrDefault(userKey);
            if (_count >= MostStreams || ofUser >= MostStreamsOfUser)
            {
                return false;
            }

            _count++;
            _streams[userKey] = ofUser + 1;
            return true;
        }
    }

    public void Leave(string userKey)
    {
        lock (_gate)
        {
            _count--;
            if (--_streams[userKey] == 0)
            {
                _streams.Remove(userKey);
            }
        }
    }

    /// <summary>Marks the user as present now.</summary>
    public ValueTask MarkAsync(string userKey, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return store.MarkPresentAsync(userKey, now, now + PresentFor, cancellationToken);
    }

    /// <summary>Keeps the user marked while the stream is open.</summary>
    public void Keep(string userKey, CancellationToken over)
    {
        lock (_gate)
        {
            _listening.Add((userKey, over));
            _marks ??= time.CreateTimer(_ => _ = MarkAllAsync(), null, MarkEvery, MarkEvery);
        }
    }

    /// <summary>Ends a <see cref="Keep"/>.</summary>
    public void KeepNoLonger(string userKey, CancellationToken over)
    {
        lock (_gate)
        {
            _listening.Remove((userKey, over));
            if (_listening.Count == 0)
            {
                _marks?.Dispose();
                _marks = null;
            }
        }
    }

    public void Dispose() => _marks?.Dispose();

    private async Task MarkAllAsync()
    {
        string[] users;
        lock (_gate)
        {
            users = [.. _listening.Where(stream => !stream.Over.IsCancellationRequested).Select(stream => stream.UserKey).Distinct(StringComparer.Ordinal)];
        }

        try
        {
            var now = time.GetUtcNow();
            await store.MarkPresentAsync(users, now, now + PresentFor, CancellationToken.None);
        }
        catch (CibaStoreUnavailableException)
        {
            // They are marked the next time.
        }
    }
}
