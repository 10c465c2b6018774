using System.Net;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>A device that is a browser sends its cookie along whoever's page makes the call: a yes needs more than that.</summary>
public sealed class ForgedRequestTests
{
    [TestCase("approve"), TestCase("deny"), TestCase("resend")]
    public async Task A_call_by_cookie_needs_the_antiforgery_token_of_its_session(string verb)
    {
        await using var host = Host();
        var browser = await Browser.SignInAsync(host, "alice");
        var others = await Browser.SignInAsync(host, "bob");
        var id = (await host.AuthorizeAsync()).AuthReqId;

        Answer[] refused =
        [
            await browser.PostAsync(id, verb, token: null),
            await browser.PostAsync(id, verb, token: "nonsense"),
            await browser.PostAsync(id, verb, others.Token),
        ];
        var pending = await host.PollAsync(id);
        var taken = await browser.PostAsync(id, verb, browser.Token);

        foreach (var answer in refused)
        {
            DeviceEndpointTests.AssertProblem(answer, 400, "The antiforgery token is missing or wrong: send the one of this session in its header.");
        }

        Assert.That((pending.Error, taken.Status), Is.EqualTo(("authorization_pending", HttpStatusCode.NoContent)));
    }

    [Test]
    public async Task To_look_needs_no_token()
    {
        await using var host = Host();
        var browser = await Browser.SignInAsync(host, "alice");
        await host.AuthorizeAsync();

        Assert.That((await browser.GetAsync("/requests")).Json.GetArrayLength(), Is.EqualTo(1));
    }

    [Test]
    public async Task A_call_that_no_cookie_authenticates_needs_none_though_the_policy_knows_cookies_too()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var answer = await host.SendAsync(HttpMethod.Post, $"/device/requests/{await host.HandleAsync(id)}/approve", null, request => request.Headers.Add("X-Header-User", "alice"));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.NoContent), answer.Body);
    }

    [Test]
    public async Task A_cookie_that_a_handler_of_the_hosts_own_reads_needs_the_token_too()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var answer = await host.SendAsync(HttpMethod.Post, $"/device/requests/{await host.HandleAsync(id)}/approve", null, request =>
        {
            request.Headers.Add("X-Header-User", "alice");
            request.Headers.Add("Cookie", "session=1");
        });

        DeviceEndpointTests.AssertProblem(answer, 400, "The antiforgery token is missing or wrong: send the one of this session in its header.");
        Assert.That((await host.PollAsync(id)).Error, Is.EqualTo("authorization_pending"));
    }

    [Test]
    public async Task An_authorization_header_that_authenticates_nobody_stands_in_for_no_token()
    {
        await using var host = Host();
        var browser = await Browser.SignInAsync(host, "alice");

        // As a browser sends it by itself.
        var answer = await browser.PostAsync((await host.AuthorizeAsync()).AuthReqId, "approve", token: null, change: request => request.Headers.Add("Authorization", "Basic YTpi"));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
    }

    [TestCase("https://localhost", false), TestCase("https://LOCALHOST", false), TestCase("https://localhost:443", false)]
    [TestCase("http://localhost", true), TestCase("http://localhost:443", true), TestCase("wss://localhost", true), TestCase("https://localhost:8443", true), TestCase("https://evil.example", true), TestCase("https://localhost.evil.example", true), TestCase("null", true)]
    public async Task A_browser_that_says_only_its_origin_is_judged_by_that(string origin, bool isRefused)
    {
        await using var host = Host();
        var browser = await Browser.SignInAsync(host, "alice");

        var answer = await browser.PostAsync((await host.AuthorizeAsync()).AuthReqId, "approve", browser.Token, site: null, request => request.Headers.TryAddWithoutValidation("Origin", origin));

        Assert.That(answer.Status, Is.EqualTo(isRefused ? HttpStatusCode.Forbidden : HttpStatusCode.NoContent));
    }

    [Test]
    public async Task A_host_that_forgot_antiforgery_says_yes_to_nobody_and_reads_why()
    {
        await using var host = Host(antiforgery: false);
        var browser = await Browser.SignInAsync(host, "alice");
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var answer = await browser.PostAsync(id, "approve", token: null);

        DeviceEndpointTests.AssertProblem(answer, 500, CibaError.ServerError.Description);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((await host.PollAsync(id)).Error, Is.EqualTo("authorization_pending"));
            Assert.That(host.Log.Ours.Where(line => line.Level == LogLevel.Error).Select(line => line.Text), Has.Exactly(1).Contains("call AddAntiforgery()"));
        }
    }

    [TestCase(true), TestCase(false)]
    public async Task A_host_that_forgot_antiforgery_reads_so_at_the_start(bool antiforgery)
    {
        await using var host = Host(antiforgery);
        await host.AuthorizeAsync();

        Assert.That(
            host.Log.Ours.Where(line => line.Level == LogLevel.Warning).Select(line => line.Text.TrimEnd()),
            Has.Exactly(antiforgery ? 0 : 1).EqualTo("The authentication scheme Cookies is a cookie, and there is no antiforgery: every POST to the device API with that cookie will be answered 500. Call AddAntiforgery(), and have the page send the antiforgery token in a header"));
    }

    [TestCase(true, false), TestCase(false, true)]
    public async Task A_host_without_cookies_or_without_the_device_api_needs_no_antiforgery(bool cookies, bool device)
    {
        await using var host = new CibaHost
        {
            Setup = ciba => _ = cookies ? ciba.Services.AddAuthentication().AddCookie() : ciba.Services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, HeaderAuthentication>("Header", null),
            Endpoints = app => _ = device ? app.MapCibaDevice("/device") : app.MapCiba(),
        };
        await host.SendAsync(HttpMethod.Get, "/");

        Assert.That(host.Log.Ours.Select(line => line.Text), Has.None.Contains("antiforgery"));
    }

    [TestCase("cross-site"), TestCase("same-site")]
    public async Task A_page_of_another_origin_is_refused_whatever_it_sends(string site)
    {
        await using var host = Host();
        var browser = await Browser.SignInAsync(host, "alice");

        var answer = await browser.PostAsync((await host.AuthorizeAsync()).AuthReqId, "approve", browser.Token, site);

        DeviceEndpointTests.AssertProblem(answer, 403, "Requests from pages of another origin are refused.");
    }

    private static CibaHost Host(bool antiforgery = true) => new()
    {
        Setup = ciba =>
        {
            ciba.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
            ciba.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
                .AddCookie(cookie => cookie.Cookie.SecurePolicy = CookieSecurePolicy.None)
                .AddScheme<AuthenticationSchemeOptions, HeaderAuthentication>("Header", null);
            ciba.Services.AddAuthorization();
            if (antiforgery)
            {
                ciba.Services.AddAntiforgery(options => options.HeaderName = "X-CSRF-TOKEN");
            }
        },
        Map = app =>
        {
            app.UseAuthentication();
            app.UseAuthorization();
            app.MapPost("/sign-in/{user}", (string user, HttpContext context) => context.SignInAsync(HeaderAuthentication.Principal(user, "cookie")));
            app.MapGet("/token", (HttpContext context) => context.RequestServices.GetService<IAntiforgery>()?.GetAndStoreTokens(context).RequestToken ?? "");
        },
        Endpoints = app =>
        {
            app.MapCiba();
            app.MapCibaDevice("/device").RequireAuthorization(policy => policy.AddAuthenticationSchemes(CookieAuthenticationDefaults.AuthenticationScheme, "Header").RequireAuthenticatedUser());
        },
    };

    /// <summary>A signed-in browser: its cookies, and the token that its page has.</summary>
    private sealed class Browser(CibaHost host)
    {
        private readonly List<string> _cookies = [];

        public string Token { get; private set; } = "";

        public static async Task<Browser> SignInAsync(CibaHost host, string user)
        {
            var browser = new Browser(host);
            browser.Keep(await host.SendAsync(HttpMethod.Post, $"/sign-in/{user}"));
            var answer = await host.SendAsync(HttpMethod.Get, "/token", null, browser.Send);
            browser.Keep(answer);
            browser.Token = answer.Body;
            return browser;
        }

        public Task<Answer> GetAsync(string path) => host.SendAsync(HttpMethod.Get, $"/device{path}", null, Send);

        public async Task<Answer> PostAsync(string authReqId, string verb, string? token, string? site = "same-origin", Action<HttpRequestMessage>? change = null) =>
            await host.SendAsync(HttpMethod.Post, $"/device/requests/{await host.HandleAsync(authReqId)}/{verb}", null, request =>
            {
                Send(request);
                change?.Invoke(request);
                if (site is not null)
                {
                    request.Headers.Add("Sec-Fetch-Site", site);
                }

                if (token is not null)
                {
                    request.Headers.Add("X-CSRF-TOKEN", token);
                }
            });

        private void Send(HttpRequestMessage request) => request.Headers.Add("Cookie", string.Join("; ", _cookies));

        private void Keep(Answer answer)
        {
            if (answer.Response.Headers.TryGetValues("Set-Cookie", out var cookies))
            {
                _cookies.AddRange(cookies.Select(cookie => cookie.Split(';')[0]));
            }
        }
    }
}
