namespace Ciba.AspNetCore;

/// <summary>Long polling (CIBA Core section 10.1): a poll waits for the user's answer.</summary>
public sealed class CibaLongPollingOptions
{
    /// <summary>
    /// Gets or sets how long a poll waits before it is answered <c>authorization_pending</c>, at most 5 minutes. Choose less than the
    /// time-outs of clients and proxies. The default is 0: polls are answered at once.
    /// </summary>
    public TimeSpan Timeout { get; set; }

    /// <summary>Gets or sets how many polls may wait on one node. Further polls are answered at once. The default is 10,000.</summary>
    public int MaxWaiting { get; set; } = 10_000;
}
