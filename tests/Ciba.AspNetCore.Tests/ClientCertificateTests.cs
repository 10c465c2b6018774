using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 8705: where a certificate comes from, what it is checked against, how often, and what goes beside it.</summary>
public sealed class ClientCertificateTests : IDisposable
{
    private const string Subject = "CN=client, O=Example";

    private readonly TestAuthority _authority = new();
    private X509Certificate2? _shown;

    public void Dispose() => _authority.Dispose();

    [Test, Spec("A2"), Spec("A3"), Spec("T9")]
    public async Task Nothing_goes_beside_a_certificate([Values(ClientCalls.Authorize, ClientCalls.Token)] string endpoint, [Values("secret", "basic", "assertion")] string beside)
    {
        await using var host = Host(CertificateClients.ByAuthority());
        _shown = _authority.Issue(Subject);

        var alone = await host.CallAsync(endpoint, [], ("client_id", "client"));
        var answer = beside switch
        {
            "secret" => await host.CallAsync(endpoint, [], ("client_id", "client"), ("client_secret", CibaHost.Secret)),
            "basic" => await host.CallAsync(endpoint, [ClientCalls.Basic($"client:{CibaHost.Secret}")]),
            _ => await host.CallAsync(endpoint, [], TestJwt.Form(new TestJwt(host, "client").Mac(CibaHost.Secret))),
        };

        Refusal.IsUnproven(host, answer, "The client is registered with tls_client_auth and used client_");
        Assert.That(alone.IsAuthenticated(), alone.Body);
    }

    [Test, Spec("A2b"), Spec("A2"), Spec("T9")]
    public async Task A_certificate_is_no_authentication_for_a_client_of_another_method([Values] bool known)
    {
        var assertion = ClientCalls.KeyClient("client", TestKey.Set(TestKey.For("ES256").Jwk()));
        await using var host = Host(assertion);
        _shown = known ? _authority.Issue(Subject) : _authority.SelfMade("CN=anybody");

        var alone = await host.CallAsync(ClientCalls.Authorize, [], ("client_id", "client"));
        var right = await host.CallAsync(ClientCalls.Authorize, [], TestJwt.Form(new TestJwt(host, "client").Sign(TestKey.For("ES256"), "ES256")));

        Refusal.IsUnproven(host, alone, "The client is registered with private_key_jwt and used client_id alone.");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(right.IsAuthenticated(), right.Body);
            Assert.That(host.Chains(), Is.Zero);
        }
    }

    [TestCase("nobody"), TestCase("CLIENT"), Spec("A2")]
    public async Task A_client_id_that_is_not_known_is_refused_as_without_credentials(string clientId)
    {
        await using var host = Host(CertificateClients.ByAuthority());
        _shown = _authority.Issue(Subject);

        var answer = await host.CallAsync(ClientCalls.Authorize, [], ("client_id", clientId));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_client", 401);
        Refusal.IsUnproven(host, answer, "There is no such client.");
    }

    [TestCase("X-Client-Cert"), TestCase("X-SSL-CERT"), TestCase("X-ARR-ClientCert"), TestCase("X-SSL-Client-Cert"), TestCase("Client-Cert"), TestCase("ssl-client-cert"), Spec("A3")]
    public async Task A_header_is_no_certificate_by_itself(string header)
    {
        var certificate = _authority.Issue(Subject);
        await using var host = Host(CertificateClients.ByAuthority());

        foreach (var text in new[] { Convert.ToBase64String(certificate.RawData), Uri.EscapeDataString(certificate.ExportCertificatePem()), $":{Convert.ToBase64String(certificate.RawData)}:" })
        {
            var answer = await host.PostAsync(ClientCalls.Authorize, [("client_id", "client"), ("scope", "openid"), ("login_hint", "alice")], request => request.Headers.Add(header, text));

            await Refusal.LeavesNothingAsync(host, answer, "invalid_client", 401);
        }
    }

    [Test, Spec("A3")]
    public async Task A_certificate_that_the_host_has_forwarded_counts_as_shown()
    {
        var certificate = _authority.Issue(Subject);
        await using var host = new CibaHost
        {
            Clients = [CertificateClients.ByAuthority()],
            Options = CertificateClients.Trust(_authority),
            Setup = ciba => ciba.Services.AddCertificateForwarding(options => options.CertificateHeader = "X-SSL-CERT"),
            BeforeRouting = app => app.UseCertificateForwarding(),
        };

        var forwarded = await CallAsync("X-SSL-CERT", Convert.ToBase64String(certificate.RawData));
        var other = await CallAsync("X-ARR-ClientCert", Convert.ToBase64String(certificate.RawData));
        var junk = await CallAsync("X-SSL-CERT", "junk");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(forwarded.IsAuthenticated(), forwarded.Body);
            Assert.That(other.Status, Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(junk.Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        }

        Task<Answer> CallAsync(string header, string text) =>
            host.PostAsync(ClientCalls.Authorize, [("client_id", "client"), ("scope", "openid"), ("login_hint", "alice")], request => request.Headers.Add(header, text));
    }

    [Test, Spec("A3"), Spec("I5")]
    public async Task A_proxy_lends_nobody_the_certificate_that_it_shows_itself([Values] CibaCertificateSource source)
    {
        var certificate = _authority.Issue(Subject);
        _shown = certificate;
        var bound = CibaHost.Client("bound");
        bound.TlsClientCertificateBoundAccessTokens = true;
        await using var host = new CibaHost
        {
            Clients = [CertificateClients.ByAuthority(), bound],
            Options = CertificateClients.Trust(_authority) + (options => options.MutualTls.CertificateSource = source),
            Setup = ciba => ciba.Services.AddCertificateForwarding(options => options.CertificateHeader = "X-SSL-CERT"),
            BeforeRouting = CertificateClients.Shown(() => _shown) + (app => app.UseCertificateForwarding()),
        };

        var forwarded = await AskAsync(Convert.ToBase64String(certificate.RawData), ("client_id", "client"));
        var junk = await AskAsync("junk", ("client_id", "client"));
        var none = await AskAsync(null, ("client_id", "client"));
        var polled = await host.PollAsync(ClientCalls.UnknownRequest, ("client_id", "bound"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(forwarded.IsAuthenticated(), forwarded.Body);
            Assert.That(junk.Status, Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(none.IsAuthenticated(), Is.EqualTo(source == CibaCertificateSource.Connection), none.Body);
            Assert.That(polled.Error, Is.EqualTo(source == CibaCertificateSource.Forwarded ? "invalid_request" : "invalid_grant"), polled.Body);
        }

        Task<Answer> AskAsync(string? header, (string, string?) client) =>
            host.PostAsync(ClientCalls.Authorize, [client, ("scope", "openid"), ("login_hint", "alice")], request => request.Headers.Add("X-SSL-CERT", header is null ? [] : [header]));
    }

    [Test, Spec("A3")]
    public async Task The_hosts_trust_is_used_and_nothing_else()
    {
        using var issuer = new TestAuthority("CN=Issuing CA", _authority);
        using var stranger = new TestAuthority("CN=Stranger");
        var client = CertificateClients.ByAuthority();
        await using var both = Host(client, CertificateClients.Trust(_authority, issuer, stranger));
        await using var rootAlone = Host(client, CertificateClients.Trust(_authority));
        await using var other = Host(client, CertificateClients.Trust(stranger));
        _shown = issuer.Issue(Subject);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await AskAsync(both)).IsAuthenticated());
            Assert.That((await AskAsync(rootAlone)).Status, Is.EqualTo(HttpStatusCode.Unauthorized), "nobody looks for the issuer");
            Assert.That((await AskAsync(other)).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(rootAlone.Log.Ours.Select(line => line.Text), Has.Some.Contains("PartialChain"));
        }
    }

    [Test, Spec("A3")]
    public async Task A_certificate_without_extended_key_usage_is_for_clients_too()
    {
        await using var host = Host(CertificateClients.ByAuthority());
        _shown = _authority.Issue(Subject, usage: null);

        Assert.That((await AskAsync(host)).IsAuthenticated());
    }

    [Test, Spec("A3")]
    public async Task A_name_in_the_subject_is_not_one_among_the_alternative_names()
    {
        await using var host = Host(CertificateClients.ByAuthority(change: client => (client.TlsClientAuthSubjectDn, client.TlsClientAuthSanDns) = (null, "shop.example")));
        _shown = _authority.Issue("CN=shop.example");
        var inSubject = await AskAsync(host);
        _shown = _authority.Issue("CN=whatever", TestAuthority.Names(names => names.AddDnsName("shop.example")));

        Assert.That((await AskAsync(host)).IsAuthenticated());
        Refusal.IsUnproven(host, inSubject, "The client certificate is refused: the registered name is not among its subject alternative names of that kind.");
    }

    [Test, Spec("A3")]
    public async Task A_good_chain_is_built_once_in_a_few_minutes_and_a_bad_one_each_time()
    {
        await using var host = Host(CertificateClients.ByAuthority());
        _shown = _authority.Issue(Subject);
        await AskAsync(host);
        await AskAsync(host);
        var first = host.Chains();
        host.Time.Advance(TimeSpan.FromMinutes(5));
        await AskAsync(host);
        var later = host.Chains();
        _shown = _authority.SelfMade(Subject);
        await AskAsync(host);
        await AskAsync(host);

        Assert.That(new[] { first, later, host.Chains() }, Is.EqualTo(new[] { 1, 2, 4 }));
    }

    [Test, Spec("A3")]
    public async Task A_chain_is_not_good_beyond_the_end_of_any_certificate_in_it()
    {
        await using var host = Host(CertificateClients.ByAuthority());
        _shown = _authority.Issue(Subject, until: host.Time.GetUtcNow().AddMinutes(2));

        var before = await AskAsync(host);
        host.Time.Advance(TimeSpan.FromMinutes(2) + TimeSpan.FromSeconds(1));
        var after = await AskAsync(host);

        Assert.That(before.IsAuthenticated());
        Refusal.IsUnproven(host, after, "The client certificate is refused: it has expired.");
    }

    [Test, Spec("A3")]
    public async Task Calls_at_the_same_time_share_one_look_at_the_chain()
    {
        await using var host = Host(CertificateClients.ByAuthority(), CertificateClients.Trust(_authority) + (options => options.Limits.SwitchOff()));
        _shown = _authority.Issue(Subject);

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => AskAsync(host))));

        Assert.That(answers.All(answer => answer.IsAuthenticated()));
        Assert.That(host.Chains(), Is.LessThan(50));
    }

    [Test, Spec("I5"), Spec("T13"), Spec("A20")]
    public async Task A_push_is_bound_to_the_certificate_that_was_shown_with_the_request()
    {
        using var receiver = new FakeReceiver();
        var client = FakeReceiver.PushClient();
        (client.TokenEndpointAuthMethod, client.ClientSecrets, client.TlsClientAuthSanEmail, client.TlsClientCertificateBoundAccessTokens) = ("client_secret_post", [CibaHost.Secret], null, true);
        await using var host = new CibaHost { Clients = [client], Options = CertificateClients.Trust(_authority), BeforeRouting = CertificateClients.Shown(() => _shown), Setup = receiver.Use };
        var without = await host.AuthorizeAsync(("client_notification_token", CallbackCalls.NotificationToken));
        await Refusal.LeavesNothingAsync(host, without, "invalid_request");
        _shown = _authority.SelfMade("CN=anything");

        var asked = await host.AuthorizeAsync(("client_notification_token", CallbackCalls.NotificationToken));
        await host.ApproveAsync(asked.AuthReqId);
        var pushed = await receiver.NextAsync();

        Assert.That(ReceivedToken.Access(pushed.Tokens).Claims.GetProperty("cnf").GetRawText(), Is.EqualTo($$"""{"x5t#S256":"{{CertificateClients.Thumbprint(_shown)}}"}"""));
    }

    [Test, Spec("A5"), Spec("D7")]
    public async Task A_client_of_the_hosts_own_store_that_lacks_mutual_TLS_is_refused()
    {
        var clients = new HookedClients { Current = CertificateClients.ByAuthority() };
        await using var off = new CibaHost { Clients = [], Setup = clients.Use, BeforeRouting = CertificateClients.Shown(() => _shown) };
        await using var trustless = new CibaHost { Clients = [], Options = CertificateClients.Trust(), Setup = clients.Use, BeforeRouting = CertificateClients.Shown(() => _shown) };
        _shown = _authority.Issue(Subject);

        var answers = new[] { await AskAsync(off), await AskAsync(trustless) };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(answer => answer.Error), Is.All.EqualTo("invalid_client"), "as a stranger is told: nothing here can tell who it is");
            Assert.That(Errors(off), Has.One.Contains("Client 'client': TokenEndpointAuthMethod 'tls_client_auth' needs mutual TLS: set CibaOptions.MutualTls.Enabled"));
            Assert.That(Errors(trustless), Has.One.Contains("Client 'client': TokenEndpointAuthMethod 'tls_client_auth' needs an authority to trust"));
        }

        static IEnumerable<string> Errors(CibaHost host) => host.Log.Ours.Where(line => line.Level == LogLevel.Error).Select(line => line.Text);
    }

    private static Task<Answer> AskAsync(CibaHost host) => host.CallAsync(ClientCalls.Authorize, [], ("client_id", "client"));

    private CibaHost Host(CibaClient client, Action<CibaOptions>? options = null) =>
        new() { Clients = [client], Options = options ?? CertificateClients.Trust(_authority), BeforeRouting = CertificateClients.Shown(() => _shown) };
}
