using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Ciba.AspNetCore.Samples.Tests;

/// <summary>What a sign-out on the page's phone ends.</summary>
public sealed class QuickstartSessionTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    [Test]
    public async Task A_sign_out_ends_copies_of_the_cookie_and_the_streams_that_were_opened_with_them()
    {
        await using var quickstart = await RunningSample.QuickstartAsync("--urls=http://127.0.0.1:0", "--Ciba:Issuer=http://localhost:5080", "--Quickstart:Demo=true");
        using var phone = new HttpClient { BaseAddress = quickstart.Address };
        using var otherPhone = new HttpClient { BaseAddress = quickstart.Address };
        using var copy = new HttpClient(new HttpClientHandler { UseCookies = false }) { BaseAddress = quickstart.Address };
        var cookie = await SignInAsync(phone, await TokenAsync(phone));
        var otherCookie = await SignInAsync(otherPhone, await TokenAsync(otherPhone));
        using var stream = await SendAsync(copy, "/device/events", cookie);
        using var lines = new StreamReader(await stream.Content.ReadAsStreamAsync());
        using var before = await SendAsync(copy, "/device/requests", cookie);

        (await PostAsync(phone, "/demo/phone/sign-out", await TokenAsync(phone), null)).Dispose();

        using var after = await SendAsync(copy, "/device/requests", cookie);
        using var other = await SendAsync(copy, "/device/requests", otherCookie);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((stream.StatusCode, before.StatusCode, after.StatusCode, other.StatusCode), Is.EqualTo((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Unauthorized, HttpStatusCode.OK)));
            Assert.That(await lines.ReadToEndAsync().WaitAsync(Bound), Does.StartWith(": listening"));
        }
    }

    [Test]
    public async Task Another_sign_in_ends_the_session_before()
    {
        await using var quickstart = await RunningSample.QuickstartAsync("--urls=http://127.0.0.1:0", "--Ciba:Issuer=http://localhost:5080", "--Quickstart:Demo=true");
        using var phone = new HttpClient { BaseAddress = quickstart.Address };
        using var copy = new HttpClient(new HttpClientHandler { UseCookies = false }) { BaseAddress = quickstart.Address };

        // Of a window that has not heard of the first sign-in when the second is made.
        var token = await TokenAsync(phone);
        var first = await SignInAsync(phone, token);
        var second = await SignInAsync(phone, token);

        using var before = await SendAsync(copy, "/device/requests", first);
        using var after = await SendAsync(copy, "/device/requests", second);

        Assert.That((before.StatusCode, after.StatusCode), Is.EqualTo((HttpStatusCode.Unauthorized, HttpStatusCode.OK)));
    }

    /// <summary>Signs in, and returns the cookie of the session.</summary>
    private static async Task<string> SignInAsync(HttpClient http, (string Header, string Value) token)
    {
        using var response = await PostAsync(http, "/demo/phone/sign-in", token, new { username = "alice", password = "alice" });
        return response.Headers.GetValues("Set-Cookie").Single(cookie => cookie.StartsWith("quickstart-phone=", StringComparison.Ordinal)).Split(';')[0];
    }

    /// <summary>The antiforgery token of who is signed in.</summary>
    private static async Task<(string Header, string Value)> TokenAsync(HttpClient http)
    {
        var session = JsonElement.Parse(await http.GetStringAsync("/demo/phone/session"));
        return (session.GetProperty("tokenHeader").GetString()!, session.GetProperty("requestToken").GetString()!);
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient http, string path, (string Header, string Value) token, object? body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = body is null ? null : JsonContent.Create(body), Headers = { { token.Header, token.Value } } };
        var response = await http.SendAsync(request);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK), await response.Content.ReadAsStringAsync());
        return response;
    }

    private static Task<HttpResponseMessage> SendAsync(HttpClient http, string path, string cookie) =>
        http.SendAsync(new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Cookie", cookie } } }, HttpCompletionOption.ResponseHeadersRead).WaitAsync(Bound);
}
