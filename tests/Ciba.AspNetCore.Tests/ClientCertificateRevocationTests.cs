using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>What is asked of the network about a certificate, and what is never asked.</summary>
[Spec("A3")]
public sealed class ClientCertificateRevocationTests : IAsyncDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly WebApplication _network;
    private byte[] _list = [];
    private int _calls;
    private X509Certificate2? _shown;

    public ClientCertificateRevocationTests()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _network = builder.Build();
        _network.Run(context =>
        {
            Interlocked.Increment(ref _calls);
            return context.Response.Body.WriteAsync(_list, context.RequestAborted).AsTask();
        });
    }

    [SetUp]
    public Task StartAsync() => _network.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _network.DisposeAsync();
        _authority.Dispose();
    }

    [Test]
    public async Task A_certificate_that_its_authority_has_revoked_is_refused()
    {
        var (good, revoked) = (Issue("good"), Issue("revoked"));
        var list = new CertificateRevocationListBuilder();
        list.AddEntry(revoked, TestAuthority.From);
        _list = list.Build(_authority.Certificate, 1, TestAuthority.Until, HashAlgorithmName.SHA256, thisUpdate: TestAuthority.From);
        await using var host = Host(X509RevocationMode.Online);

        _shown = good;
        var accepted = await AskAsync(host);
        _shown = revoked;
        var refused = await AskAsync(host);

        Assert.That(accepted.IsAuthenticated(), string.Join('\n', host.Log.Ours.Select(line => line.Text)));
        Refusal.Says(refused, "invalid_client", 401);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(host.Log.Ours.Select(line => line.Text), Has.Some.Contains("its chain is refused: Revoked"));
            Assert.That(Volatile.Read(ref _calls), Is.GreaterThan(0));
        }
    }

    [Test]
    public async Task Nobody_is_asked_about_a_certificate_of_nobody_known()
    {
        using var strangers = new TestAuthority("CN=Strangers");
        using var issuer = new TestAuthority("CN=Issuing CA", _authority);
        await using var host = Host(X509RevocationMode.Online);

        foreach (var authority in new[] { strangers, issuer })
        {
            _shown = authority.Issue("CN=client, O=Example", request =>
            {
                request.CertificateExtensions.Add(Points("stranger"));
                request.CertificateExtensions.Add(new X509AuthorityInformationAccessExtension([Url("ocsp")], [Url("issuer")]));
            });
            Assert.That((await AskAsync(host)).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        }

        Assert.That(Volatile.Read(ref _calls), Is.Zero, "the address is what the stranger wants us to call");
    }

    [Test]
    public async Task Nobody_is_asked_during_the_handshake()
    {
        using var stranger = new TestAuthority("CN=Strangers");
        var certificate = stranger.Issue("CN=client, O=Example", request =>
            request.CertificateExtensions.Add(new X509AuthorityInformationAccessExtension([Url("ocsp")], [Url("issuer")])));
        await using var host = new CibaHost
        {
            Clients = [CertificateClients.ByKeys("client", certificate)],
            Options = CertificateClients.Trust(),
            Setup = ciba => TlsHost.Use(ciba, _authority.IssueServer()),
        };
        using var http = await TlsHost.HttpWithContextAsync(host, SslStreamCertificateContext.Create(certificate, null, offline: true));

        var asked = await TlsHost.AuthorizeAsync(http);

        Assert.That(asked.IsAuthenticated(), asked.Body);
        Assert.That(Volatile.Read(ref _calls), Is.Zero, "the address is what the stranger wants us to call");
    }

    [Test]
    public void The_mode_and_the_callback_that_the_host_has_set_stay([Values] ClientCertificateMode mode)
    {
        var calls = 0;
        var https = new HttpsConnectionAdapterOptions { ClientCertificateMode = mode, OnAuthenticate = (_, _) => calls++ };
        var tls = new SslServerAuthenticationOptions();

        https.UseCibaClientCertificates().OnAuthenticate!(null!, tls);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(https.ClientCertificateMode, Is.EqualTo(mode == ClientCertificateMode.NoCertificate ? ClientCertificateMode.AllowCertificate : mode));
            Assert.That(calls, Is.EqualTo(1));
            Assert.That(tls.CertificateChainPolicy!.DisableCertificateDownloads);
        }
    }

    private static Task<Answer> AskAsync(CibaHost host) => host.CallAsync(ClientCalls.Authorize, [], ("client_id", "client"));

    private X509Certificate2 Issue(string name) => _authority.Issue("CN=client, O=Example", request => request.CertificateExtensions.Add(Points(name)));

    private X509Extension Points(string name) => CertificateRevocationListBuilder.BuildCrlDistributionPointExtension([Url(name)]);

    private string Url(string name) => $"{_network.Urls.First()}/{name}";

    private CibaHost Host(X509RevocationMode mode) => new()
    {
        Clients = [CertificateClients.ByAuthority()],
        Options = CertificateClients.Trust(_authority) + (options => options.MutualTls.RevocationMode = mode),
        BeforeRouting = CertificateClients.Shown(() => _shown),
    };
}
