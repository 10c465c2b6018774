using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Quickstart;

/// <summary>How a host sets up Kestrel where clients authenticate with certificates; which endpoint asks for one, the configuration says.</summary>
public static class ClientCertificates
{
    /// <summary>
    /// Takes every certificate, of authorities that this machine does not know and those that clients made themselves, because CIBA
    /// checks them; and does not look for its issuers at the address that a stranger's certificate names.
    /// </summary>
    public static void LeaveClientCertificatesToCiba(this HttpsConnectionAdapterOptions https)
    {
        https.AllowAnyClientCertificate();
        https.OnAuthenticate = (_, tls) => tls.CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };
    }
}
