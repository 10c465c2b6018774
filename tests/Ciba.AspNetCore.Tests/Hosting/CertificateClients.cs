using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Clients that authenticate by a certificate, and a server in memory that is shown one.</summary>
public static class CertificateClients
{
    /// <summary>A client of <c>tls_client_auth</c>, by the subject <c>CN=client,O=Example</c> unless a test says otherwise.</summary>
    public static CibaClient ByAuthority(string id = "client", Action<CibaClient>? change = null)
    {
        var client = CibaHost.Client(id, CibaClientAuthenticationMethods.TlsClientAuth);
        client.ClientSecrets = [];
        client.TlsClientAuthSubjectDn = $"CN={id},O=Example";
        change?.Invoke(client);
        return client;
    }

    /// <summary>A client of <c>self_signed_tls_client_auth</c> with these certificates by value.</summary>
    public static CibaClient ByKeys(string id, params X509Certificate2[] certificates)
    {
        var client = CibaHost.Client(id, CibaClientAuthenticationMethods.SelfSignedTlsClientAuth);
        client.ClientSecrets = [];
        client.Jwks = TestKey.Set(certificates.Select(certificate => Jwk(certificate)));
        return client;
    }

    /// <summary>The key of a certificate on P-256, with the certificate.</summary>
    public static JsonObject Jwk(X509Certificate2 certificate, params X509Certificate2[] issuers)
    {
        var point = certificate.PublicKey.EncodedKeyValue.RawData;
        return new JsonObject
        {
            ["kty"] = "EC",
            ["crv"] = "P-256",
            ["x"] = Base64Url.EncodeToString(point.AsSpan(1, 32)),
            ["y"] = Base64Url.EncodeToString(point.AsSpan(33)),
            ["x5c"] = new JsonArray([.. issuers.Prepend(certificate).Select(one => JsonValue.Create(Convert.ToBase64String(one.RawData)))]),
        };
    }

    public static Action<CibaOptions> Trust(params TestAuthority[] authorities) => options =>
    {
        options.MutualTls.Enabled = true;
        options.MutualTls.RevocationMode = X509RevocationMode.NoCheck;
        options.MutualTls.TrustedAuthorities.AddRange(authorities.Select(authority => authority.Certificate).ToArray());
    };

    /// <summary>Has the server see the certificate that this gives, as if TLS had shown it.</summary>
    public static Action<WebApplication> Shown(Func<X509Certificate2?> certificate) => app => app.Use((context, next) =>
    {
        context.Connection.ClientCertificate = certificate();
        return next(context);
    });

    /// <summary>How often a chain was built in this host.</summary>
    public static int Chains(this CibaHost host) => host.Log.Ours.Count(line => line.Text.StartsWith("The chain of a client certificate was built", StringComparison.Ordinal));

    public static string Thumbprint(X509Certificate2 certificate) =>
        Base64Url.EncodeToString(certificate.GetCertHash(System.Security.Cryptography.HashAlgorithmName.SHA256));
}
