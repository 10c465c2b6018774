using System.Collections;

namespace Ciba.AspNetCore.Store;

/// <summary>
/// One user's pending requests, oldest first: a list linked through the requests themselves, so that any of them leaves it
/// in one step.
/// </summary>
internal sealed class PendingRequests : IEnumerable<CibaRequest>
{
    private MemoryRequest? _first;
    private MemoryRequest? _last;

    // Those that others may be the same as; there are none where nobody asks for it.
    private Dictionary<(string Client, string Fingerprint), CibaRequest>? _alike;

    public int Count { get; private set; }

    public int Of(string clientKey) => this.Count(request => request.ClientKey == clientKey);

    /// <summary>The one that asks for the same, or null.</summary>
    public CibaRequest? SameAs(CibaRequest request) =>
        request.Fingerprint is { } fingerprint && _alike is not null ? _alike.GetValueOrDefault((request.ClientKey, fingerprint)) : null;

    public void Add(MemoryRequest entry)
    {
        if (entry.Request.Fingerprint is { } fingerprint)
        {
            (_alike ??= [])[(entry.Request.ClientKey, fingerprint)] = entry.Request;
        }

        entry.Pending = this;
        entry.Previous = _last;
        _ = _last is null ? _first = entry : _last.Next = entry;
        _last = entry;
        Count++;
    }

    public void Remove(MemoryRequest entry)
    {
        if (entry.Request.Fingerprint is { } fingerprint)
        {
            _alike!.Remove((entry.Request.ClientKey, fingerprint));
        }

        _ = entry.Previous is null ? _first = entry.Next : entry.Previous.Next = entry.Next;
        _ = entry.Next is null ? _last = entry.Previous : entry.Next.Previous = entry.Previous;
        entry.Pending = null;
        entry.Previous = entry.Next = null;
        Count--;
    }

    public IEnumerator<CibaRequest> GetEnumerator()
    {
        for (var entry = _first; entry is not null; entry = entry.Next)
        {
            yield return entry.Request;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
