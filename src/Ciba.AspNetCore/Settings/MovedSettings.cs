using System.Collections.Frozen;

namespace Ciba.AspNetCore.Settings;

/// <summary>Settings that have another name than in an earlier version.</summary>
internal static class MovedSettings
{
    /// <summary>Where a setting is now, by where it was.</summary>
    public static FrozenDictionary<string, string> All { get; } = new Dictionary<string, string>
    {
        ["MaxPendingRequestsPerUser"] = "Limits:PendingPerUser",
        ["MaxPendingRequestsPerUserAndClient"] = "Limits:PendingPerUserAndClient",
        ["LongPollingTimeout"] = "LongPolling:Timeout",
        ["MaxWaitingPolls"] = "LongPolling:MaxWaiting",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
}
