using System.Security.Cryptography.X509Certificates;

namespace Ciba.AspNetCore;

/// <summary>
/// Client certificates (RFC 8705): <c>tls_client_auth</c>, <c>self_signed_tls_client_auth</c>, and access tokens that are bound to a
/// certificate. It is taken from the TLS connection, or from ASP.NET Core's certificate forwarding where a proxy ends TLS; never
/// from a header by itself.
/// </summary>
/// <remarks>
/// <para>
/// The server must ask for a certificate when the connection is made, and let those of unknown authorities through, because what a
/// certificate is worth is decided here, client by client: Kestrel does with
/// <see cref="Microsoft.AspNetCore.Hosting.CibaHttpsExtensions.UseCibaClientCertificates"/>. Without it the server looks
/// during the handshake for the issuers of strangers' certificates, at addresses that these name; here nobody looks for them. A chain
/// that was found good is not built again for 5 min, nor beyond the end of any certificate in it: so much later a revocation may be seen.
/// </para>
/// <para>
/// Certificates are public, so that whoever can send the header of certificate forwarding is any client: the proxy must take that
/// header away from what comes from outside, and nobody but the proxy may reach the host. See <see cref="CertificateSource"/>.
/// </para>
/// </remarks>
public sealed class CibaMutualTlsOptions
{
    /// <summary>Whether client certificates are used. The server must ask for them then. Default false.</summary>
    public bool Enabled { get; set; }

    /// <summary>
    /// Where a client's certificate is taken from. Behind a proxy that itself shows a certificate to the host it must be
    /// <see cref="CibaCertificateSource.Forwarded"/>: certificate forwarding leaves a request without its header as it is, and so
    /// lends the proxy's certificate to every client that has shown none. Default <see cref="CibaCertificateSource.Connection"/>.
    /// </summary>
    public CibaCertificateSource CertificateSource { get; set; }

    /// <summary>
    /// Scheme, host and port of the address where the server asks for client certificates, if it is not the issuer's, for instance
    /// <c>https://mtls.example.com</c>: discovery lists <c>mtls_endpoint_aliases</c> there (RFC 8705 section 5), each with the path
    /// that it has at the issuer. Not together with an <see cref="ICibaTenants"/> that tells tenants by host name: at this address
    /// the path alone tells the tenant. Default none.
    /// </summary>
    public string? BaseAddress { get; set; }

    /// <summary>
    /// The certificate authorities whose certificates <c>tls_client_auth</c> takes: roots, and intermediates that clients do not
    /// send along, for the server does not pass those on. No other authority is trusted, not those of the machine either. The list is
    /// one for all clients and tenants: any authority in it can issue a certificate with the name of any client. Default empty; a
    /// root, here or in <see cref="TrustedAuthorityFiles"/>, is required for clients of that method.
    /// </summary>
    public X509Certificate2Collection TrustedAuthorities { get; } = [];

    /// <summary>Files with such certificates in PEM, several in one if need be, read at the start; keys in them are passed over. Default empty.</summary>
    public IList<string> TrustedAuthorityFiles { get; set; } = [];

    /// <summary>
    /// Whether it is looked up if an authority has revoked the certificate. Default <see cref="X509RevocationMode.Online"/>, which
    /// refuses certificates of authorities that cannot be asked: those that publish no revocation list need
    /// <see cref="X509RevocationMode.NoCheck"/>. The authority is asked where all else is right, and may take 5 s.
    /// </summary>
    public X509RevocationMode RevocationMode { get; set; } = X509RevocationMode.Online;
}
