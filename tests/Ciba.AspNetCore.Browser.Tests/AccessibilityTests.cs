using Microsoft.Playwright;

namespace Ciba.AspNetCore.Browser.Tests;

/// <summary>Every state of the page is for everybody: axe finds nothing grave, nothing is cut off, no colour stands alone.</summary>
[TestFixture(ColorScheme.Light, 1280), TestFixture(ColorScheme.Dark, 360)]
public sealed class AccessibilityTests(ColorScheme colors, int width) : BrowserTest
{
    [Test]
    public async Task Of_an_approval_every_step()
    {
        var page = await OpenAsync(await NewBrowserAsync(colors, width));
        await CheckAsync(page, "signed out");

        await page.SignInAsync("alice", "wrong");
        await Expect(page.Phone).ToContainTextAsync("Name or password is wrong.");
        await CheckAsync(page, "wrong password");

        await page.SignInAsync("alice");
        await Expect(page.Phone).ToContainTextAsync("Connected");
        await page.Desk.GetByText("Advanced").ClickAsync();
        await page.AskAsync("mallory");
        await Expect(page.Desk).ToContainTextAsync("Nobody here is known");
        await CheckAsync(page, "unknown customer, nothing to approve");

        await page.AskAsync("alice");
        await Expect(page.Requests).ToHaveCountAsync(1);
        await CheckAsync(page, "waiting");

        await page.PressAsync("Approve");
        await Expect(page.Result).ToHaveTextAsync("Approved");
        await page.Desk.GetByText("As it came").ClickAsync();
        await page.Desk.GetByText("What went over the wire").ClickAsync();
        await CheckAsync(page, "approved");
    }

    [Test]
    public async Task Of_what_does_not_end_well_every_step()
    {
        var page = await OpenAsync(await NewBrowserAsync(colors, width));
        await page.SignInAsync("alice");
        await page.AskAsync("alice");
        await page.PressAsync("Not me: block The Shop");
        await CheckAsync(page, "about to block");
        await page.PressAsync("Press again to deny and block The Shop");
        await Expect(page.Result).ToHaveTextAsync("Declined");
        await Expect(page.Button("Unblock The Shop")).ToBeVisibleAsync();
        await CheckAsync(page, "declined and blocked");

        await page.PressAsync("Unblock The Shop");
        await page.PressAsync("New request");
        await page.AskAsync("alice");
        await page.PressAsync("Cancel");
        await Expect(page.Result).ToHaveTextAsync("Cancelled");
        await CheckAsync(page, "cancelled");

        await page.PressAsync("New request");
        await page.Field("Call-centre desk").CheckAsync();
        await CheckAsync(page, "call-centre desk");
        await page.Desk.GetByText("Advanced").ClickAsync();
        await page.Field("Expires after seconds").FillAsync("1");
        await page.PressAsync("Identify the caller");
        await Expect(page.Result).ToHaveTextAsync("Time is up");
        await CheckAsync(page, "expired");
    }

    [Test]
    public async Task Of_three_codes_every_step()
    {
        await StartAsync("--Ciba:NumberMatching=true");
        var page = await OpenAsync(await NewBrowserAsync(colors, width));
        await page.SignInAsync("alice");
        await page.AskAsync("alice");
        await Expect(page.Phone.GetByRole(AriaRole.Radio)).ToHaveCountAsync(3);
        await CheckAsync(page, "three codes");

        await page.PressAsync("Approve");
        await Expect(page.Requests).ToContainTextAsync("Pick the code that the other device shows.");
        await page.Phone.GetByRole(AriaRole.Radio).First.CheckAsync();
        await CheckAsync(page, "a code picked");
    }

    private static async Task CheckAsync(DemoPage page, string state)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await page.GraveFindingsAsync(), Is.Empty, state);
            Assert.That(await page.OverflowAsync(), Is.Zero, $"{state}: pixels too wide");
        }
    }
}
