namespace Ciba.AspNetCore.Store;

/// <summary>How many requests are pending, of each client and in total, in all shards. A request counts until the second in which it expires.</summary>
internal sealed class PendingCounts
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Pending> _clients = new(StringComparer.Ordinal);
    private readonly Pending _total = new();

    /// <summary>Counts a request; or says why not, and when there is room.</summary>
    public CibaAddResult? TryEnter(string client, DateTimeOffset expiresAt, DateTimeOffset now, CibaRequestLimits limits)
    {
        lock (_gate)
        {
            if (!_clients.TryGetValue(client, out var ofClient))
            {
                ofClient = new Pending();
            }

            if (ofClient.RoomAt(now, limits.PerClient) is { } room)
            {
                return CibaAddResult.Refused(CibaAddStatus.ClientLimitReached, room - now);
            }

            if (_total.RoomAt(now, limits.Total) is { } roomForAll)
            {
                return CibaAddResult.Refused(CibaAddStatus.TotalLimitReached, roomForAll - now);
            }

            _clients[client] = ofClient;
            ofClient.Enter(expiresAt);
            _total.Enter(expiresAt);
            return null;
        }
    }

    public void Leave(string client, DateTimeOffset expiresAt)
    {
        lock (_gate)
        {
            _total.Leave(expiresAt);
            if (_clients.TryGetValue(client, out var ofClient))
            {
                ofClient.Leave(expiresAt);
                if (ofClient.Count == 0)
                {
                    _clients.Remove(client);
                }
            }
        }
    }

    /// <summary>How many requests expire in each second.</summary>
    private sealed class Pending
    {
        private readonly SortedDictionary<long, int> _bySecond = [];

        public int Count { get; private set; }

        /// <summary>When there is room for one more; null where there is now.</summary>
        public DateTimeOffset? RoomAt(DateTimeOffset now, int limit)
        {
            if (limit == 0)
            {
                return null;
            }

            // The shards of other users do not look before somebody calls.
            while (Count >= limit && _bySecond.First() is var (second, count) && Instant(second) <= now)
            {
                _bySecond.Remove(second);
                Count -= count;
            }

            return Count < limit ? null : Instant(_bySecond.First().Key);
        }

        public void Enter(DateTimeOffset expiresAt)
        {
            var second = Second(expiresAt);
            _bySecond[second] = _bySecond.GetValueOrDefault(second) + 1;
            Count++;
        }

        public void Leave(DateTimeOffset expiresAt)
        {
            var second = Second(expiresAt);
            if (!_bySecond.TryGetValue(second, out var count))
            {
                return; // It had expired.
            }

            Count--;
            if (count == 1)
            {
                _bySecond.Remove(second);
            }
            else
            {
                _bySecond[second] = count - 1;
            }
        }

        private static long Second(DateTimeOffset instant) => (instant.UtcTicks + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond;

        private static DateTimeOffset Instant(long second) => new(second * TimeSpan.TicksPerSecond, TimeSpan.Zero);
    }
}
