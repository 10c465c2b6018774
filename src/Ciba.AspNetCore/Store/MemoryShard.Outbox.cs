namespace Ciba.AspNetCore.Store;

/// <summary>The outbox of a shard: what is due, in the order of time.</summary>
internal sealed partial class MemoryShard
{
    // An entry that was scheduled anew leaves its old place behind, which is passed over when its time comes. Names, so that it keeps
    // no request in memory that is gone.
    private readonly PriorityQueue<string, long> _outbox = new();

    public IReadOnlyList<CibaOutboxEntry> ClaimDue(DateTimeOffset now, DateTimeOffset heldUntil, int most)
    {
        lock (_gate)
        {
            Expire(now);
            List<CibaOutboxEntry>? claimed = null;
            while ((claimed?.Count ?? 0) < most && _outbox.TryPeek(out var id, out var dueAt) && dueAt <= now.UtcTicks)
            {
                _outbox.Dequeue();
                if (_requests.TryGetValue(id, out var entry) && entry.DueAt?.UtcTicks == dueAt)
                {
                    (claimed ??= []).Add(Hold(entry, now, heldUntil));
                }
            }

            return claimed ?? (IReadOnlyList<CibaOutboxEntry>)[];
        }
    }

    public CibaOutboxEntry? Claim(string id, DateTimeOffset now, DateTimeOffset heldUntil)
    {
        lock (_gate)
        {
            Expire(now);
            return _requests.TryGetValue(id, out var entry) && entry.DueAt <= now ? Hold(entry, now, heldUntil) : null;
        }
    }

    public bool Settle(string id, DateTimeOffset heldUntil, CibaSettlement settlement)
    {
        lock (_gate)
        {
            if (Held(id, heldUntil) is not { } entry)
            {
                return false;
            }

            Schedule(entry, null);
            entry.Tokens = default;
            if (settlement == CibaSettlement.TokensSent && entry.Status == CibaRequestStatus.Approved)
            {
                entry.Status = CibaRequestStatus.Redeemed;
            }

            return true;
        }
    }

    public bool Postpone(string id, DateTimeOffset heldUntil, DateTimeOffset dueAt)
    {
        lock (_gate)
        {
            if (Held(id, heldUntil) is not { } entry)
            {
                return false;
            }

            Schedule(entry, dueAt);
            return true;
        }
    }

    public bool KeepTokens(string id, DateTimeOffset heldUntil, ReadOnlyMemory<byte> tokens)
    {
        lock (_gate)
        {
            if (Held(id, heldUntil) is not { } entry)
            {
                return false;
            }

            entry.Tokens = tokens;
            return true;
        }
    }

    private MemoryRequest? Held(string id, DateTimeOffset heldUntil) =>
        _requests.TryGetValue(id, out var entry) && entry.DueAt == heldUntil ? entry : null;

    private CibaOutboxEntry Hold(MemoryRequest entry, DateTimeOffset now, DateTimeOffset heldUntil)
    {
        Schedule(entry, heldUntil);

        // What somebody is told of as expired stays so, whatever a clock that is behind says.
        entry.Status = entry.StatusAt(now);
        var status = entry.LeaseRanOut(now) ? CibaRequestStatus.Approved : entry.Status;
        return new(entry.Request, status, status == CibaRequestStatus.Approved ? entry.Decision : null, heldUntil) { Tokens = entry.Tokens };
    }

    private void ScheduleCallback(MemoryRequest entry, DateTimeOffset now)
    {
        // A holder until this very instant is to lose the entry too.
        var dueAt = entry.DueAt == now ? now.AddTicks(-1) : now;
        Schedule(entry, entry.Request.TokenDeliveryMode == CibaTokenDeliveryModes.Poll ? null : dueAt);
    }

    private void Schedule(MemoryRequest entry, DateTimeOffset? dueAt)
    {
        entry.DueAt = dueAt;
        if (dueAt is { } instant)
        {
            _outbox.Enqueue(entry.Request.Id, instant.UtcTicks);
        }
    }
}
