using System.Collections;

namespace Ciba.AspNetCore.Store;

/// <summary>
/// One user's pending requests, oldest first: a list linked through the requests themselves, so that any of them leaves it
/// in one step.
/// </summary>
internal sealed class PendingRequests : IEnumerable<MemoryRequest>
{
    private MemoryRequest? _first;
    private MemoryRequest? _last;

    public int Count { get; private set; }

    /// <summary>The one that asks for the same and has at least half as long as this one would have, or null.</summary>
    public MemoryRequest? SameAs(CibaRequest request)
    {
        if (request.Fingerprint is null)
        {
            return null;
        }

        // Of those that are alike, the later one ends later: it was added because the other had too little time left.
        var entry = _last;
        while (entry is not null && (entry.Request.Fingerprint != request.Fingerprint || entry.Request.ClientKey != request.ClientKey))
        {
            entry = entry.Previous;
        }

        return entry is not null && (entry.Request.ExpiresAt - request.CreatedAt) * 2 >= request.ExpiresAt - request.CreatedAt ? entry : null;
    }

    public void Add(MemoryRequest entry)
    {
        entry.Pending = this;
        entry.Previous = _last;
        _ = _last is null ? _first = entry : _last.Next = entry;
        _last = entry;
        Count++;
    }

    public void Remove(MemoryRequest entry)
    {
        _ = entry.Previous is null ? _first = entry.Next : entry.Previous.Next = entry.Next;
        _ = entry.Next is null ? _last = entry.Previous : entry.Next.Previous = entry.Previous;
        entry.Pending = null;
        entry.Previous = entry.Next = null;
        Count--;
    }

    public IEnumerator<MemoryRequest> GetEnumerator()
    {
        for (var entry = _first; entry is not null; entry = entry.Next)
        {
            yield return entry;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
