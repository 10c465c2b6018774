using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Clients;

/// <summary>RFC 8705: the certificate that the client has shown in TLS.</summary>
internal sealed class ClientCertificates(IOptions<CibaOptions> options)
{
    /// <summary>The certificate's <c>x5t#S256</c>, or null where none was shown.</summary>
    public async ValueTask<string?> ThumbprintAsync(HttpContext context) =>
        await GetAsync(context) is { } certificate ? Base64Url.EncodeToString(certificate.GetCertHash(HashAlgorithmName.SHA256)) : null;

    /// <summary>From the connection, or from the host's certificate forwarding; null where there is none, or mutual TLS is off.</summary>
    public async ValueTask<X509Certificate2?> GetAsync(HttpContext context) =>
        options.Value.MutualTls.Enabled ? await context.Connection.GetClientCertificateAsync(context.RequestAborted) : null;
}
