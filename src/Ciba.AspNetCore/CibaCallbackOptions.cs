using System.Security.Cryptography.X509Certificates;

namespace Ciba.AspNetCore;

/// <summary>
/// Calls that the provider makes to its clients: pings and pushes (CIBA Core sections 10.2 and 10.3), and which addresses
/// they and the fetch of a <c>jwks_uri</c> may reach.
/// </summary>
public sealed class CibaCallbackOptions
{
    /// <summary>
    /// The client of <see cref="IHttpClientFactory"/> that sends pings and pushes. It follows no redirect, keeps no cookie,
    /// takes no proxy from the environment and leaves nothing in the log of the factory.
    /// </summary>
    /// <remarks>
    /// A host may change it behind <c>AddCiba()</c>, for instance trust a certificate authority of its own:
    /// <code>
    /// services.AddHttpClient(CibaCallbackOptions.HttpClientName)
    ///     .ConfigurePrimaryHttpMessageHandler((handler, _) => ((SocketsHttpHandler)handler).SslOptions = ...);
    /// </code>
    /// This overload changes the handler that is there and so keeps the check of addresses; a handler of the host's own has
    /// none. Behind a proxy the address of the proxy is what is checked. Versions up to HTTP/2 only: HTTP/3 would pass by
    /// the check.
    /// </remarks>
    public const string HttpClientName = "Ciba.Callbacks";

    /// <summary>
    /// The client of <see cref="IHttpClientFactory"/> that fetches the keys of a <c>jwks_uri</c>. It is set up as
    /// <see cref="HttpClientName"/> is, and a host changes it in the same way.
    /// </summary>
    public const string JwksUriHttpClientName = "Ciba.JwksUri";

    /// <summary>
    /// Networks that are open to calls to clients though they are not public, as CIDR (<c>10.1.0.0/16</c>, <c>::1/128</c>) or single
    /// addresses; with a port (<c>10.1.0.0/16:8443</c>) on that one only.
    /// Default empty: no loopback, private, link-local, multicast or otherwise special address is connected to, whatever a
    /// name resolves to. Holds for <c>jwks_uri</c> too.
    /// </summary>
    public IList<string> AllowedNetworks { get; set; } = [];

    /// <summary>
    /// How long finding and connecting to a client may take, without TLS. At most <see cref="Timeout"/>. Holds for
    /// <c>jwks_uri</c> too. Default 5 s.
    /// </summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long one ping or push may take as a whole, 1 min at most. Default 10 s.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Whether it is looked up if an authority has revoked the certificate of a client's endpoint or <c>jwks_uri</c>. The default,
    /// <see cref="X509RevocationMode.NoCheck"/>, does not. <see cref="X509RevocationMode.Online"/> refuses certificates whose authority
    /// cannot be asked, and asks at the address that the certificate names, whatever <see cref="AllowedNetworks"/> says.
    /// </summary>
    public X509RevocationMode RevocationMode { get; set; } = X509RevocationMode.NoCheck;

    /// <summary>How many pings and pushes a node sends at once. Default 512.</summary>
    public int MaxConcurrent { get; set; } = 512;

    /// <summary>How many of them go to one host and port at once, so that a slow one holds up nobody else. Default 16.</summary>
    public int MaxConcurrentPerReceiver { get; set; } = 16;

    /// <summary>Whether a ping client is told, too, that its request expired unanswered (section 10.2). Default false.</summary>
    public bool PingOnExpiry { get; set; }
}
