using System.Security.Cryptography.X509Certificates;

namespace Ciba.AspNetCore;

/// <summary>
/// Client certificates (RFC 8705): <c>tls_client_auth</c>, <c>self_signed_tls_client_auth</c>, and access tokens that are bound to a
/// certificate. It is taken from the TLS connection, or from ASP.NET Core's certificate forwarding where a proxy ends TLS; never
/// from a header by itself.
/// </summary>
/// <remarks>
/// The server must ask for a certificate when the connection is made, and let those of unknown authorities through (Kestrel:
/// <c>ClientCertificateMode.AllowCertificate</c> and <c>AllowAnyClientCertificate()</c>), because what a certificate is worth is decided
/// here, client by client. A chain that was found good is not built again for 5 min, nor beyond the end of any certificate in it: so
/// much later a revocation may be seen. Issuers are never looked for on the network.
/// </remarks>
public sealed class CibaMutualTlsOptions
{
    /// <summary>Whether client certificates are used. The server must ask for them then. Default false.</summary>
    public bool Enabled { get; set; }

    /// <summary>
    /// Scheme, host and port of the address where the server asks for client certificates, if it is not the issuer's, for instance
    /// <c>https://mtls.example.com</c>: discovery lists <c>mtls_endpoint_aliases</c> there (RFC 8705 section 5), each with the path
    /// that it has at the issuer. Default none.
    /// </summary>
    public string? BaseAddress { get; set; }

    /// <summary>
    /// The certificate authorities whose certificates <c>tls_client_auth</c> takes: roots, and intermediates that clients do not
    /// send along, for the server does not pass those on. No other authority is trusted, not those of the machine either. Default
    /// empty; a root, here or in <see cref="TrustedAuthorityFiles"/>, is required for clients of that method.
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
