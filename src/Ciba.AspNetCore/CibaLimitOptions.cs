namespace Ciba.AspNetCore;

/// <summary>How many authentication requests may be pending.</summary>
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
}
