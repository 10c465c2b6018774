using System.Collections.Concurrent;
using System.Net.NetworkInformation;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>
/// Ports for servers that cannot ask the system for one: below those of outgoing connections, and given only once in this process.
/// </summary>
internal static class FreePort
{
    /// <summary>How far a cluster's bus is from the port of its clients.</summary>
    private const int BusDistance = 10_000;

    private static readonly ConcurrentDictionary<int, bool> Given = new();

    /// <summary>Another process may still take it first: whoever starts a server on it tries another then.</summary>
    public static int Next()
    {
        var taken = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Select(endpoint => endpoint.Port).ToHashSet();
        while (true)
        {
            var port = Random.Shared.Next(11_000, 21_000);
            if (!taken.Contains(port) && !taken.Contains(port + BusDistance) && Given.TryAdd(port, true))
            {
                return port;
            }
        }
    }
}
