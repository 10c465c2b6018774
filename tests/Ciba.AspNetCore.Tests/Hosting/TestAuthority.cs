using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A certificate authority of a test. What it issues is valid at the time of <see cref="ManualTime"/>, and now.</summary>
public sealed class TestAuthority : IDisposable
{
    public const string ForServers = "1.3.6.1.5.5.7.3.1";
    public const string ForClients = "1.3.6.1.5.5.7.3.2";

    public static readonly DateTimeOffset From = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    public static readonly DateTimeOffset Until = new(2036, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly List<X509Certificate2> _made = [];

    public TestAuthority(string name = "CN=Test CA", TestAuthority? issuer = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        if (issuer is null)
        {
            Certificate = request.CreateSelfSigned(From, Until);
            return;
        }

        using var issued = request.Create(issuer.Certificate, From, Until, RandomNumberGenerator.GetBytes(8));
        Certificate = issued.CopyWithPrivateKey(key);
    }

    public X509Certificate2 Certificate { get; }

    /// <summary>A certificate for clients, until a test changes something.</summary>
    public X509Certificate2 Issue(string subject, Action<CertificateRequest>? change = null, DateTimeOffset? from = null, DateTimeOffset? until = null, string? usage = ForClients) =>
        Issue(new X500DistinguishedName(subject), change, from, until, usage);

    public X509Certificate2 Issue(X500DistinguishedName subject, Action<CertificateRequest>? change = null, DateTimeOffset? from = null, DateTimeOffset? until = null, string? usage = ForClients)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request(subject, key, usage);
        change?.Invoke(request);
        using var issued = request.Create(Certificate, from ?? From, until ?? Until.AddYears(-1), RandomNumberGenerator.GetBytes(8));
        return Keep(issued.CopyWithPrivateKey(key));
    }

    /// <summary>A certificate that its subject has made itself.</summary>
    public X509Certificate2 SelfMade(string subject, DateTimeOffset? from = null, DateTimeOffset? until = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Keep(Request(new X500DistinguishedName(subject), key, ForClients).CreateSelfSigned(from ?? From, until ?? Until));
    }

    /// <summary>Adds subject alternative names.</summary>
    public static Action<CertificateRequest> Names(Action<SubjectAlternativeNameBuilder> add) => request =>
    {
        var names = new SubjectAlternativeNameBuilder();
        add(names);
        request.CertificateExtensions.Add(names.Build());
    };

    /// <summary>The certificate of a server on this machine.</summary>
    public X509Certificate2 IssueServer() => Issue("CN=localhost", Names(names => names.AddIpAddress(IPAddress.Loopback)), usage: ForServers);

    public void Dispose()
    {
        Certificate.Dispose();
        _made.ForEach(certificate => certificate.Dispose());
    }

    private static CertificateRequest Request(X500DistinguishedName subject, ECDsa key, string? usage)
    {
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        if (usage is not null)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        }

        return request;
    }

    private X509Certificate2 Keep(X509Certificate2 certificate)
    {
        lock (_made)
        {
            _made.Add(certificate);
        }

        return certificate;
    }
}
