using System.Globalization;

namespace Ciba.AspNetCore.Browser.Tests;

/// <summary>Requests arrive by server-sent events, also after the line was down.</summary>
public sealed class ConnectionTests : BrowserTest
{
    private const string Events = "**/device/events";

    [Test]
    public async Task A_phone_connects_again_by_itself_and_forgets_what_waits_no_longer()
    {
        var page = await OpenAsync();
        var streams = 0;
        await page.Page.RouteAsync(Events, route => ++streams == 1
            ? route.FulfillAsync(new() { ContentType = "text/event-stream", Body = $"retry: 100\nevent: requested\ndata: {Request("gone", "A client of yesterday")}\n\n" })
            : route.ContinueAsync());

        await page.SignInAsync("alice");
        await Expect(page.History).ToContainTextAsync("No longer waiting: A client of yesterday");
        await page.AskAsync("alice");

        await Expect(page.Requests).ToHaveCountAsync(1);
        await Expect(page.Requests).ToContainTextAsync("The Shop");
        Assert.That(streams, Is.EqualTo(2));
    }

    [Test]
    public async Task A_session_that_has_ended_leads_back_to_the_sign_in()
    {
        var page = await OpenAsync();
        await page.Page.RouteAsync(Events, async route =>
        {
            await page.Page.Context.ClearCookiesAsync();
            await route.FulfillAsync(new() { Status = 401 });
        });

        await page.SignInAsync("alice");

        await Expect(page.Phone).ToContainTextAsync("Your session has ended. Please sign in again.");
        await Expect(page.Field("Password")).ToBeVisibleAsync();
    }

    [Test]
    public async Task An_answer_that_cannot_be_sent_leaves_the_request_there_to_be_answered_again()
    {
        var page = await OpenAsync();
        await page.SignInAsync("alice");
        await page.AskAsync("alice");
        var calls = 0;
        await page.Page.RouteAsync("**/approve", route => ++calls == 1 ? route.FulfillAsync(new() { Status = 503 }) : route.ContinueAsync());

        await page.PressAsync("Approve");
        await Expect(page.Requests).ToContainTextAsync("The provider cannot be reached. Try again.");
        await Expect(page.Button("Approve")).ToBeFocusedAsync();
        await page.PressAsync("Approve");

        await Expect(page.Result).ToHaveTextAsync("Approved");
    }

    [Test]
    public async Task What_a_client_calls_itself_or_asks_for_is_text_and_nothing_else()
    {
        const string Name = "<img src=x onerror=alert(1)>";
        var page = await OpenAsync();
        await page.Page.RouteAsync(Events, route => route.FulfillAsync(new()
        {
            ContentType = "text/event-stream",
            Body = $"retry: 600000\nevent: requested\ndata: {Request("odd", Name, """, "client_logo_uri":"https://elsewhere.example/logo.png","authorization_details":[{"type":"<b>odd</b>","instructedAmount":{"currency":"<i>","amount":"1e9"},"deep":{"a":[1,2]}}]""")}\n\n",
        }));

        await page.SignInAsync("alice");

        await Expect(page.Requests).ToContainTextAsync(Name);
        await Expect(page.Requests).ToContainTextAsync("\"type\": \"<b>odd</b>\"");
        await Expect(page.Requests).ToContainTextAsync("\"amount\": \"1e9\"");
        await Expect(page.Requests.Locator("img")).ToHaveCountAsync(0);
    }

    private static string Request(string id, string name, string more = "")
    {
        var now = DateTimeOffset.UtcNow;
        return string.Create(CultureInfo.InvariantCulture, $$"""{"id":"{{id}}","client_id":"c","client_name":"{{name}}","scope":"openid","created_at":"{{now:o}}","expires_at":"{{now.AddMinutes(2):o}}"{{more}}}""");
    }
}
