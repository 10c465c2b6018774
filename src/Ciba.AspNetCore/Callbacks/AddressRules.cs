using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>
/// Which addresses outgoing calls may reach: those of the public internet, and what the host allows. An IPv4 address that
/// is written as IPv6 is judged as IPv4.
/// </summary>
internal sealed class AddressRules(IEnumerable<string>? allowedNetworks)
{
    private const int BitsBeforeWrappedIPv4 = 96;
    private const int LargestNetwork = 8;

    private static readonly IPNetwork[] Loopback = Networks("127.0.0.0/8", "::1/128");
    private static readonly IPNetwork[] LinkLocal = Networks("169.254.0.0/16", "fe80::/10");

    // The special-purpose registries of IANA (RFC 6890), multicast, and the host agent of Azure.
    private static readonly IPNetwork[] ClosedIPv4 = Networks(
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "168.63.129.16/32", "224.0.0.0/4", "240.0.0.0/4");

    private static readonly IPNetwork GlobalUnicast = IPNetwork.Parse("2000::/3");

    // Special purposes within it: Teredo and its neighbours, documentation, and 6to4, which carries an IPv4 address.
    private static readonly IPNetwork[] ClosedIPv6 = Networks("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20");

    // An entry that cannot be read has stopped the host from starting.
    private readonly AllowedNetwork[] _allowed = [.. (allowedNetworks ?? []).Select(Read).OfType<AllowedNetwork>()];

    public bool Allows(IPAddress address, int? port = null)
    {
        var judged = Plain(address);
        return _allowed.Any(allowed => allowed.Network.Contains(judged) && (allowed.Port is null || allowed.Port == port)) || IsPublic(judged);
    }

    /// <summary>The address that is meant: IPv4 where IPv6 only wraps it.</summary>
    public static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>What is wrong with a URL whose host can be judged without asking for its addresses; null for all others.</summary>
    public string? WhyNot(Uri url)
    {
        var host = url.IdnHost.TrimEnd('.');
        IPAddress[] addresses =
            IPAddress.TryParse(host, out var literal) ? [literal]
            : host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase) ? [IPAddress.Loopback, IPAddress.IPv6Loopback]
            : [];
        return addresses.Length == 0 || addresses.Any(address => Allows(address, url.Port))
            ? null
            : $"goes to {host}, which is closed to outgoing calls: open its network in CibaOptions.Callbacks.AllowedNetworks, or use a public address";
    }

    /// <summary>What an entry opens that hardly any client should be called at: a warning; null for most.</summary>
    public static string? FindRisk(string entry)
    {
        if (Read(entry) is not { Network: var network })
        {
            return null;
        }

        return Loopback.Any(Overlaps) ? "this machine itself"
            : LinkLocal.Any(Overlaps) ? "link-local addresses, where cloud providers keep credentials"
            : network.PrefixLength < LargestNetwork ? $"more than a /{LargestNetwork}"
            : null;

        bool Overlaps(IPNetwork special) => network.Contains(special.BaseAddress) || special.Contains(network.BaseAddress);
    }

    /// <summary>An entry of <see cref="CibaCallbackOptions.AllowedNetworks"/>; null where it is none.</summary>
    public static AllowedNetwork? Read(string? entry)
    {
        // Behind the prefix, or the only colon: so that it is no part of an IPv6 address.
        var slash = entry?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        var colon = slash >= 0 ? entry!.IndexOf(':', slash) : entry?.Count(letter => letter == ':') == 1 ? entry.IndexOf(':', StringComparison.Ordinal) : -1;
        if (colon < 0)
        {
            return ReadNetwork(entry) is { } alone ? new AllowedNetwork(alone, null) : null;
        }

        return ReadNetwork(entry![..colon]) is { } network
            && int.TryParse(entry.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= IPEndPoint.MaxPort
            ? new AllowedNetwork(network, port) : null;
    }

    private static IPNetwork? ReadNetwork(string? text)
    {
        // The parser would take 10.1 for 10.0.0.1, which nobody means here.
        if (text?.Split('/') is not [var start, .. var rest] || !IPAddress.TryParse(start, out var address) || start.AsSpan().ContainsAny("%[]")
            || (address.AddressFamily == AddressFamily.InterNetwork && address.ToString() != start))
        {
            return null;
        }

        var bits = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        var length = bits;
        if (rest.Length > 1 || (rest is [var number] && !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out length)) || length > bits)
        {
            return null;
        }

        if (address.IsIPv4MappedToIPv6 && length >= BitsBeforeWrappedIPv4)
        {
            (address, length) = (address.MapToIPv4(), length - BitsBeforeWrappedIPv4);
        }

        // The constructor clears what is behind the prefix, where somebody has mistaken the one or the other.
        var network = new IPNetwork(address, length);
        return network.BaseAddress.Equals(address) ? network : null;
    }

    private static bool IsPublic(IPAddress address) => address.AddressFamily switch
    {
        AddressFamily.InterNetwork => !ClosedIPv4.Any(network => network.Contains(address)),
        AddressFamily.InterNetworkV6 => GlobalUnicast.Contains(address) && !ClosedIPv6.Any(network => network.Contains(address)),
        _ => false,
    };

    private static IPNetwork[] Networks(params string[] networks) => [.. networks.Select(IPNetwork.Parse)];
}

/// <summary>A network that may be called although it is not public: on one port, or on every one.</summary>
internal readonly record struct AllowedNetwork(IPNetwork Network, int? Port);
