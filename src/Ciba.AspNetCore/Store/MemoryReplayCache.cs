using System.Security.Cryptography;
using System.Text;
using Ciba.AspNetCore.Jose;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Store;

/// <summary>
/// The used JWTs of this node, in 50 bytes or so each. Full, it takes no more: a client that waits is better than a JWT that can be used
/// twice. One client fills an eighth of it at most, so that others find a place.
/// </summary>
internal sealed partial class MemoryReplayCache(TimeProvider time, ILogger<MemoryReplayCache> logger, int capacity = MemoryReplayCache.DefaultCapacity) : ICibaReplayCache, IForgetsAtRestart
{
    public const int DefaultCapacity = 1_000_000;

    private const int Shares = 8;
    private const int BitsOfRest = 96;

    private readonly Lock _gate = new();
    private readonly HashSet<UInt128> _used = [];
    private readonly PriorityQueue<UInt128, long> _due = new();
    private readonly Dictionary<uint, int> _places = [];
    private readonly int _share = Math.Max(1, capacity / Shares);

    private bool _isFull;

    // The latest expiry among the JWTs that were forgotten.
    private long _forgottenUntil;

    // JWTs are dated to the second, so the second in which the process began counts as its own.
    public DateTimeOffset RemembersFrom { get; } = DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().ToUnixTimeSeconds());

    public ValueTask<bool> TryUseAsync(string key, string use, DateTimeOffset expiresAt, CancellationToken cancellationToken)
    {
        var entry = Entry(key);
        var client = Client(entry);
        var now = time.GetUtcNow().UtcTicks;
        lock (_gate)
        {
            while (_due.TryPeek(out var old, out var dueAt) && dueAt <= now)
            {
                _due.Dequeue();
                _used.Remove(old);
                Leave(Client(old));
                _forgottenUntil = Math.Max(_forgottenUntil, dueAt);
            }

            // The caller's look at the clock was a moment ago: what expired since then may be forgotten already.
            if (expiresAt.UtcTicks <= Math.Max(now, _forgottenUntil) || _used.Contains(entry))
            {
                return new(false);
            }

            if (IsFull())
            {
                throw new CibaStoreUnavailableException($"The replay cache is full with {capacity} JWTs that are not expired");
            }

            var places = _places.GetValueOrDefault(client);
            if (places >= _share)
            {
                throw new CibaStoreUnavailableException($"One client has {places} JWTs in the replay cache that are not expired, which is its share: shorter lifetimes of its JWTs help, or a cache without this limit such as Redis");
            }

            _places[client] = places + 1;
            _used.Add(entry);
            _due.Enqueue(entry, expiresAt.UtcTicks);
            return new(true);
        }
    }

    // Its place stays taken until the JWT expires, as if it were used.
    public ValueTask GiveBackAsync(string key, string use, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _used.Remove(Entry(key));
        }

        return ValueTask.CompletedTask;
    }

    // The client in front, so that it is known again when the entry is due.
    private static UInt128 Entry(string key)
    {
        var client = (uint)string.GetHashCode(key.AsSpan(0, Math.Min(ReplayKeys.ClientLength, key.Length)), StringComparison.Ordinal);
        var digest = BitConverter.ToUInt128(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        return ((UInt128)client << BitsOfRest) | (digest >> (128 - BitsOfRest));
    }

    private static uint Client(UInt128 entry) => (uint)(entry >> BitsOfRest);

    private void Leave(uint client)
    {
        if (--_places[client] == 0)
        {
            _places.Remove(client);
        }
    }

    // Said once, not for every JWT that finds no place.
    private bool IsFull()
    {
        var wasFull = _isFull;
        _isFull = _due.Count >= capacity;
        if (_isFull && !wasFull)
        {
            Full(capacity);
        }

        return _isFull;
    }

    [LoggerMessage(1, LogLevel.Error, "The replay cache is full with {Capacity} JWTs that are not expired: more are refused until some expire")]
    private partial void Full(int capacity);
}
