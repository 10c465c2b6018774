using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 8705 over real TLS: who authenticates with a certificate, who does not, and what the tokens are bound to.</summary>
public sealed class MutualTlsTests : IDisposable
{
    private const string Subject = "CN=client, O=Example";

    private const string NotShown = "The client has shown no TLS certificate.";

    private static readonly Version[] Versions = [HttpVersion.Version11, HttpVersion.Version20];

    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [TestCaseSource(nameof(Versions)), Spec("A3"), Spec("I5")]
    public async Task A_client_of_tls_client_auth_gets_tokens_that_are_bound_to_its_certificate(Version version)
    {
        await using var host = Host(CertificateClients.ByAuthority(change: client => client.TlsClientCertificateBoundAccessTokens = true));
        var certificate = _authority.Issue(Subject);

        await AssertTokensAsync(host, certificate, version);
    }

    [TestCaseSource(nameof(Versions)), Spec("A3"), Spec("I5")]
    public async Task A_client_of_self_signed_tls_client_auth_gets_tokens_that_are_bound_to_its_certificate(Version version)
    {
        var certificate = _authority.SelfMade("CN=anything");
        var client = CertificateClients.ByKeys("client", certificate);
        client.TlsClientCertificateBoundAccessTokens = true;
        await using var host = Host(client);

        await AssertTokensAsync(host, certificate, version);
    }

    [Test, Spec("A3"), Spec("T9"), Spec("A20")]
    public async Task A_certificate_is_not_to_be_had_where_none_is_shown([ValueSource(nameof(Versions))] Version version, [Values] bool late)
    {
        await using var host = Host(CertificateClients.ByAuthority(), late && version == HttpVersion.Version20 ? ClientCertificateMode.DelayCertificate : ClientCertificateMode.AllowCertificate);
        using var http = await TlsHost.HttpAsync(host, null, version);

        var asked = await TlsHost.AuthorizeAsync(http);
        var polled = await TlsHost.PollAsync(http, ClientCalls.UnknownRequest);

        await Refusal.LeavesNothingAsync(host, asked, "invalid_client", 401);
        using (Assert.EnterMultipleScope())
        {
            Refusal.IsUnproven(host, asked, NotShown);
            Refusal.IsUnproven(host, polled, NotShown);
        }
    }

    [Test, Spec("A3")]
    public async Task A_server_that_asks_late_over_HTTP_1_1_gets_the_certificate_or_has_none()
    {
        await using var host = Host(CertificateClients.ByAuthority(), ClientCertificateMode.DelayCertificate);
        using var http = await TlsHost.HttpAsync(host, _authority.Issue(Subject));

        var asked = await TlsHost.AuthorizeAsync(http);

        // What TLS 1.3 makes of it is the platform's; never is it an error of the server.
        Assert.That(asked.IsAuthenticated() || asked.Body == Refusal.Unproven, asked.Body);
    }

    private static IEnumerable<TestCaseData> Strangers()
    {
        yield return Case("expired", "it has expired", authority => authority.Issue(Subject, until: TestAuthority.From.AddDays(1)));
        yield return Case("not valid yet", "it is not valid yet", authority => authority.Issue(Subject, from: TestAuthority.From.AddMonths(6)));
        yield return Case("for servers", "NotValidForUsage", authority => authority.Issue(Subject, usage: TestAuthority.ForServers));
        yield return Case("of another authority", "its chain is refused: ", _ => new TestAuthority("CN=Other CA").Issue(Subject));
        yield return Case("of another authority of the same name", "its chain is refused: ", _ => new TestAuthority().Issue(Subject));
        yield return Case("self-made", "UntrustedRoot", authority => authority.SelfMade(Subject));
        yield return Case("of another client", "its subject differs from TlsClientAuthSubjectDn", authority => authority.Issue("CN=other, O=Example"));
        yield return Case("with the name the other way round", "in the other order", authority => authority.Issue("O=Example, CN=client"));

        static TestCaseData Case(string name, string logged, Func<TestAuthority, X509Certificate2> issue) => new TestCaseData(issue, logged).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Strangers)), Spec("A3"), Spec("T9"), Spec("T14")]
    public async Task A_certificate_that_is_not_the_clients_is_refused(Func<TestAuthority, X509Certificate2> issue, string logged)
    {
        await using var host = Host(CertificateClients.ByAuthority());
        using var http = await TlsHost.HttpAsync(host, issue(_authority));

        var asked = await TlsHost.AuthorizeAsync(http);
        var polled = await TlsHost.PollAsync(http, ClientCalls.UnknownRequest);

        await Refusal.LeavesNothingAsync(host, asked, "invalid_client", 401);
        using (Assert.EnterMultipleScope())
        {
            Refusal.IsUnproven(host, asked, "The client certificate is refused: ");
            Refusal.IsUnproven(host, polled, logged);
            Assert.That(host.Log.Ours.Select(line => line.Text), Has.None.Contains("Example"), "what stands in a certificate is not for the log");
        }
    }

    [Test, Spec("A3")]
    public async Task A_registered_certificate_is_refused_outside_its_time_and_its_lookalike_always([Values(-1, 1, 0)] int state)
    {
        var certificate = state switch
        {
            -1 => _authority.SelfMade("CN=client", until: TestAuthority.From.AddDays(1)),
            1 => _authority.SelfMade("CN=client", from: TestAuthority.From.AddMonths(6)),
            _ => _authority.SelfMade("CN=client"),
        };
        await using var host = Host(CertificateClients.ByKeys("client", certificate));
        using var http = await TlsHost.HttpAsync(host, state == 0 ? _authority.SelfMade("CN=client") : certificate);

        var answer = await TlsHost.AuthorizeAsync(http);

        await Refusal.LeavesNothingAsync(host, answer, "invalid_client", 401);
        if (state == 0)
        {
            Refusal.IsUnproven(host, answer, "The client certificate is refused: it is not the x5c of a key of the client.");
        }
        else
        {
            Refusal.IsProven(host, answer, "The client certificate is refused: it has expired or is not valid yet.");
        }
    }

    [Test, Spec("A3"), Spec("A20")]
    public async Task A_certificate_whose_authority_cannot_be_asked_is_refused_where_revocation_is_looked_up([Values(X509RevocationMode.Online, X509RevocationMode.Offline)] X509RevocationMode mode)
    {
        await using var host = Host(CertificateClients.ByAuthority(), options: options => options.MutualTls.RevocationMode = mode);
        using var http = await TlsHost.HttpAsync(host, _authority.Issue(Subject));

        var answer = await TlsHost.AuthorizeAsync(http);

        await Refusal.LeavesNothingAsync(host, answer, "invalid_client", 401);
        using (Assert.EnterMultipleScope())
        {
            Refusal.IsUnproven(host, answer, "RevocationStatusUnknown");
        }
    }

    [Test, Spec("T13"), Spec("T14"), Spec("I5")]
    public async Task A_poll_without_the_certificate_that_binds_the_tokens_is_refused_before_anything_is_looked_at()
    {
        var client = CibaHost.Client("client");
        client.TlsClientCertificateBoundAccessTokens = true;
        await using var host = Host(client);
        var certificate = _authority.SelfMade("CN=of nobody");
        using var http = await TlsHost.HttpAsync(host, certificate);
        using var bare = await TlsHost.HttpAsync(host, null);
        var secret = ("client_secret", CibaHost.Secret);
        var authReqId = (await TlsHost.AuthorizeAsync(bare, secret)).AuthReqId;

        var without = await TlsHost.PollAsync(bare, authReqId, secret);
        var unknown = await TlsHost.PollAsync(bare, ClientCalls.UnknownRequest, secret);
        var pending = await TlsHost.PollAsync(http, authReqId, secret);
        await host.ApproveAsync(authReqId);
        var late = await TlsHost.PollAsync(bare, authReqId, secret);
        var tokens = await TlsHost.PollAsync(http, authReqId, secret);

        Refusal.Says(without, "invalid_request");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(without.Description, Is.EqualTo("The tokens of this client are bound to its TLS certificate: show it."));
            Assert.That(unknown.Body, Is.EqualTo(without.Body));
            Assert.That(pending.Error, Is.EqualTo("authorization_pending"), "the refused poll has not counted");
            Assert.That(late.Body, Is.EqualTo(without.Body));
            Assert.That(Confirmation(tokens), Is.EqualTo(CertificateClients.Thumbprint(certificate)));
        }
    }

    private static async Task AssertTokensAsync(CibaHost host, X509Certificate2 certificate, Version version)
    {
        using var http = await TlsHost.HttpAsync(host, certificate, version);
        var authReqId = (await TlsHost.AuthorizeAsync(http)).AuthReqId;
        var pending = await TlsHost.PollAsync(http, authReqId);
        await host.ApproveAsync(authReqId);

        // On a connection of its own, as a client that has slept in between.
        using var again = await TlsHost.HttpAsync(host, certificate, version);
        var tokens = await TlsHost.PollAsync(again, authReqId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(pending.Error, Is.EqualTo("authorization_pending"));
            Assert.That(Confirmation(tokens), Is.EqualTo(CertificateClients.Thumbprint(certificate)));
            Assert.That(tokens.Text("token_type"), Is.EqualTo("Bearer"));
            Assert.That(tokens.Response.Version, Is.EqualTo(version));
        }
    }

    private static string? Confirmation(Answer tokens) => ReceivedToken.Access(tokens).Claims.GetProperty("cnf").GetProperty("x5t#S256").GetString();

    private CibaHost Host(CibaClient client, ClientCertificateMode mode = ClientCertificateMode.AllowCertificate, Action<CibaOptions>? options = null) => new()
    {
        Clients = [client],
        Options = CertificateClients.Trust(_authority) + options,
        Setup = ciba => TlsHost.Use(ciba, _authority.IssueServer(), mode),
    };
}
