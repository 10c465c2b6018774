using System.Net;
using System.Text.Json;

namespace Ciba.AspNetCore.Samples.Tests;

/// <summary>The page and the automation take what the library's own endpoints take: https, or a program on this machine.</summary>
public sealed class QuickstartTransportTests
{
    private const string Local = "http://localhost:5080";

    // By the name of a page that has rebound it to this machine; through proxies; and through one that leaves no trace but the issuer.
    private static readonly TestCaseData[] Strangers =
    [
        new(Local, "Host", "rebound.example"),
        new(Local, "Host", "localhost.rebound.example:5080"),
        new(Local, "X-Forwarded-For", "203.0.113.7"),
        new(Local, "X-Forwarded-Proto", "http"),
        new(Local, "X-Forwarded-Host", "id.example.com"),
        new(Local, "Forwarded", "for=203.0.113.7"),
        new("https://id.example.com", "Host", "localhost:5080"),
    ];

    [TestCaseSource(nameof(Strangers))]
    public async Task Plain_http_from_elsewhere_is_refused_by_the_page_as_by_the_library(string issuer, string header, string value)
    {
        await using var quickstart = await StartAsync(issuer);

        foreach (var path in new[] { "/demo/phone/session", "/demo/desk", "/jwks" })
        {
            var (status, json) = await SendAsync(quickstart, HttpMethod.Get, path, header, value);
            Assert.That((status, json.GetProperty("error").GetString()), Is.EqualTo((HttpStatusCode.BadRequest, path == "/jwks" ? "invalid_request" : "https_required")), path);
        }
    }

    [TestCaseSource(nameof(Strangers))]
    public async Task Plain_http_from_elsewhere_is_refused_by_the_automation_even_if_it_is_allowed(string issuer, string header, string value)
    {
        await using var quickstart = await StartAsync(issuer, "--Ciba:RequireHttps=false");

        var (status, json) = await SendAsync(quickstart, HttpMethod.Post, "/automation/nobodys/allow", header, value);

        Assert.That((status, json.GetProperty("error").GetString()), Is.EqualTo((HttpStatusCode.BadRequest, "https_required")));
    }

    [TestCase("Host", "localhost:5080"), TestCase("Host", "127.0.0.1"), TestCase("Host", "[::1]:5080")]
    public async Task A_program_on_this_machine_is_answered(string header, string value)
    {
        await using var quickstart = await StartAsync(Local);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await SendAsync(quickstart, HttpMethod.Get, "/demo/phone/session", header, value)).Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((await SendAsync(quickstart, HttpMethod.Post, "/automation/nobodys/allow", header, value)).Status, Is.EqualTo(HttpStatusCode.NotFound));
            Assert.That(quickstart.Output, Does.Contain("Quickstart:Automation is on: anyone who can reach /automation can approve every request without its user"));
        }
    }

    // A browser that sends no Sec-Fetch-Site still says where a call comes from.
    [TestCase("http://localhost:5080", HttpStatusCode.OK), TestCase("https://localhost:5080", HttpStatusCode.Forbidden), TestCase("http://localhost:5081", HttpStatusCode.Forbidden)]
    [TestCase("http://elsewhere.example", HttpStatusCode.Forbidden), TestCase("null", HttpStatusCode.Forbidden)]
    public async Task A_page_of_another_origin_is_refused(string origin, HttpStatusCode expected)
    {
        await using var quickstart = await StartAsync(Local);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await SendAsync(quickstart, HttpMethod.Get, "/demo/phone/session", "Origin", origin)).Status, Is.EqualTo(expected));
            Assert.That(
                (await SendAsync(quickstart, HttpMethod.Post, "/automation/nobodys/allow", "Origin", origin)).Status,
                Is.EqualTo(expected == HttpStatusCode.OK ? HttpStatusCode.NotFound : expected));
        }
    }

    private static Task<RunningSample> StartAsync(string issuer, params string[] settings) =>
        RunningSample.QuickstartAsync(["--urls=http://127.0.0.1:0", $"--Ciba:Issuer={issuer}", "--Quickstart:Demo=true", "--Quickstart:Automation=true", .. settings]);

    private static async Task<(HttpStatusCode Status, JsonElement Json)> SendAsync(RunningSample quickstart, HttpMethod method, string path, string header, string value)
    {
        using var http = new HttpClient { BaseAddress = quickstart.Address };
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Host = "localhost:5080";
        if (header == "Host")
        {
            request.Headers.Host = value;
        }
        else
        {
            request.Headers.Add(header, value);
        }

        using var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, text.Length > 0 ? JsonElement.Parse(text) : default);
    }
}
