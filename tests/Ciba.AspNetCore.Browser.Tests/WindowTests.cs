using Microsoft.Playwright;

namespace Ciba.AspNetCore.Browser.Tests;

/// <summary>All windows of a browser are one phone.</summary>
public sealed class WindowTests : BrowserTest
{
    [Test]
    public async Task Any_number_of_windows_share_one_stream_and_the_next_takes_it_over()
    {
        await StartAsync();
        var browser = await NewBrowserAsync();
        var streams = 0;
        browser.Request += (_, request) => streams += new Uri(request.Url).AbsolutePath == "/device/events" ? 1 : 0;
        var windows = new List<DemoPage> { await OpenAsync(browser) };
        await windows[0].SignInAsync("alice");
        await Expect(windows[0].Phone).ToContainTextAsync("Connected");
        while (windows.Count < 8)
        {
            windows.Add(await OpenAsync(browser));
            await Expect(windows[^1].Phone).ToContainTextAsync("Connected");
        }

        await windows[7].AskAsync("alice");
        await Expect(windows[3].Requests).ToHaveCountAsync(1);
        await windows[3].PressAsync("Approve");
        await ExpectAllAsync(windows, window => Expect(window.History).ToContainTextAsync("You approved: The Shop"));
        await ExpectAllAsync(windows, window => Expect(window.Requests).ToHaveCountAsync(0));
        Assert.That(streams, Is.EqualTo(1));

        await windows[0].Page.CloseAsync();
        await windows[7].PressAsync("New request");
        await windows[7].AskAsync("alice");
        await ExpectAllAsync(windows[1..], window => Expect(window.Requests).ToHaveCountAsync(1));
        Assert.That(streams, Is.EqualTo(2));
    }

    [Test]
    public async Task A_window_that_is_opened_later_shows_what_waits_already()
    {
        var browser = await NewBrowserAsync();
        var first = await OpenAsync(browser);
        await first.SignInAsync("alice");
        await first.AskAsync("alice");
        await Expect(first.Requests).ToHaveCountAsync(1);

        var second = await OpenAsync(browser);

        await Expect(second.Requests).ToHaveCountAsync(1);
    }

    [Test]
    public async Task Where_the_browser_has_no_locks_each_window_has_a_stream()
    {
        var browser = await NewBrowserAsync();
        await browser.AddInitScriptAsync("delete Navigator.prototype.locks");
        var (first, second) = (await OpenAsync(browser), await OpenAsync(browser));
        await first.SignInAsync("alice");
        await Expect(second.Phone).ToContainTextAsync("Connected");

        await first.AskAsync("alice");

        await Expect(first.Requests).ToHaveCountAsync(1);
        await Expect(second.Requests).ToHaveCountAsync(1);
    }

    [Test]
    public async Task Eight_windows_can_wait_at_the_desk()
    {
        await StartAsync("--Ciba:Limits:PendingPerUserAndClient=0", "--Ciba:Limits:PendingPerUser=0", "--Ciba:Limits:NotificationsPerUser=0", "--Ciba:Limits:NotificationsPerUserAndClient=0");
        var browser = await NewBrowserAsync();
        var windows = new List<DemoPage>();
        while (windows.Count < 8)
        {
            windows.Add(await OpenAsync(browser));
            await windows[^1].AskAsync("bob");
            await Expect(windows[^1].Result).ToHaveTextAsync("Waiting for bob");
        }

        await windows[0].PressAsync("Cancel");

        await Expect(windows[0].Result).ToHaveTextAsync("Cancelled");
    }

    [Test]
    public async Task The_sign_out_clears_the_screen_before_the_provider_answers_and_is_asked_for_until_it_does()
    {
        var browser = await NewBrowserAsync();
        var (page, other) = (await OpenAsync(browser), await OpenAsync(browser));
        await page.SignInAsync("alice");
        await page.AskAsync("alice");
        await page.PressAsync("Deny");
        await page.PressAsync("New request");
        await page.AskAsync("alice");
        await Expect(page.Requests).ToHaveCountAsync(1);
        await Expect(other.Requests).ToHaveCountAsync(1);
        var answer = new TaskCompletionSource();
        var calls = 0;
        await page.Page.RouteAsync("**/sign-out", async route =>
        {
            await answer.Task;
            await (++calls == 1 ? route.FulfillAsync(new() { Status = 503 }) : route.ContinueAsync());
        });

        await page.PressAsync("Sign out");
        foreach (var window in new[] { page, other })
        {
            await Expect(window.Requests).ToHaveCountAsync(0);
            await Expect(window.Phone).Not.ToContainTextAsync("The Shop");
            await Expect(window.Phone).Not.ToContainTextAsync("Alice");
        }

        Assert.That(await page.Page.EvaluateAsync<int>("() => sessionStorage.length"), Is.Zero);
        answer.SetResult();
        await Expect(page.Phone).ToContainTextAsync("The phone tries again by itself");
        await Expect(page.Phone).Not.ToContainTextAsync("The Shop");

        await Expect(page.Field("User name")).ToBeVisibleAsync();
        await Expect(other.Field("User name")).ToBeVisibleAsync();
        Assert.That(calls, Is.EqualTo(2));
    }

    [Test]
    public async Task What_one_user_did_another_of_the_same_name_does_not_see()
    {
        await StartAsync(
            "--Quickstart:Users:0:Subject=1", "--Quickstart:Users:0:Username=one", "--Quickstart:Users:0:Password=one", "--Quickstart:Users:0:Name=Alex",
            "--Quickstart:Users:1:Subject=2", "--Quickstart:Users:1:Username=two", "--Quickstart:Users:1:Password=two", "--Quickstart:Users:1:Name=Alex");
        var browser = await NewBrowserAsync();
        var page = await OpenAsync(browser);
        await page.SignInAsync("one");
        await page.AskAsync("one");
        await page.PressAsync("Deny");
        await page.PressAsync("New request");
        await page.AskAsync("one");
        await Expect(page.Requests).ToHaveCountAsync(1);
        await Expect(page.History).ToContainTextAsync("You denied: The Shop");

        // The other signs in, and a window says so.
        var elsewhere = await OpenAsync(await NewBrowserAsync());
        await elsewhere.SignInAsync("two");
        await Expect(elsewhere.Button("Sign out")).ToBeVisibleAsync();
        await browser.AddCookiesAsync((await elsewhere.Page.Context.CookiesAsync()).Select(cookie => new Cookie { Name = cookie.Name, Value = cookie.Value, Domain = cookie.Domain, Path = cookie.Path, HttpOnly = true, SameSite = cookie.SameSite }));
        await page.Page.EvaluateAsync("() => new BroadcastChannel('quickstart-phone').postMessage('signed in')");

        await Expect(page.Requests).ToHaveCountAsync(0);
        await Expect(page.History).ToHaveCountAsync(0);
        await Expect(page.Phone).ToContainTextAsync("Alex");
    }

    [Test]
    public async Task A_client_whose_identifier_has_slashes_is_unblocked_and_told_from_one_of_the_same_name()
    {
        string[] Client(int place, string id) =>
        [
            $"--Ciba:Clients:{place}:ClientId={id}", $"--Ciba:Clients:{place}:ClientName=The Shop", $"--Ciba:Clients:{place}:ClientSecrets:0=a-secret", $"--Ciba:Clients:{place}:BackchannelTokenDeliveryMode=poll",
            $"--Ciba:Clients:{place}:TokenEndpointAuthMethod=client_secret_post",
        ];
        await StartAsync([.. Client(0, "https://rp.example/../a b"), .. Client(1, "other")]);
        var page = await OpenAsync();
        await page.SignInAsync("alice");
        foreach (var id in new[] { "other", "https://rp.example/../a b" })
        {
            await page.Page.Locator("#client").SelectOptionAsync(id, new() { Force = true });
            await page.PressAsync("Ask for approval");
            await page.PressAsync("Not me: block The Shop");
            await page.PressAsync("Press again to deny and block The Shop");
            await page.PressAsync("New request");
        }

        var blocked = page.Phone.GetByRole(AriaRole.Region, new() { Name = "You hear nothing of" }).GetByRole(AriaRole.Listitem);
        await Expect(blocked).ToHaveCountAsync(2);
        await Expect(page.History).ToHaveTextAsync([new System.Text.RegularExpressions.Regex("The Shop.*https://rp.example/../a b"), new System.Text.RegularExpressions.Regex("The Shop.*other")]);
        await blocked.Filter(new() { HasText = "rp.example" }).GetByRole(AriaRole.Button).ClickAsync();

        await Expect(blocked).ToHaveCountAsync(1);
        await Expect(blocked).ToContainTextAsync("other");
    }

    private static async Task ExpectAllAsync(IEnumerable<DemoPage> windows, Func<DemoPage, Task> expect)
    {
        foreach (var window in windows)
        {
            await expect(window);
        }
    }
}
