using Ciba.AspNetCore.Device;

namespace Ciba.AspNetCore.Notifiers;

/// <summary>
/// Leaves it to the device's event stream, which tells of the request by itself, where such a stream is open and the device fetches the
/// request that it is told of.
/// </summary>
internal sealed class ServerSentEventsNotifier(ICibaRequestStore store, FetchedRequests fetched, TimeProvider time) : ICibaDeviceNotifier
{
    public static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    private const int Looks = 10;

    public async Task NotifyAsync(CibaDeviceRequest request, CancellationToken cancellationToken)
    {
        var userKey = CibaRequest.KeyOf(request.Issuer, request.Subject);
        if (!await store.IsPresentAsync(userKey, time.GetUtcNow(), cancellationToken))
        {
            throw new NobodyListensException();
        }

        for (var look = 0; look < Looks; look++)
        {
            await Task.Delay(LookEvery, time, cancellationToken);
            if (await fetched.IncludeAsync(request, cancellationToken))
            {
                return;
            }
        }

        // Who has answered already has no need of another notifier.
        if (await store.GetAsync(request.Id, userKey, time.GetUtcNow(), cancellationToken) is { Status: CibaRequestStatus.Pending })
        {
            throw new NobodyListensException();
        }
    }
}

/// <summary>No device of the user listens: no fault, but somebody else has to tell it.</summary>
internal sealed class NobodyListensException() : Exception("No device of the user listens for server-sent events.");
