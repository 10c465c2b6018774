using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>A proxy that ends TLS, before a host that does not know of it: the log says what to call, once.</summary>
public sealed class PlainHttpWarningTests
{
    private const string Warning = "The request to CIBA backchannel authentication arrived over plain http. If a proxy terminates TLS, call UseForwardedHeaders() "
        + "before UseRouting(), with ForwardedHeadersOptions that name the proxy and include XForwardedProto";

    [TestCase("203.0.113.7", null), TestCase("127.0.0.1", null), TestCase("127.0.0.1", "X-Forwarded-Proto"), TestCase("10.0.0.1", "X-Forwarded-For"), TestCase("10.0.0.1", "Forwarded")]
    public async Task Plain_http_that_is_refused_is_one_warning(string address, string? header)
    {
        await using var host = new CibaHost { BeforeRouting = From(address) };

        for (var times = 0; times < 3; times++)
        {
            var answer = await PostAsync(host, header);
            Assert.That(answer.Description, Is.EqualTo("Use https: plain http is refused here."));
            await host.SendAsync(HttpMethod.Get, "/device/requests");
            await host.PollAsync("A");
        }

        Assert.That(Warnings(host), Is.EqualTo(new[] { Warning }));
    }

    [Test]
    public async Task Plain_http_that_a_proxy_has_forwarded_is_one_warning_where_it_is_allowed_too()
    {
        await using var host = new CibaHost { Options = options => options.RequireHttps = false, BeforeRouting = From("10.0.0.1") };

        var direct = await PostAsync(host);
        var before = Warnings(host).ToList();
        var forwarded = await PostAsync(host, "X-Forwarded-Proto");
        await PostAsync(host, "X-Forwarded-Proto");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { direct.Status, forwarded.Status }, Is.All.EqualTo(HttpStatusCode.OK));
            Assert.That(before, Is.Empty);
            Assert.That(Warnings(host), Is.EqualTo(new[] { Warning }));
        }
    }

    [Test]
    public async Task Nothing_is_said_where_forwarded_headers_are_used()
    {
        var forwarded = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedFor };
        await using var host = new CibaHost
        {
            BeforeRouting = app =>
            {
                From("127.0.0.1")(app);
                app.UseForwardedHeaders(forwarded);
            },
        };

        var answer = await PostAsync(host, "X-Forwarded-Proto", "X-Forwarded-For");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
            Assert.That(Warnings(host), Is.Empty);
        }
    }

    [Test]
    public async Task Nothing_is_said_on_loopback_and_over_https()
    {
        await using var here = new CibaHost { Options = options => options.Issuer = "http://localhost:5080", BeforeRouting = From("127.0.0.1") };
        await using var secure = new CibaHost();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await PostAsync(here)).Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((await PostAsync(secure, "X-Forwarded-For")).Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(Warnings(here).Concat(Warnings(secure)), Is.Empty);
        }
    }

    private static IEnumerable<string> Warnings(CibaHost host) =>
        host.Log.Ours.Where(line => line.Level >= LogLevel.Warning && line.Category.EndsWith("ProtocolEndpoint", StringComparison.Ordinal)).Select(line => line.Text.Trim());

    private static Action<WebApplication> From(string address) => app => app.Use((context, next) =>
    {
        context.Connection.RemoteIpAddress = IPAddress.Parse(address);
        context.Request.Scheme = "http";
        return next(context);
    });

    private static Task<Answer> PostAsync(CibaHost host, params string?[] headers) => host.SendAsync(HttpMethod.Post, "/bc-authorize", RawForm.Of(RawForm.Right), request =>
    {
        foreach (var header in headers.OfType<string>())
        {
            request.Headers.Add(header, header switch { "Forwarded" => "for=203.0.113.7;proto=https", "X-Forwarded-For" => "203.0.113.7", _ => "https" });
        }
    });
}
