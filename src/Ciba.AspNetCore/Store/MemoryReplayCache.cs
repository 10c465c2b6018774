using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Store;

/// <summary>
/// The used JWTs of this node, in 50 bytes or so each. Full, it refuses: a client that waits is better than a JWT that can
/// be used twice.
/// </summary>
internal sealed partial class MemoryReplayCache(TimeProvider time, ILogger<MemoryReplayCache> logger, int capacity = MemoryReplayCache.DefaultCapacity) : ICibaReplayCache
{
    public const int DefaultCapacity = 1_000_000;

    private readonly Lock _gate = new();
    private readonly HashSet<UInt128> _used = [];
    private readonly PriorityQueue<UInt128, long> _due = new();

    private bool _isFull;

    public ValueTask<bool> TryUseAsync(string key, DateTimeOffset expiresAt, CancellationToken cancellationToken)
    {
        var digest = BitConverter.ToUInt128(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        var now = time.GetUtcNow().UtcTicks;
        lock (_gate)
        {
            while (_due.TryPeek(out var old, out var dueAt) && dueAt <= now)
            {
                _due.Dequeue();
                _used.Remove(old);
            }

            if (IsFull() || !_used.Add(digest))
            {
                return new(false);
            }

            _due.Enqueue(digest, expiresAt.UtcTicks);
            return new(true);
        }
    }

    // Said once, not for every JWT that is refused.
    private bool IsFull()
    {
        var wasFull = _isFull;
        _isFull = _used.Count >= capacity;
        if (_isFull && !wasFull)
        {
            Full(capacity);
        }

        return _isFull;
    }

    [LoggerMessage(1, LogLevel.Error, "The replay cache is full with {Capacity} JWTs that are not expired: more are refused until some expire")]
    private partial void Full(int capacity);
}
