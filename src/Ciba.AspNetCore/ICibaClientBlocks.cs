namespace Ciba.AspNetCore;

/// <summary>
/// Remembers which clients a user wants to hear nothing more of ("this was not me"). Optional; register with
/// <c>AddClientBlocks</c>. Without it, a device cannot block.
/// </summary>
public interface ICibaClientBlocks
{
    /// <summary>
    /// The user denies a request and blocks its client: remember it, and tell whoever is to know. Comes before the denial is
    /// recorded; an exception leaves the request as it was. May come again for a request that was blocked before.
    /// </summary>
    ValueTask BlockAsync(CibaDeviceRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Whether the user has blocked the client: then every request is <c>access_denied</c>, and no device is told. Asked before every
    /// notification: of a new request, a resend, a retry. With <see cref="CibaOptions.ConcealUnknownUsers"/> also for subjects that no
    /// user has.
    /// </summary>
    ValueTask<bool> IsBlockedAsync(string subject, string clientId, CancellationToken cancellationToken);
}
