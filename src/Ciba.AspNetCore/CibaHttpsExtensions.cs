using System.Security.Cryptography.X509Certificates;
using Ciba.AspNetCore.Profiles;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Sets up Kestrel for clients that authenticate with certificates.</summary>
public static class CibaHttpsExtensions
{
    /// <summary>
    /// Has the server ask for client certificates and leave it to CIBA which ones are good: those of authorities that this machine
    /// does not know, and those that clients made themselves, get through. Nothing is fetched for them:
    /// <see cref="HttpsConnectionAdapterOptions.AllowAnyClientCertificate"/> alone still builds a chain during the handshake, and
    /// looks for missing issuers at the address that the certificate of a stranger names.
    /// </summary>
    /// <remarks>
    /// Certificates are also let through to the host's other endpoints, which must not take them for proven. Not for HTTP/3, where
    /// Kestrel has no <see cref="HttpsConnectionAdapterOptions.OnAuthenticate"/>.
    /// </remarks>
    /// <param name="https">
    /// The options, for instance those of <c>ConfigureHttpsDefaults</c>. A <see cref="ClientCertificateMode"/> other than
    /// <see cref="ClientCertificateMode.NoCertificate"/> stays; else it becomes <see cref="ClientCertificateMode.AllowCertificate"/>.
    /// An endpoint's own <c>ClientCertificateMode</c> in the <c>Kestrel</c> configuration goes before either.
    /// </param>
    /// <returns>The same options.</returns>
    public static HttpsConnectionAdapterOptions UseCibaClientCertificates(this HttpsConnectionAdapterOptions https)
    {
        ArgumentNullException.ThrowIfNull(https);
        if (https.ClientCertificateMode == ClientCertificateMode.NoCertificate)
        {
            https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
        }

        https.AllowAnyClientCertificate();
        var before = https.OnAuthenticate;
        https.OnAuthenticate = (connection, tls) =>
        {
            before?.Invoke(connection, tls);
            tls.CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };
        };
        return https;
    }

    /// <summary>
    /// Restricts TLS 1.2 to the cipher suites of the FAPI-CIBA profile: <c>TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256</c> and
    /// <c>TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384</c> (FAPI 1.0 part 2 section 8.5, RFC 9325). TLS 1.3 stays as it is.
    /// </summary>
    /// <remarks>
    /// Changes nothing on platforms without <see cref="System.Net.Security.CipherSuitesPolicy"/>, such as Windows: set the cipher suites of
    /// the machine there. With <see cref="Ciba.AspNetCore.CibaProfile.FapiCiba"/> a warning at start says so. Not for HTTP/3, where Kestrel has
    /// no <see cref="HttpsConnectionAdapterOptions.OnAuthenticate"/> and TLS is 1.3 alone.
    /// </remarks>
    /// <param name="https">The options, for instance those of <c>ConfigureHttpsDefaults</c>.</param>
    /// <param name="allowEcdsa">
    /// Whether <c>TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256</c> and <c>TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384</c> are allowed too, for servers
    /// with an EC certificate. The default is false.
    /// </param>
    /// <returns>The same options.</returns>
    public static HttpsConnectionAdapterOptions UseFapiCipherSuites(this HttpsConnectionAdapterOptions https, bool allowEcdsa = false)
    {
        ArgumentNullException.ThrowIfNull(https);
        if (FapiCipherSuites.CreatePolicy(allowEcdsa) is not { } policy)
        {
            return https;
        }

        var before = https.OnAuthenticate;
        https.OnAuthenticate = (connection, tls) =>
        {
            before?.Invoke(connection, tls);
            tls.CipherSuitesPolicy = policy;
        };
        return https;
    }
}
