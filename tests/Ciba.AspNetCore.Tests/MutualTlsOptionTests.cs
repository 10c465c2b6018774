namespace Ciba.AspNetCore.Tests;

/// <summary>What mutual TLS needs is said when the host starts.</summary>
[Spec("D7")]
public sealed class MutualTlsOptionTests : IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("ciba-mtls-").FullName;

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [TestCase("mtls.example.com", "is no absolute URL: set it to the address where the server asks for client certificates, for instance https://mtls.example.com")]
    [TestCase("", "is no absolute URL: set it to the address where the server asks for client certificates, for instance https://mtls.example.com")]
    [TestCase("ftp://mtls.example.com", "is no absolute URL: set it to the address where the server asks for client certificates, for instance https://mtls.example.com")]
    [TestCase("http://mtls.example.com", "must be an https URL (http only for loopback where the issuer is there too, or with RequireHttps switched off)")]
    [TestCase("http://localhost:5443", "must be an https URL (http only for loopback where the issuer is there too, or with RequireHttps switched off)")]
    [TestCase("https://mtls.example.com/path", "must be scheme, host and port alone, without path, query, fragment, user information or white space")]
    [TestCase("https://mtls.example.com?", "must be scheme, host and port alone, without path, query, fragment, user information or white space")]
    [TestCase("https://mtls.example.com#", "must be scheme, host and port alone, without path, query, fragment, user information or white space")]
    [TestCase("https://me@mtls.example.com", "must be scheme, host and port alone, without path, query, fragment, user information or white space")]
    [TestCase(" https://mtls.example.com", "must be scheme, host and port alone, without path, query, fragment, user information or white space")]
    public async Task A_base_address_is_scheme_host_and_port(string address, string rule) =>
        await AssertProblemAsync(options => options.MutualTls.BaseAddress = address, $"CibaOptions: MutualTls.BaseAddress {rule}.");

    [TestCase("https://mtls.example.com"), TestCase("https://mtls.example.com/"), TestCase("https://mtls.example.com:8443"), TestCase("https://[::1]:8443"), TestCase("http://localhost:5443", "https://localhost:5001")]
    public async Task A_right_base_address_is_taken(string address, string issuer = CibaHost.Issuer)
    {
        await using var host = new CibaHost { Options = options => (options.Issuer, options.MutualTls.Enabled, options.MutualTls.BaseAddress) = (issuer, true, address) };

        await Assert.ThatAsync(host.StartedAsync, Throws.Nothing);
    }

    [Test]
    public async Task A_base_address_needs_mutual_TLS() =>
        await AssertProblemAsync(options => options.MutualTls.BaseAddress = "https://mtls.example.com", "CibaOptions: MutualTls.BaseAddress needs MutualTls.Enabled: set that, or leave it out.");

    [Test]
    public async Task What_is_null_or_unknown_is_named()
    {
        await AssertProblemAsync(options => options.MutualTls = null!, "CibaOptions: MutualTls is null; leave it out, or give it settings.");
        await AssertProblemAsync(options => options.MutualTls.TrustedAuthorityFiles = null!, "CibaOptions: MutualTls.TrustedAuthorityFiles must be a list.");
        await AssertProblemAsync(options => options.MutualTls.CertificateSource = (CibaCertificateSource)2, "CibaOptions: MutualTls.CertificateSource must be Connection or Forwarded.");
        await AssertProblemAsync(options => options.MutualTls.RevocationMode = (System.Security.Cryptography.X509Certificates.X509RevocationMode)7, "CibaOptions: MutualTls.RevocationMode must be Online, Offline or NoCheck.");
    }

    [Test]
    public async Task A_file_without_a_certificate_is_named()
    {
        var missing = Path.Combine(_folder, "missing.pem");
        var empty = Write("empty.pem", "");
        var key = Write("key.pem", TestKey.For("ES256").PublicPem());
        var broken = Write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");

        await AssertProblemAsync(Files(missing), $"CibaOptions: MutualTls.TrustedAuthorityFiles names '{missing}', which is not there or cannot be read.");
        await AssertProblemAsync(Files(_folder), $"CibaOptions: MutualTls.TrustedAuthorityFiles names '{_folder}', which is not there or cannot be read.");
        await AssertProblemAsync(Files(""), "CibaOptions: MutualTls.TrustedAuthorityFiles names '', which is not there or cannot be read.");
        await AssertProblemAsync(Files(empty), $"CibaOptions: MutualTls.TrustedAuthorityFiles names '{empty}', which holds no certificate in PEM.");
        await AssertProblemAsync(Files(key), $"CibaOptions: MutualTls.TrustedAuthorityFiles names '{key}', which holds no certificate in PEM.");
        await AssertProblemAsync(Files(broken), $"CibaOptions: MutualTls.TrustedAuthorityFiles names '{broken}', which holds a certificate that cannot be read.");
    }

    [Test]
    public async Task Authorities_without_a_root_are_named()
    {
        using var issuer = new TestAuthority("CN=Issuing CA", _authority);

        await AssertProblemAsync(CertificateClients.Trust(issuer),
            "CibaOptions: MutualTls.TrustedAuthorities and TrustedAuthorityFiles hold no root: add the certificate that its subject has issued itself, at which the chains end.");
    }

    [Test, Spec("A3")]
    public async Task A_file_with_a_root_an_issuer_and_a_key_is_trusted()
    {
        using var issuer = new TestAuthority("CN=Issuing CA", _authority);
        var file = Write("both.pem", string.Join('\n', TestKey.For("RSA").PublicPem(), issuer.Certificate.ExportCertificatePem(), _authority.Certificate.ExportCertificatePem()));
        await using var host = new CibaHost
        {
            Clients = [CertificateClients.ByAuthority()],
            Options = CertificateClients.Trust() + Files(file),
            BeforeRouting = CertificateClients.Shown(() => issuer.Issue("CN=client, O=Example")),
        };

        Assert.That((await host.CallAsync(ClientCalls.Authorize, [], ("client_id", "client"))).IsAuthenticated());
    }

    [Test]
    public async Task What_a_client_needs_of_mutual_TLS_is_named()
    {
        var bound = CibaHost.Client("bound");
        bound.TlsClientCertificateBoundAccessTokens = true;
        var clients = new List<CibaClient> { CertificateClients.ByAuthority("ca"), CertificateClients.ByKeys("own", _authority.SelfMade("CN=own")), bound };
        await using var off = new CibaHost { Clients = clients };
        await using var trustless = new CibaHost { Clients = clients, Options = CertificateClients.Trust() };
        const string On = "needs mutual TLS: set CibaOptions.MutualTls.Enabled, and have the server ask for client certificates.";

        Assert.That((await Assert.ThrowsAsync<CibaConfigurationException>(off.StartedAsync))!.Problems, Is.EqualTo(new[]
        {
            $"Client 'ca': TokenEndpointAuthMethod 'tls_client_auth' {On}",
            $"Client 'own': TokenEndpointAuthMethod 'self_signed_tls_client_auth' {On}",
            $"Client 'bound': TlsClientCertificateBoundAccessTokens {On}",
        }));
        Assert.That((await Assert.ThrowsAsync<CibaConfigurationException>(trustless.StartedAsync))!.Problems, Is.EqualTo(new[]
        {
            "Client 'ca': TokenEndpointAuthMethod 'tls_client_auth' needs an authority to trust: add its root to CibaOptions.MutualTls.TrustedAuthorities or TrustedAuthorityFiles.",
        }));
    }

    [Test]
    public async Task Of_the_names_of_a_client_there_is_exactly_one()
    {
        var two = CertificateClients.ByAuthority("two", client => client.TlsClientAuthSanDns = "shop.example");
        var none = CertificateClients.ByAuthority("none", client => client.TlsClientAuthSubjectDn = "");
        await using var host = new CibaHost { Clients = [two, none], Options = CertificateClients.Trust(_authority) };
        const string One = "TokenEndpointAuthMethod 'tls_client_auth' needs exactly one of TlsClientAuthSubjectDn, TlsClientAuthSanDns, TlsClientAuthSanUri, TlsClientAuthSanIp and TlsClientAuthSanEmail (RFC 8705 section 2.1.2).";

        Assert.That((await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync))!.Problems, Is.EqualTo(new[] { $"Client 'two': {One}", $"Client 'none': {One}" }));
    }

    private static Action<CibaOptions> Files(params string[] files) => options => options.MutualTls.TrustedAuthorityFiles = [.. files];

    private static async Task AssertProblemAsync(Action<CibaOptions> change, string sentence)
    {
        await using var host = new CibaHost { Options = change };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Does.Contain(sentence));
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
