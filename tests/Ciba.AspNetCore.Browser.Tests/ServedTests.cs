using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Ciba.AspNetCore.Browser.Tests;

/// <summary>What the page is served with, and what its backend refuses.</summary>
public sealed class ServedTests : BrowserTest
{
    [Test]
    public async Task The_page_runs_its_own_files_and_nothing_else()
    {
        await StartAsync();
        using var http = new HttpClient { BaseAddress = Host.Address };

        var answer = await http.GetAsync("/");
        var html = await answer.Content.ReadAsStringAsync();
        var policy = answer.Headers.GetValues("Content-Security-Policy").Single();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(policy, Does.StartWith("default-src 'none'; script-src 'self'; style-src 'self';").And.Not.Contain("unsafe"));
            Assert.That(Regex.Matches(html, "<script(?! type=\"module\" src=\"js/)|<style| style=| on[a-z]+=|https?://"), Is.Empty);
        }
    }

    [Test]
    public async Task Without_the_page_the_provider_is_as_it_was()
    {
        await StartAsync("--Quickstart:Page=false");
        using var http = new HttpClient { BaseAddress = Host.Address };

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await http.GetAsync("/")).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
            Assert.That((await http.GetAsync("/demo/desk")).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
            Assert.That((await http.GetAsync("/jwks")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test]
    public async Task Curl_still_signs_in_with_name_and_password_and_is_asked_for_them()
    {
        await StartAsync();
        using var http = new HttpClient { BaseAddress = Host.Address };

        var without = await http.GetAsync("/device/requests");
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes("alice:alice")));
        var with = await http.GetAsync("/device/requests");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(without.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(without.Headers.WwwAuthenticate.Single().Scheme, Is.EqualTo("Basic"));
            Assert.That(with.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test]
    public async Task A_page_is_not_interrupted_by_the_browsers_own_sign_in()
    {
        await StartAsync();
        using var http = new HttpClient { BaseAddress = Host.Address };
        http.DefaultRequestHeaders.Add("Sec-Fetch-Site", "same-origin");

        var answer = await http.GetAsync("/device/requests");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(answer.Headers.WwwAuthenticate, Is.Empty);
        }
    }

    [Test]
    public async Task A_sign_in_without_the_antiforgery_token_is_refused()
    {
        await StartAsync();
        using var http = new HttpClient { BaseAddress = Host.Address };

        var answer = await http.PostAsJsonAsync("/demo/phone/sign-in", new { username = "alice", password = "alice" });

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("stale_page"));
            Assert.That(answer.Headers.Contains("Set-Cookie"), Is.False);
        }
    }

    [Test]
    public async Task A_page_of_another_origin_cannot_use_the_desk()
    {
        await StartAsync();
        using var http = new HttpClient { BaseAddress = Host.Address };
        http.DefaultRequestHeaders.Add("Sec-Fetch-Site", "cross-site");

        var answer = await http.PostAsJsonAsync("/demo/desk/requests", new { clientId = "shop", user = "alice" });

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
    }

    [Test]
    public async Task The_phones_cookies_are_out_of_reach_of_scripts_and_of_other_sites()
    {
        var page = await OpenAsync();
        await page.SignInAsync("alice");
        await Expect(page.Button("Sign out")).ToBeVisibleAsync();

        var cookies = await page.Page.Context.CookiesAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(cookies, Has.Count.EqualTo(2));
            Assert.That(cookies, Is.All.Matches<BrowserContextCookiesResult>(cookie => cookie is { HttpOnly: true, SameSite: SameSiteAttribute.Strict }));
        }
    }
}
