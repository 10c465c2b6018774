using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ciba.AspNetCore;

namespace Quickstart;

/// <summary>How a host sets up the HTTP clients that call its clients: here, which certificates they trust.</summary>
public static class CallbackCertificate
{
    /// <summary>
    /// The certificate of <c>Quickstart:TrustedCallbackCertificate</c>, a PEM file, or null where it cannot be read: what
    /// cannot be trusted is better said at the start than at the first callback.
    /// </summary>
    public static X509Certificate2? TryRead(string file)
    {
        try
        {
            return X509CertificateLoader.LoadCertificateFromFile(file);
        }
        catch (Exception exception) when (exception is CryptographicException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"Quickstart:TrustedCallbackCertificate: {Path.GetFullPath(file)} is not there or holds no certificate. Start the receiver first, which writes it, or leave the setting out.");
            return null;
        }
    }

    /// <summary>
    /// Trusts this root, and no authority of the machine, for callbacks and the fetch of a <c>jwks_uri</c>, and for nothing else. Names
    /// and dates of certificates are checked as ever.
    /// </summary>
    public static void AddTrustForCallbacks(this IServiceCollection services, X509Certificate2 root)
    {
        foreach (var name in new[] { CibaCallbackOptions.HttpClientName, CibaCallbackOptions.JwksUriHttpClientName })
        {
            services.AddHttpClient(name).ConfigurePrimaryHttpMessageHandler((handler, _) => ((SocketsHttpHandler)handler).SslOptions.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { root },
                RevocationMode = X509RevocationMode.NoCheck,
            });
        }
    }
}
