using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;

namespace Ciba.AspNetCore.Tests;

/// <summary>https is demanded; and what only a real server shows.</summary>
public sealed class HttpsTests
{
    [TestCase("203.0.113.7"), TestCase("10.0.0.1"), TestCase("::ffff:203.0.113.7"), TestCase("2001:db8::1"), TestCase("0.0.0.0"), Spec("A18")]
    public async Task Plain_http_from_elsewhere_is_refused(string address)
    {
        await using var host = new CibaHost { Map = From(address) };

        var answer = await host.AuthorizeAsync();

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Description, Is.EqualTo("Use https: plain http is refused here."));
            Assert.That((await host.PollAsync("A")).Description, Is.EqualTo("Use https: plain http is refused here."));
            Assert.That((await host.DeviceAsync(HttpMethod.Get, "/requests", "alice")).Status, Is.EqualTo(HttpStatusCode.BadRequest));
        }
    }

    [TestCase("127.0.0.1"), TestCase("127.8.8.8"), TestCase("::1"), TestCase("::ffff:127.0.0.1"), Spec("A16")]
    public async Task Plain_http_on_loopback_is_allowed_where_the_issuer_is_there_too(string address)
    {
        await using var host = new CibaHost { Options = Here, Map = From(address) };

        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase("127.0.0.1"), TestCase("::1"), TestCase(null), Spec("A18")]
    public async Task Plain_http_on_loopback_is_refused_where_the_issuer_is_elsewhere(string? address)
    {
        // What a proxy on this machine makes of https: nothing in the request tells it from a caller on this machine.
        await using var host = new CibaHost { Map = From(address) };

        var answers = new List<Answer>
        {
            await host.AuthorizeAsync(),
            await host.PollAsync("A"),
            await host.SendAsync(HttpMethod.Get, "/.well-known/openid-configuration"),
        };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(answer => answer.Body), Is.All.EqualTo("""{"error":"invalid_request","error_description":"Use https: plain http is refused here."}"""));
            Assert.That((await host.DeviceAsync(HttpMethod.Get, "/requests", "alice")).Status, Is.EqualTo(HttpStatusCode.BadRequest));
        }
    }

    [TestCase("https://localhost/master", HttpStatusCode.OK), TestCase("http://127.0.0.1:5080/master", HttpStatusCode.OK), TestCase("https://[::1]", HttpStatusCode.OK)]
    [TestCase("https://id.example.com/master", HttpStatusCode.BadRequest), TestCase("https://localhost.example.com", HttpStatusCode.BadRequest)]
    public async Task Of_several_issuers_it_is_the_one_of_the_request_that_counts(string issuer, HttpStatusCode status)
    {
        await using var host = TenantHost.Make(find: _ => issuer, beforeRouting: app => From("127.0.0.1")(app));

        Assert.That((await host.AuthorizeAtAsync("master")).Status, Is.EqualTo(status));
    }

    [TestCase("Host", "id.example.com"), TestCase("X-Forwarded-For", "203.0.113.7"), TestCase("X-Forwarded-Proto", "http"), TestCase("Forwarded", "for=203.0.113.7")]
    [Spec("A18")]
    public async Task A_proxy_on_this_machine_is_not_taken_for_a_caller_on_this_machine(string header, string value)
    {
        await using var host = new CibaHost { Options = Here, Map = From("127.0.0.1") };

        var answer = await host.PostAsync("/bc-authorize", [("client_id", "client")], request => request.Headers.TryAddWithoutValidation(header, value));

        Assert.That(answer.Description, Is.EqualTo("Use https: plain http is refused here."));
    }

    [Test, Spec("A16")]
    public async Task Https_from_elsewhere_is_allowed()
    {
        await using var host = new CibaHost { Map = From("203.0.113.7", "https") };

        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("A16")]
    public async Task A_host_may_do_without_https()
    {
        await using var host = new CibaHost { Map = From("203.0.113.7"), Options = options => options.RequireHttps = false };

        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("A1")]
    public async Task A_long_body_of_unannounced_length_is_refused()
    {
        await using var host = new CibaHost { Setup = KestrelHost.Use };
        using var http = await KestrelHost.HttpAsync(host);
        var body = RawForm.Right + string.Concat(Enumerable.Range(0, 50).Select(i => $"&p{i}={new string('x', 10_000)}"));

        using var response = await http.PostAsync("/bc-authorize", RawForm.Chunked(body));

        await Refusal.LeavesNothingAsync(host, new Answer(response, await response.Content.ReadAsStringAsync()), "invalid_request");
    }

    [Test, Spec("A1"), Spec("A20")]
    public async Task A_body_that_is_cut_off_is_refused()
    {
        await using var host = new CibaHost { Setup = KestrelHost.Use };
        using var http = await KestrelHost.HttpAsync(host);
        using var client = new TcpClient(http.BaseAddress!.Host, http.BaseAddress.Port);
        var stream = client.GetStream();

        // The length announced is one more than what comes, and then the client says no more.
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /bc-authorize HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {RawForm.MediaType}\r\nContent-Length: {RawForm.Right.Length + 1}\r\n\r\n{RawForm.Right}"));
        client.Client.Shutdown(SocketShutdown.Send);
        var answer = await ReadUntilEndOrResetAsync(stream).WaitAsync(TimeSpan.FromSeconds(20));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer, Does.Not.Contain("auth_req_id").And.Not.StartWith("HTTP/1.1 5"));
            Assert.That((await host.StoreAsync()).Count, Is.Zero);
            Assert.That(host.Log.Ours.Where(line => line.Level == Microsoft.Extensions.Logging.LogLevel.Error), Is.Empty);
        }
    }

    // Kestrel may answer one who has hung up by a reset, before its answer or behind it.
    private static async Task<string> ReadUntilEndOrResetAsync(Stream stream)
    {
        var answer = new MemoryStream();
        try
        {
            await stream.CopyToAsync(answer);
        }
        catch (IOException exception) when (exception.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
            // What came before it counts.
        }

        return Encoding.ASCII.GetString(answer.ToArray());
    }

    private static void Here(CibaOptions options) => options.Issuer = "https://localhost:5001";

    private static Action<WebApplication> From(string? address, string scheme = "http") => app => app.Use((context, next) =>
    {
        context.Connection.RemoteIpAddress = address is null ? null : IPAddress.Parse(address);
        context.Request.Scheme = scheme;
        return next(context);
    });
}
