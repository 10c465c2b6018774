using System.Net;
using Ciba.AspNetCore;

namespace Quickstart;

/// <summary>
/// Which requests the page and the automation accept: those that the library's own endpoints accept, over https or from a
/// program on this machine.
/// </summary>
public static class Transport
{
    private static readonly string[] ProxyHeaders = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"];

    /// <summary>
    /// Whether the request came over https, or from loopback. The address alone is not enough: a proxy on this machine has
    /// it too, and so has a browser whose page rebound its own name to this machine.
    /// </summary>
    public static bool IsSecure(HttpContext context, CibaOptions options) =>
        context.Request.IsHttps
        || (IsLoopback(context.Connection.RemoteIpAddress)
            && IsLoopbackName(context.Request.Host.Host)
            && !ProxyHeaders.Any(context.Request.Headers.ContainsKey)
            && Uri.TryCreate(options.Issuer, UriKind.Absolute, out var issuer) && issuer.IsLoopback);

    /// <summary>Whether a page of another origin made the request: browsers say so in one of these headers.</summary>
    public static bool IsFromAnotherOrigin(HttpRequest request) => request.Headers["Sec-Fetch-Site"] is { Count: > 0 } site
        ? site is not ["same-origin"] and not ["none"]
        : request.Headers.Origin is { Count: > 0 } origin && !(origin is [{ } text] && IsOwnOrigin(text, request));

    private static bool IsOwnOrigin(string origin, HttpRequest request) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var theirs)
        && Uri.TryCreate($"{request.Scheme}://{request.Host}", UriKind.Absolute, out var ours)
        && Uri.Compare(theirs, ours, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0;

    // No address: a socket of this machine.
    private static bool IsLoopback(IPAddress? address) => address is null || IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    private static bool IsLoopbackName(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}
