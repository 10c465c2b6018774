using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Ciba.AspNetCore.Callbacks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Tests;

/// <summary>The HTTP clients that call URLs of clients, over real sockets.</summary>
[Spec("P8")]
public sealed class OutgoingHttpTests
{
    private const string Closed = "its host has no address that is open to outgoing calls (see CibaOptions.Callbacks.AllowedNetworks)";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);
    private static readonly string[] OfClients = [CibaCallbackOptions.HttpClientName, CibaCallbackOptions.JwksUriHttpClientName];
    private static readonly string[] Clients = [.. OfClients, CibaWebhookOptions.HttpClientName];

    [TestCaseSource(nameof(OfClients))]
    public async Task Loopback_is_closed_and_nothing_arrives_there(string name)
    {
        using var receiver = new TcpListener(IPAddress.Loopback, 0);
        receiver.Start();
        await using var host = new CibaHost();
        using var http = await ClientAsync(host, name);

        var exceptions = new List<HttpRequestException>();
        foreach (var address in new[] { "127.0.0.1", "localhost", "[::ffff:127.0.0.1]" })
        {
            exceptions.Add((await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(http, Url(address, ((IPEndPoint)receiver.LocalEndpoint).Port))))!);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(receiver.Pending(), Is.False);
            Assert.That(exceptions.Select(OutgoingConnections.Reason), Is.All.EqualTo(Closed));
            Assert.That(exceptions.Select(exception => $"{exception}"), Has.None.Contains("secret"));
        }
    }

    [TestCaseSource(nameof(Clients))]
    public async Task An_allowed_network_is_called_and_told_nothing_but_the_request(string name)
    {
        using var receiver = new RawServer();
        await using var host = Open();
        using var http = await ClientAsync(host, name);
        using var activity = new System.Diagnostics.Activity("a decision").SetIdFormat(System.Diagnostics.ActivityIdFormat.W3C).Start();

        using var response = await GetAsync(http, Url("127.0.0.1", receiver.Port));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
            Assert.That(await receiver.NextRequestAsync(), Is.EqualTo($"GET /cb?secret HTTP/1.1\nHost: 127.0.0.1:{receiver.Port}"));
        }
    }

    [TestCase(CibaCallbackOptions.HttpClientName, X509RevocationMode.Online), TestCase(CibaCallbackOptions.JwksUriHttpClientName, X509RevocationMode.Offline), TestCase(CibaCallbackOptions.HttpClientName, null)]
    public async Task Whether_a_certificate_is_revoked_is_looked_up_where_the_host_says_so(string name, X509RevocationMode? mode)
    {
        await using var host = new CibaHost { Options = options => options.Callbacks.RevocationMode = mode ?? options.Callbacks.RevocationMode };
        HttpMessageHandler handler = (await host.ServicesAsync()).GetRequiredService<IHttpMessageHandlerFactory>().CreateHandler(name);
        while (handler is DelegatingHandler { InnerHandler: { } inner })
        {
            handler = inner;
        }

        Assert.That(((SocketsHttpHandler)handler).SslOptions.CertificateRevocationCheckMode, Is.EqualTo(mode ?? X509RevocationMode.NoCheck));
    }

    [TestCase("Production", true), TestCase("Staging", true), TestCase("Development", false)]
    public async Task What_is_seldom_meant_outside_of_development_is_a_warning_at_the_start(string environment, bool isSaid)
    {
        await using var host = new CibaHost
        {
            Environment = environment,
            Options = options => (options.Callbacks.AllowedNetworks, options.RequireHttps) = (["10.1.0.0/16", "0.0.0.0/0", "169.254.0.0/16:80"], false),
        };

        await host.StartedAsync();

        Assert.That(host.Log.Ours.Where(line => line.Level == LogLevel.Warning && line.Text.StartsWith("CibaOptions", StringComparison.Ordinal)).Select(line => line.Text.TrimEnd()), isSaid ? Is.EqualTo(new[]
        {
            Risk("0.0.0.0/0", "this machine itself"),
            Risk("169.254.0.0/16:80", "link-local addresses, where cloud providers keep credentials"),
            "CibaOptions: RequireHttps is switched off, so secrets, tokens and approvals may travel in plain text: leave it on, and let a proxy that ends TLS forward the scheme (UseForwardedHeaders)",
        }) : Is.Empty);

        static string Risk(string network, string risk) =>
            $"CibaOptions: Callbacks.AllowedNetworks holds {network}, which opens {risk} to the URLs that clients choose, their jwks_uri included: name the addresses that clients have, with a port (10.1.2.0/24:8443)";
    }

    [TestCaseSource(nameof(Clients))]
    public async Task A_redirect_is_an_answer_and_not_followed(string name)
    {
        using var target = new TcpListener(IPAddress.Loopback, 0);
        target.Start();
        using var receiver = new RawServer($"HTTP/1.1 302 Found\r\nLocation: http://{target.LocalEndpoint}/\r\nContent-Length: 0\r\n\r\n");
        await using var host = Open();
        using var http = await ClientAsync(host, name);

        using var response = await GetAsync(http, Url("127.0.0.1", receiver.Port));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Found));
            Assert.That(target.Pending(), Is.False);
        }
    }

    [TestCaseSource(nameof(Clients))]
    public async Task A_cookie_is_not_sent_back(string name)
    {
        using var receiver = new RawServer("HTTP/1.1 204 No Content\r\nSet-Cookie: seen=1; Path=/\r\n\r\n");
        await using var host = Open();
        using var http = await ClientAsync(host, name);

        using var first = await GetAsync(http, Url("127.0.0.1", receiver.Port));
        using var second = await GetAsync(http, Url("127.0.0.1", receiver.Port));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Headers.Contains("Set-Cookie"), Is.True);
            Assert.That(new[] { await receiver.NextRequestAsync(), await receiver.NextRequestAsync() }, Has.None.Contains("Cookie"));
        }
    }

    [Test]
    public async Task A_name_is_resolved_once_and_called_at_the_address_that_is_allowed()
    {
        using var receiver = new RawServer();
        var asked = new List<string>();
        await using var host = Open(asked, "10.0.0.1", "::1", "127.0.0.1");
        using var http = await ClientAsync(host);

        using var response = await GetAsync(http, Url("rp.example", receiver.Port));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await receiver.NextRequestAsync(), Does.Contain($"Host: rp.example:{receiver.Port}"));
            Assert.That(asked, Is.EqualTo(new[] { "rp.example" }));
        }
    }

    [Test]
    public async Task The_reason_why_keys_cannot_be_fetched_is_in_the_log()
    {
        var client = CibaHost.Client("client", CibaClientAuthenticationMethods.PrivateKeyJwt);
        client.JwksUri = "https://rp.example/jwks?secret";
        await using var host = new CibaHost { Clients = [client], Setup = ciba => Resolve(ciba, [], ["10.0.0.1"]) };

        await host.AuthorizeAsync(TestJwt.Form(new TestJwt(host).Sign(TestKey.Ec("key"))));

        Assert.That(host.Log.Ours.Select(line => line.Text), Has.One.EqualTo($"The client keys at https://rp.example/jwks could not be read: {Closed} "));
    }

    [TestCaseSource(nameof(Clients))]
    public async Task What_is_sent_and_what_is_answered_leaves_nothing_in_the_log_of_the_HTTP_client(string name)
    {
        using var receiver = new RawServer("HTTP/1.1 204 Forged\tline\r\nX-Forged: line\r\n\r\n");
        await using var host = Open(ciba => ciba.Services.ConfigureHttpClientDefaults(all => all.AddDefaultLogger()));
        using var http = await ClientAsync(host, name);

        using var response = await GetAsync(http, Url("127.0.0.1", receiver.Port));

        Assert.That(host.Log.Lines.Where(line => line.Category.StartsWith("System.Net.Http", StringComparison.Ordinal)), Is.Empty);
    }

    [TestCaseSource(nameof(Clients))]
    public async Task What_protects_a_call_is_switched_on(string name)
    {
        await using var host = new CibaHost();
        using var http = await ClientAsync(host, name);

        var handler = await HandlerAsync(host, name);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(handler.UseProxy, Is.False, "HTTPS_PROXY and the like say nothing here");
            Assert.That(handler.ConnectCallback, Is.Not.Null);
            Assert.That(handler.AllowAutoRedirect, Is.False);
            Assert.That(handler.UseCookies, Is.False);
            Assert.That(handler.ActivityHeadersPropagator, Is.Null);
            Assert.That(handler.AutomaticDecompression, Is.EqualTo(DecompressionMethods.None));
            Assert.That(handler.MaxResponseHeadersLength, Is.EqualTo(16));
            Assert.That(handler.MaxResponseDrainSize, Is.EqualTo(16 * 1024));
            Assert.That(handler.ResponseDrainTimeout, Is.EqualTo(TimeSpan.FromSeconds(1)));
            Assert.That(handler.PooledConnectionLifetime, Is.EqualTo(TimeSpan.FromMinutes(2)));
            Assert.That(http.Timeout, Is.EqualTo(Timeout.InfiniteTimeSpan), "a call has its time-out from the clock of the host");
            Assert.That((http.DefaultRequestVersion, http.DefaultVersionPolicy), Is.EqualTo((HttpVersion.Version11, HttpVersionPolicy.RequestVersionOrLower)), "HTTP/3 would pass by the check");
        }
    }

    [Test]
    public async Task A_host_changes_the_handler_and_the_check_stays()
    {
        using var receiver = new TcpListener(IPAddress.Loopback, 0);
        receiver.Start();
        await using var host = new CibaHost
        {
            Setup = ciba =>
            {
                ciba.Services.AddHttpClient(CibaCallbackOptions.HttpClientName)
                    .ConfigurePrimaryHttpMessageHandler((handler, _) => ((SocketsHttpHandler)handler).SslOptions.TargetHost = "of.the.host")
                    .UseSocketsHttpHandler((handler, _) => handler.MaxConnectionsPerServer = 7);
                ciba.Services.AddCiba();
            },
        };
        using var http = await ClientAsync(host);

        var exception = await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(http, Url("127.0.0.1", ((IPEndPoint)receiver.LocalEndpoint).Port)));

        var handler = await HandlerAsync(host, CibaCallbackOptions.HttpClientName);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((handler.SslOptions.TargetHost, handler.MaxConnectionsPerServer), Is.EqualTo(("of.the.host", 7)), "a second AddCiba() changes nothing of it");
            Assert.That(OutgoingConnections.Reason(exception!), Is.EqualTo(Closed));
            Assert.That(receiver.Pending(), Is.False);
        }
    }

    [TestCaseSource(nameof(Clients))]
    public async Task Handlers_of_all_clients_of_the_host_see_no_call_and_one_that_is_meant_for_this_client_stays(string name)
    {
        await using var host = new CibaHost
        {
            Setup = ciba =>
            {
                ciba.Services.AddTransient<ForAll>().AddTransient<ForThis>();
                ciba.Services.ConfigureHttpClientDefaults(all => all.AddHttpMessageHandler<ForAll>());
                ciba.Services.AddHttpClient(name).AddHttpMessageHandler<ForThis>();
            },
        };

        var handlers = new List<string>();
        var handler = (await host.ServicesAsync()).GetRequiredService<IHttpMessageHandlerFactory>().CreateHandler(name);
        for (; handler is DelegatingHandler { InnerHandler: { } inner }; handler = inner)
        {
            handlers.Add(handler.GetType().Name);
        }

        Assert.That(handlers, Does.Contain(nameof(ForThis)).And.Not.Contain(nameof(ForAll)));
    }

    [TestCaseSource(nameof(Clients))]
    public async Task What_the_host_sends_with_all_its_clients_is_not_sent_along(string name)
    {
        using var receiver = new RawServer();
        await using var host = Open(ciba => ciba.Services.ConfigureHttpClientDefaults(all => all.ConfigureHttpClient(client =>
        {
            client.BaseAddress = new Uri("https://api.example");
            client.DefaultRequestHeaders.Add("Authorization", "Bearer of-the-host");
            (client.DefaultRequestVersion, client.DefaultVersionPolicy) = (HttpVersion.Version30, HttpVersionPolicy.RequestVersionExact);
        })));
        using var http = await ClientAsync(host, name);

        using var response = await GetAsync(http, Url("127.0.0.1", receiver.Port));

        Assert.That(await receiver.NextRequestAsync(), Is.EqualTo($"GET /cb?secret HTTP/1.1\nHost: 127.0.0.1:{receiver.Port}"));
    }

    private sealed class ForAll : DelegatingHandler;

    private sealed class ForThis : DelegatingHandler;

    private static Task<HttpResponseMessage> GetAsync(HttpClient http, string url) => http.GetAsync(url).WaitAsync(Bound);

    private static string Url(string host, int port) => $"http://{host}:{port}/cb?secret";

    private static CibaHost Open(List<string> asked, params string[] addresses) => Open(ciba => Resolve(ciba, asked, addresses));

    private static CibaHost Open(Action<CibaBuilder>? setup = null) => new()
    {
        Options = options => options.Callbacks.AllowedNetworks = ["127.0.0.1"],
        Setup = setup,
    };

    private static void Resolve(CibaBuilder ciba, List<string> asked, string[] addresses) => ciba.Services.AddSingleton(services => new OutgoingConnections(
        services.GetRequiredService<AddressRules>(), services.GetRequiredService<IOptions<CibaOptions>>().Value.Callbacks.ConnectTimeout, services.GetRequiredService<TimeProvider>())
    {
        Resolve = (name, _) =>
        {
            asked.Add(name);
            return Task.FromResult(addresses.Select(IPAddress.Parse).ToArray());
        },
    });

    private static async Task<HttpClient> ClientAsync(CibaHost host, string name = CibaCallbackOptions.HttpClientName) =>
        (await host.ServicesAsync()).GetRequiredService<IHttpClientFactory>().CreateClient(name);

    private static async Task<SocketsHttpHandler> HandlerAsync(CibaHost host, string name)
    {
        var handler = (await host.ServicesAsync()).GetRequiredService<IHttpMessageHandlerFactory>().CreateHandler(name);
        while (handler is DelegatingHandler { InnerHandler: { } inner })
        {
            handler = inner;
        }

        return (SocketsHttpHandler)handler;
    }
}
