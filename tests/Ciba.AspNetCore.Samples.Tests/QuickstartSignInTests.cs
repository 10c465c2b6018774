using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Ciba.AspNetCore.Samples.Tests;

/// <summary>Wrong passwords are limited per user and address, be it on the page or by Basic.</summary>
public sealed class QuickstartSignInTests
{
    private const string Here = "127.0.0.1";
    private const string Elsewhere = "127.0.0.2";

    [Test]
    public async Task After_ten_wrong_passwords_no_more_are_looked_at_and_nobody_else_is_locked_out()
    {
        await using var quickstart = await StartAsync();
        using var here = Http(quickstart, Here);
        using var elsewhere = Http(quickstart, Elsewhere);

        var wrong = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => BasicAsync(here, "alice", $"guess-{i}")));
        var right = await BasicAsync(here, "alice", "alice");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(wrong.Count(answer => answer.Status == HttpStatusCode.Unauthorized), Is.EqualTo(10));
            Assert.That(wrong.Count(answer => answer.Status == HttpStatusCode.TooManyRequests), Is.EqualTo(30));
            Assert.That(right.Status, Is.EqualTo(HttpStatusCode.TooManyRequests));
            Assert.That(right.RetryAfter, Is.InRange(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1)));
            Assert.That((await BasicAsync(here, "bob", "bob")).Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((await BasicAsync(elsewhere, "alice", "alice")).Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((await PageAsync(here, "alice", "alice")).Status, Is.EqualTo(HttpStatusCode.TooManyRequests));
            Assert.That((await PageAsync(elsewhere, "alice", "alice")).Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(quickstart.Output, Does.Match("warn: .*\n +10 wrong passwords for one user came from one address: sign-ins of this user from there are refused for \\d+ seconds").And.Not.Contain("guess-"));
            Assert.That(quickstart.Output, Does.Not.Contain("fail: "));
        }
    }

    [Test]
    public async Task Wrong_passwords_on_the_page_count_for_Basic_too_and_right_ones_do_not()
    {
        await using var quickstart = await StartAsync("--Quickstart:MaxSignInFailures=2");
        using var http = Http(quickstart, Here);
        for (var i = 0; i < 3; i++)
        {
            await BasicAsync(http, "alice", "alice");
        }

        var first = await PageAsync(http, "alice", "wrong");
        var second = await PageAsync(http, "alice", "wrong");
        var third = await PageAsync(http, "alice", "wrong");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((first.Status, first.Error), Is.EqualTo((HttpStatusCode.BadRequest, "sign_in_failed")));
            Assert.That((second.Status, second.Error), Is.EqualTo((HttpStatusCode.BadRequest, "sign_in_failed")));
            Assert.That((third.Status, third.Error), Is.EqualTo((HttpStatusCode.TooManyRequests, "too_many_sign_ins")));
            Assert.That((await BasicAsync(http, "alice", "alice")).Status, Is.EqualTo(HttpStatusCode.TooManyRequests));
        }
    }

    [Test]
    public async Task Names_of_no_user_are_limited_as_well()
    {
        await using var quickstart = await StartAsync("--Quickstart:MaxSignInFailures=2");
        using var http = Http(quickstart, Here);

        HttpStatusCode[] statuses = [(await BasicAsync(http, "a", "a")).Status, (await BasicAsync(http, "b", "b")).Status, (await BasicAsync(http, "c", "c")).Status, (await BasicAsync(http, "alice", "alice")).Status];

        Assert.That(statuses, Is.EqualTo([HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests, HttpStatusCode.OK]));
    }

    [Test]
    public async Task Zero_switches_the_limit_off()
    {
        await using var quickstart = await StartAsync("--Quickstart:MaxSignInFailures=0");
        using var http = Http(quickstart, Here);

        var wrong = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => BasicAsync(http, "alice", "wrong")));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(wrong.Select(answer => answer.Status), Is.All.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That((await BasicAsync(http, "alice", "alice")).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    private static Task<RunningSample> StartAsync(params string[] settings) =>
        RunningSample.QuickstartAsync(["--urls=http://127.0.0.1:0", "--Ciba:Issuer=http://localhost:5080", "--Quickstart:Demo=true", .. settings]);

    /// <summary>A client that calls from this address.</summary>
    private static HttpClient Http(RunningSample quickstart, string from) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (context, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    })
    { BaseAddress = quickstart.Address };

    private static async Task<(HttpStatusCode Status, TimeSpan? RetryAfter)> BasicAsync(HttpClient http, string user, string password)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/device/requests");
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));
        using var response = await http.SendAsync(request);
        return (response.StatusCode, response.Headers.RetryAfter?.Delta);
    }

    private static async Task<(HttpStatusCode Status, string? Error)> PageAsync(HttpClient http, string user, string password)
    {
        var session = JsonElement.Parse(await http.GetStringAsync("/demo/phone/session"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/demo/phone/sign-in") { Content = JsonContent.Create(new { username = user, password }) };
        request.Headers.Add(session.GetProperty("tokenHeader").GetString()!, session.GetProperty("requestToken").GetString());
        using var response = await http.SendAsync(request);
        var json = JsonElement.Parse(await response.Content.ReadAsStringAsync());
        return (response.StatusCode, json.TryGetProperty("error", out var error) ? error.GetString() : null);
    }
}
