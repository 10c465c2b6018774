namespace Ciba.AspNetCore;

/// <summary>Where a client's certificate is taken from.</summary>
public enum CibaCertificateSource
{
    /// <summary>The TLS connection, or what the host has put in its place, by certificate forwarding or by itself.</summary>
    Connection,

    /// <summary>
    /// Certificate forwarding alone (<c>UseCertificateForwarding()</c>), for a host behind a proxy that ends TLS: a request without
    /// its header has no certificate, though the proxy may have shown one of its own on the connection.
    /// </summary>
    Forwarded,
}
