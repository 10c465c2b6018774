using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ciba.AspNetCore.Events;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Clients;

/// <summary>RFC 8705: the certificate that the client has shown in TLS, and whether it is the client's.</summary>
internal sealed partial class ClientCertificates(
    TrustedAuthorities authorities,
    RemoteKeySets remoteKeys,
    IOptions<CibaOptions> options,
    TimeProvider time,
    ILogger<ClientCertificates> logger)
{
    private static readonly ClientRefusal NotShown = ClientRefusal.Unproven(ClientAuthenticationOutcome.WrongCredentials, "The client has shown no TLS certificate.");
    private static readonly ClientRefusal NotInTime = ClientRefusal.Proven("The client certificate is refused: it has expired or is not valid yet.");

    /// <summary>The certificate's <c>x5t#S256</c>, or null where none was shown. RFC 8705 section 3: any will do for that.</summary>
    public async ValueTask<string?> ThumbprintAsync(HttpContext context) =>
        await GetAsync(context) is { } certificate ? Base64Url.EncodeToString(certificate.GetCertHash(HashAlgorithmName.SHA256)) : null;

    /// <summary>Section 2: null where the certificate that was shown authenticates the client.</summary>
    public async ValueTask<ClientRefusal?> CheckAsync(HttpContext context, RegisteredClient client)
    {
        if (await GetAsync(context) is not { } certificate)
        {
            return NotShown;
        }

        return client.CertificateName is { } name
            ? await CheckByAuthorityAsync(name, certificate, context.RequestAborted)
            : await CheckByKeysAsync(client, certificate, context.RequestAborted);
    }

    // Section 2.1. What costs least first.
    private async ValueTask<ClientRefusal?> CheckByAuthorityAsync(CertificateName name, X509Certificate2 certificate, CancellationToken cancellationToken) =>
        WhyNotInTime(certificate) is { } late ? Wrong(late)
        : name.WhyNot(certificate) is { } difference ? Wrong(difference)
        : await authorities.WhyNotAsync(certificate, cancellationToken) is { } reason ? Wrong(reason)
        : null;

    // Section 2.2: no chain, but the very certificate.
    private async ValueTask<ClientRefusal?> CheckByKeysAsync(RegisteredClient client, X509Certificate2 certificate, CancellationToken cancellationToken)
    {
        var encoded = certificate.RawDataMemory;
        return await remoteKeys.FindAsync(client.Keys, client.Client, keys => keys.HasCertificate(encoded.Span), cancellationToken) switch
        {
            KeyMatch.Found => WhyNotInTime(certificate) is null ? null : NotInTime,
            KeyMatch.Unreadable => Wrong(RemoteKeySets.Unreadable),
            KeyMatch.NoUsableKeys => Wrong(RemoteKeySets.NoUsableKeys),
            _ => Wrong("it is not the x5c of a key of the client"),
        };
    }

    private string? WhyNotInTime(X509Certificate2 certificate)
    {
        var now = time.GetUtcNow();
        return now < certificate.NotBefore ? "it is not valid yet" : now > certificate.NotAfter ? "it has expired" : null;
    }

    /// <summary>From the connection, or from the host's certificate forwarding; null where there is none, or mutual TLS is off.</summary>
    private async ValueTask<X509Certificate2?> GetAsync(HttpContext context)
    {
        var mutualTls = options.Value.MutualTls;
        if (!mutualTls.Enabled || (mutualTls.CertificateSource == CibaCertificateSource.Forwarded && !IsForwarded(context)))
        {
            return null;
        }

        try
        {
            return await context.Connection.GetClientCertificateAsync(context.RequestAborted);
        }
        catch (Exception exception) when (exception is InvalidOperationException or NotSupportedException or AuthenticationException or IOException)
        {
            // A server that asks for the certificate only now, on a connection where that cannot be done: HTTP/2, or TLS 1.3 with
            // a client that does not expect it.
            NotToBeHad(exception.GetType().Name);
            return null;
        }
    }

    // The middleware's own feature is internal to its assembly, in which there is no other; a server's comes from elsewhere.
    private static bool IsForwarded(HttpContext context) =>
        context.Features.Get<ITlsConnectionFeature>()?.GetType().Assembly == typeof(CertificateForwardingMiddleware).Assembly;

    private static ClientRefusal Wrong(string reason) => ClientRefusal.Unproven(ClientAuthenticationOutcome.WrongCredentials, $"The client certificate is refused: {reason}.");

    [LoggerMessage(1, LogLevel.Debug, "The server could not ask for the client's certificate ({Exception}): it must ask when the connection is made")]
    private partial void NotToBeHad(string exception);
}
