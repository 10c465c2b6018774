using static Ciba.AspNetCore.CibaClientAuthenticationMethods;

namespace Ciba.AspNetCore.Clients;

/// <summary>RFC 8705: what a client needs that authenticates with a certificate, or whose tokens are bound to one.</summary>
internal static partial class ClientRules
{
    public static bool UsesCertificate(string method) => method is TlsClientAuth or SelfSignedTlsClientAuth;

    /// <summary>What the provider lacks that the client needs for its certificates; null where it lacks nothing.</summary>
    public static string? MutualTlsIsMissing(CibaClient client, CibaOptions options, TrustedAuthorities authorities)
    {
        var byCertificate = UsesCertificate(client.TokenEndpointAuthMethod);
        if (!byCertificate && !client.TlsClientCertificateBoundAccessTokens)
        {
            return null;
        }

        var need = byCertificate ? $"TokenEndpointAuthMethod '{client.TokenEndpointAuthMethod}'" : nameof(client.TlsClientCertificateBoundAccessTokens);
        return options.MutualTls is not { Enabled: true }
                ? $"Client '{client.ClientId}': {need} needs mutual TLS: set CibaOptions.MutualTls.Enabled, and have the server ask for client certificates."
            : client.TokenEndpointAuthMethod == TlsClientAuth && authorities.IsEmpty
                ? $"Client '{client.ClientId}': {need} needs an authority to trust: add its root to CibaOptions.MutualTls.TrustedAuthorities or TrustedAuthorityFiles."
            : null;
    }

    private static string? RegisteredName(CibaClient client)
    {
        if (client.TokenEndpointAuthMethod != TlsClientAuth)
        {
            return CertificateName.Registered(client) is [var (name, _), ..] ? $"{name} goes with TokenEndpointAuthMethod '{TlsClientAuth}' alone; set that, or leave it out" : null;
        }

        _ = CertificateName.Of(client, out var problem);
        return problem;
    }

    private static string? RegisteredCertificate(CibaClient client, ClientKeySet keys) =>
        client.TokenEndpointAuthMethod == SelfSignedTlsClientAuth && !keys.HasCertificates
            ? "Jwks holds no certificate: self_signed_tls_client_auth needs a key with x5c, whose first certificate is of that key"
            : null;
}
