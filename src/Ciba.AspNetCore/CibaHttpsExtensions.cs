using System.Security.Cryptography.X509Certificates;
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
}
