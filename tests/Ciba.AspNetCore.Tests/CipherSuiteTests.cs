using System.Net.Security;
using System.Runtime.Versioning;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ciba.AspNetCore.Profiles;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>FAPI 1.0 part 2 section 8.5: which cipher suites a server takes in TLS 1.2.</summary>
[Platform(Exclude = "Win", Reason = "No program can choose the cipher suites there.")]
[UnsupportedOSPlatform("windows")]
public sealed class CipherSuiteTests : IDisposable
{
    private static readonly TlsCipherSuite[] Rsa = [TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384];
    private static readonly TlsCipherSuite[] Ecdsa = [TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384];

    private readonly X509Certificate2 _rsa = Certificate(RSA.Create(2048), (name, key) => new CertificateRequest(name, (RSA)key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    private readonly X509Certificate2 _ec = Certificate(ECDsa.Create(ECCurve.NamedCurves.nistP256), (name, key) => new CertificateRequest(name, (ECDsa)key, HashAlgorithmName.SHA256));

    public void Dispose()
    {
        _rsa.Dispose();
        _ec.Dispose();
    }

    [Test, Spec("F3")]
    public async Task A_host_takes_two_suites_of_TLS_1_2_and_refuses_every_other_that_it_took_before()
    {
        await using var plain = Host(_rsa, https => https);
        await using var restricted = Host(_rsa, https => https.UseFapiCipherSuites());

        var (before, after) = (await TakenAsync(plain), await TakenAsync(restricted));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before.Except(Rsa), Is.Not.Empty, "or nothing is refused here");
            Assert.That(after, Is.EqualTo(Rsa));
        }
    }

    [TestCase(false), TestCase(true), Spec("F3")]
    public async Task A_host_with_an_EC_certificate_takes_the_pair_for_it_where_that_is_allowed(bool isAllowed)
    {
        await using var host = Host(_ec, https => https.UseFapiCipherSuites(allowEcdsa: isAllowed));

        Assert.That(await TakenAsync(host), Is.EqualTo(isAllowed ? Ecdsa : []));
    }

    [Test, Spec("F3")]
    public async Task TLS_1_3_is_offered_and_preferred([Values] bool isEc)
    {
        await using var host = Host(isEc ? _ec : _rsa, https => https.UseFapiCipherSuites());

        var only = await TlsProbe.ConnectAsync(await AddressAsync(host), SslProtocols.Tls13);
        var either = await TlsProbe.ConnectAsync(await AddressAsync(host), SslProtocols.Tls12 | SslProtocols.Tls13);

        Assert.That((only?.Protocol, either?.Protocol), Is.EqualTo((SslProtocols.Tls13, SslProtocols.Tls13)));
    }

    [Test, Spec("F3")]
    public async Task It_goes_with_client_certificates_whichever_is_called_first([Values] bool isFirst)
    {
        await using var host = Host(_rsa, https => isFirst ? https.UseFapiCipherSuites().UseCibaClientCertificates() : https.UseCibaClientCertificates().UseFapiCipherSuites());

        Assert.That(await TakenAsync(host, Rsa[0], TlsCipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256), Is.EqualTo(Rsa[..1]));
    }

    [TestCase(CibaProfile.FapiCiba, false, ExpectedResult = 1)]
    [TestCase(CibaProfile.FapiCiba, true, ExpectedResult = 0)]
    [TestCase(CibaProfile.Core, false, ExpectedResult = 0)]
    [Spec("F3")]
    public async Task<int> Where_no_program_can_choose_the_suites_a_warning_says_what_to_set(CibaProfile profile, bool canChoose)
    {
        await using var host = new CibaHost
        {
            Clients = [],
            Options = options => (options.Profile, options.MutualTls.Enabled) = (profile, true),
            Setup = ciba =>
            {
                ciba.Services.AddSingleton(new TlsPlatform { HasCipherSuites = canChoose });
                ciba.Services.AddSingleton<HookedClients>();
                ciba.AddClientStore<HookedClients>();
            },
        };

        await host.StartedAsync();

        return host.Log.Ours.Count(line => line.Level == LogLevel.Warning && line.Text.StartsWith(
            "The FAPI-CIBA profile allows only TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 and TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 in TLS 1.2, and no program can set them on this platform: set those of the machine", StringComparison.Ordinal));
    }

    private static CibaHost Host(X509Certificate2 certificate, Func<HttpsConnectionAdapterOptions, HttpsConnectionAdapterOptions> change) => new()
    {
        Setup = ciba => TlsHost.Use(ciba, change(new HttpsConnectionAdapterOptions { ServerCertificate = certificate })),
    };

    private static async Task<List<TlsCipherSuite>> TakenAsync(CibaHost host, params TlsCipherSuite[] suites) => await TlsProbe.TakenAsync(await AddressAsync(host), suites);

    private static async Task<Uri> AddressAsync(CibaHost host) =>
        new((await host.ServicesAsync()).GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    private static X509Certificate2 Certificate(AsymmetricAlgorithm key, Func<string, AsymmetricAlgorithm, CertificateRequest> request)
    {
        using (key)
        {
            return request("CN=localhost", key).CreateSelfSigned(TestAuthority.From, TestAuthority.Until);
        }
    }
}
