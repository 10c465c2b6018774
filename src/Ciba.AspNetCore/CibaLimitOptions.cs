namespace Ciba.AspNetCore;

/// <summary>
/// How many authentication requests may be pending, how often a user's devices may be notified, how many notifications may run, and how
/// often clients may fail to authenticate. Unless stated otherwise, 0 means no limit, and a limit holds on all nodes that share a store.
/// </summary>
/// <remarks>Every refusal has a <c>Retry-After</c> header.</remarks>
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
    /// Gets or sets the maximum number of pending requests of one client, across all users. One more is answered
    /// <c>temporarily_unavailable</c> (503). 0 means no limit. The default is 10,000.
    /// </summary>
    /// <remarks>
    /// Exact in memory, and on Redis for limits below 2,048. Above, half of the limit is shared out to the 64 shards of users, so that
    /// most requests take one round trip. The limit is never exceeded, but a client whose users are spread unevenly may be refused
    /// earlier: at half the limit if all of them are in one shard. A place is given back when the request is answered, cancelled or
    /// expired; if a node dies in between, when the request expires.
    /// </remarks>
    public int PendingPerClient { get; set; } = 10_000;

    /// <summary>
    /// Gets or sets the maximum number of pending requests in the memory store. One more is answered <c>temporarily_unavailable</c>
    /// (503). 0 means no limit. The default is 1,000,000.
    /// </summary>
    /// <remarks>Not used by the Redis store: there, <c>maxmemory</c> of the server bounds what is stored, and a full server is answered 503.</remarks>
    public int PendingTotal { get; set; } = 1_000_000;

    /// <summary>
    /// Gets or sets the maximum number of notifications of one user within <see cref="NotificationWindow"/>, across all clients. New
    /// requests, resends and retries count, even if the request is short, cancelled or expired. One more is answered
    /// <c>access_denied</c>; a retry waits. 0 means no limit. The default is 30.
    /// </summary>
    public int NotificationsPerUser { get; set; } = 30;

    /// <summary>
    /// Gets or sets the maximum number of notifications of one user by one client within <see cref="NotificationWindow"/>. 0 means no
    /// limit. The default is 10.
    /// </summary>
    public int NotificationsPerUserAndClient { get; set; } = 10;

    /// <summary>Gets or sets the time that a notification counts for. The default is 10 minutes.</summary>
    /// <value>Between 1 second and 1 day.</value>
    public TimeSpan NotificationWindow { get; set; } = TimeSpan.FromMinutes(10);

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

    internal CibaNotificationLimits Notifications => new()
    {
        PerUser = NotificationsPerUser,
        PerUserAndClient = NotificationsPerUserAndClient,
        Window = NotificationWindow,
    };

    internal CibaRequestLimits Requests => new(PendingPerUser, PendingPerUserAndClient)
    {
        PerClient = PendingPerClient,
        Total = PendingTotal,
        Notifications = Notifications,
    };
}
