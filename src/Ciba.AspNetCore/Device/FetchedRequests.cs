namespace Ciba.AspNetCore.Device;

/// <summary>
/// What devices have fetched a moment ago, on whichever node: only that shows that a device has heard of a request. A stream of a phone
/// that is suspended or out of reach stays open for minutes.
/// </summary>
internal sealed class FetchedRequests(ICibaRequestStore store, TimeProvider time)
{
    private static readonly TimeSpan RememberedFor = TimeSpan.FromSeconds(10);

    /// <summary>Notes that a device of the user has these requests.</summary>
    public ValueTask NoteAsync(IEnumerable<CibaDeviceRequest> requests, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return store.MarkPresentAsync([.. requests.Select(KeyOf)], now, now + RememberedFor, cancellationToken);
    }

    public ValueTask<bool> IncludeAsync(CibaDeviceRequest request, CancellationToken cancellationToken) => store.IsPresentAsync(KeyOf(request), time.GetUtcNow(), cancellationToken);

    // To the store it is one more user, who is present for a while.
    private static string KeyOf(CibaDeviceRequest request) => $"{CibaRequest.KeyOf(request.Issuer, request.Subject)}\nfetched\n{request.Id}";
}
