using System.Net;
using System.Net.Security;
using System.Runtime.Versioning;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Samples.Tests;

/// <summary>The Quickstart's TLS: as a server under the FAPI-CIBA profile, and as a client of its clients.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class QuickstartTlsTests : IDisposable
{
    private static readonly TlsCipherSuite[] Allowed = [TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384];

    private static readonly TlsCipherSuite[] AllowedWithEcdsa =
        [TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("quickstart-tls-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Test, Spec("F3"), Platform(Exclude = "Win")]
    public async Task Under_the_FAPI_CIBA_profile_every_cipher_suite_of_TLS_1_2_but_two_is_refused()
    {
        using var certificate = Certificate(RSA.Create(2048));
        var https = Https(certificate);
        await using var fapi = await RunningSample.QuickstartAsync([.. https, .. Fapi()]);
        await using var core = await RunningSample.QuickstartAsync([.. https, "--Ciba:Profile=Core"]);

        var before = await TlsProbe.TakenAsync(core.Address);
        var after = await TlsProbe.TakenAsync(fapi.Address);
        var newer = await TlsProbe.ConnectAsync(fapi.Address, SslProtocols.Tls12 | SslProtocols.Tls13);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before.Except(Allowed), Is.Not.Empty, "or nothing is refused here");
            Assert.That(after, Is.EqualTo(Allowed));
            Assert.That(newer?.Protocol, Is.EqualTo(SslProtocols.Tls13));
        }
    }

    [Test, Spec("F3"), Platform(Exclude = "Win")]
    public async Task The_pair_for_EC_certificates_is_taken_where_the_setting_says_so([Values] bool isSet)
    {
        using var certificate = Certificate(ECDsa.Create(ECCurve.NamedCurves.nistP256));
        await using var quickstart = await RunningSample.QuickstartAsync([.. Https(certificate), .. Fapi(), $"--Quickstart:EcdsaCipherSuites={isSet}"]);

        var taken = await TlsProbe.TakenAsync(quickstart.Address);

        Assert.That(taken, Is.EqualTo(isSet ? AllowedWithEcdsa : []));
    }

    [Test, Spec("A4")]
    public async Task The_root_that_is_trusted_for_callbacks_is_trusted_for_a_jwks_uri_too([Values] bool isTrusted)
    {
        var key = TestKey.For("ES256");
        using var certificate = Certificate(ECDsa.Create(ECCurve.NamedCurves.nistP256));
        await using var keys = await StartKeysAsync(certificate, TestKey.Set(key.Jwk()));
        var root = Path.Combine(_folder.FullName, "root.pem");
        await File.WriteAllTextAsync(root, certificate.ExportCertificatePem());
        await using var quickstart = await RunningSample.QuickstartAsync(
        [
            "--urls=http://127.0.0.1:0", "--Quickstart:Demo=true", "--Ciba:Issuer=http://localhost:5080", "--Ciba:Callbacks:AllowedNetworks:0=127.0.0.1", "--Ciba:Clients:0:ClientId=client",
            "--Ciba:Clients:0:TokenEndpointAuthMethod=private_key_jwt", $"--Ciba:Clients:0:JwksUri={AddressOf(keys)}/jwks", "--Ciba:Clients:0:BackchannelTokenDeliveryMode=poll",
            .. isTrusted ? (string[])[$"--Quickstart:TrustedCallbackCertificate={root}"] : [],
        ]);

        using var http = new HttpClient { BaseAddress = quickstart.Address };
        using var form = new FormUrlEncodedContent([new("scope", "openid"), new("login_hint", "alice"), new("client_assertion_type", TestJwt.AssertionType), new("client_assertion", Assertion(key))]);
        using var response = await http.PostAsync("/bc-authorize", form);

        Assert.That(response.StatusCode, Is.EqualTo(isTrusted ? HttpStatusCode.OK : HttpStatusCode.Unauthorized), await response.Content.ReadAsStringAsync());
    }

    private static string Assertion(TestKey key)
    {
        var now = DateTimeOffset.UtcNow;
        return new TestJwt(new CibaHost()).Claim("aud", TestJwt.Text("http://localhost:5080")).Claim("iat", TestJwt.Seconds(now)).Claim("exp", TestJwt.Seconds(now.AddMinutes(1))).Sign(key);
    }

    private string[] Https(X509Certificate2 certificate)
    {
        var (path, keyPath) = (Path.Combine(_folder.FullName, "server.pem"), Path.Combine(_folder.FullName, "server.key"));
        File.WriteAllText(path, certificate.ExportCertificatePem());
        File.WriteAllText(keyPath, (certificate.GetRSAPrivateKey() as AsymmetricAlgorithm ?? certificate.GetECDsaPrivateKey())!.ExportPkcs8PrivateKeyPem());
        return
        [
            "--Ciba:Issuer=https://localhost", "--Kestrel:Endpoints:Https:Url=https://127.0.0.1:0", $"--Kestrel:Endpoints:Https:Certificate:Path={path}",
            $"--Kestrel:Endpoints:Https:Certificate:KeyPath={keyPath}",
        ];
    }

    private static string[] Fapi() =>
    [
        "--Ciba:Profile=FapiCiba", "--Ciba:MutualTls:Enabled=true", "--Ciba:Clients:0:ClientId=client", "--Ciba:Clients:0:TokenEndpointAuthMethod=private_key_jwt",
        $"--Ciba:Clients:0:Jwks={TestKey.Set(TestKey.For("ES256").Jwk())}", "--Ciba:Clients:0:BackchannelAuthenticationRequestSigningAlg=ES256",
        "--Ciba:Clients:0:BackchannelTokenDeliveryMode=poll", "--Ciba:Clients:0:TlsClientCertificateBoundAccessTokens=true",
    ];

    private static async Task<WebApplication> StartKeysAsync(X509Certificate2 certificate, string jwks)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var app = builder.Build();
        app.Run(context => context.Response.WriteAsync(jwks));
        await app.StartAsync();
        return app;
    }

    private static string AddressOf(WebApplication app) => app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    private static X509Certificate2 Certificate(AsymmetricAlgorithm key)
    {
        using (key)
        {
            var request = key is RSA rsa
                ? new CertificateRequest("CN=localhost", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
                : new CertificateRequest("CN=localhost", (ECDsa)key, HashAlgorithmName.SHA256);
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
            using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
        }
    }
}
