using Ciba.AspNetCore.Callbacks;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Notifiers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Authentication;

/// <summary>Tells the user's device of a stored request (section 8), when and how the host wants it.</summary>
internal sealed partial class DeviceNotifications(
    ICibaRequestStore store,
    DeviceCall device,
    DeviceNotifiers notifiers,
    OutboxWorker outbox,
    IOptions<CibaOptions> options,
    ILogger<DeviceNotifications> logger)
{
    private bool InBackground => options.Value.DeviceNotification == CibaDeviceNotificationMode.Background;

    /// <summary>
    /// When the outbox is to hand out a new request: not before this node, which tells the device at once, must have died; or
    /// at its expiry, where something is to be done then.
    /// </summary>
    public DateTimeOffset? DueAt(bool isConcealed, string mode, DateTimeOffset now, DateTimeOffset expiresAt) =>
        InBackground && !isConcealed ? outbox.NotifyingUntil(now)
        : outbox.WatchesExpiry(mode) ? expiresAt
        : null;

    /// <summary>Whether the client can be told that its request stands. A request that cannot is gone from the store.</summary>
    public async ValueTask<bool> NotifyAsync(CibaRequest request, CancellationToken cancellationToken)
    {
        if (InBackground)
        {
            outbox.Begin(new CibaOutboxEntry(request, CibaRequestStatus.Pending, null, request.DueAt!.Value), isCounted: true);
            return true;
        }

        try
        {
            if (!await device.NotifyAsync(request, notifiers.Timeout, cancellationToken))
            {
                throw new TimeoutException("Too many notifications were running.");
            }

            return true;
        }
        catch (Exception exception)
        {
            // Also where the client has gone: it never learned the auth_req_id. A user who has answered was reached after all.
            if (!await store.RemoveAsync(request.Id, request.UserKey, CancellationToken.None))
            {
                return true;
            }

            Refused(CibaLog.Short(request.Id), exception);
            return false;
        }
    }

    [LoggerMessage(3, LogLevel.Error, "The device could not be notified of request {Request}: the request was refused")]
    private partial void Refused(string request, Exception exception);
}
