using System.Security.Cryptography;
using System.Text;

namespace Ciba.AspNetCore.Store;

/// <summary>
/// The used JWTs of this node, in 50 bytes or so each. Full, it refuses: a client that waits is better than a JWT that can
/// be used twice.
/// </summary>
internal sealed class MemoryReplayCache(TimeProvider time, int capacity) : ICibaReplayCache
{
    public const int DefaultCapacity = 1_000_000;

    private readonly Lock _gate = new();
    private readonly HashSet<UInt128> _used = [];
    private readonly PriorityQueue<UInt128, long> _due = new();

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

            if (_used.Count >= capacity || !_used.Add(digest))
            {
                return new(false);
            }

            _due.Enqueue(digest, expiresAt.UtcTicks);
            return new(true);
        }
    }
}
