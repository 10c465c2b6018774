namespace Ciba.AspNetCore;

/// <summary>How many requests may be pending, how many notifications may run, and how often clients may fail to authenticate.</summary>
public sealed class CibaLimitOptions
{
    /// <summary>
    /// Gets or sets the maximum number of pending requests of one user, across all clients. One more is answered
    /// <c>access_denied</c>, and no device is notified. 0 means no limit. The default is 10.
    /// </summary>
    public int PendingPerUser { get; set; } = 10;

    /// <summary>
    /// Gets or sets the maximum number of pending requests of one client for one user. One more is answered <c>access_denied</c>,
    /// and no device is notified. 0 means no limit. The default is 3.
    /// </summary>
    public int PendingPerUserAndClient { get; set; } = 3;

    /// <summary>
    /// Gets or sets how often a client may fail to authenticate from one address within a minute, on each node. After that its credentials
    /// are not looked at until the minute is over: the answer is still 401 <c>invalid_client</c>, with <c>Retry-After</c>. 0 means no limit.
    /// The default is 30.
    /// </summary>
    /// <remarks>
    /// The address is the connection's remote address, of IPv6 its first 64 bits. The client is not affected at other addresses, so that
    /// nobody else can lock it out. Behind a proxy, use ASP.NET Core's forwarded headers, or all callers have the proxy's address.
    /// </remarks>
    public int FailedAuthentications { get; set; } = 30;

    /// <summary>
    /// Gets or sets the maximum number of calls of an <see cref="ICibaDeviceNotifier"/> that run at once on one node, at least 1. The
    /// default is 128.
    /// </summary>
    /// <remarks>
    /// Further notifications wait and are sent in turn: client after client, and for each client user after user. One client uses at
    /// most half of the calls, and each of its users an eighth. A call that ignores its cancellation token counts until it ends.
    /// </remarks>
    public int ConcurrentNotifications { get; set; } = 128;
}
