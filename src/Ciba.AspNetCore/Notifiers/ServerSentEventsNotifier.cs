namespace Ciba.AspNetCore.Notifiers;

/// <summary>Leaves it to the device's event stream, which tells of the request by itself, where such a stream is open.</summary>
internal sealed class ServerSentEventsNotifier(ICibaRequestStore store, TimeProvider time) : ICibaDeviceNotifier
{
    public async Task NotifyAsync(CibaDeviceRequest request, CancellationToken cancellationToken)
    {
        if (!await store.IsPresentAsync(CibaRequest.KeyOf(request.Issuer, request.Subject), time.GetUtcNow(), cancellationToken))
        {
            throw new NobodyListensException();
        }
    }
}

/// <summary>No device of the user listens: no fault, but somebody else has to tell it.</summary>
internal sealed class NobodyListensException() : Exception("No device of the user listens for server-sent events.");
