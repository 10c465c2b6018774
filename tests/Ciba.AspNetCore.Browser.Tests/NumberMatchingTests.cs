using Microsoft.Playwright;

namespace Ciba.AspNetCore.Browser.Tests;

/// <summary>The user picks the code of the other device among three.</summary>
public sealed class NumberMatchingTests : BrowserTest
{
    [Test]
    public async Task The_right_code_approves()
    {
        var page = await AskAsync();
        await page.Field(await page.CodeAsync()).CheckAsync();

        await page.PressAsync("Approve");

        await Expect(page.History).ToContainTextAsync("You approved: The Shop");
        await Expect(page.Result).ToHaveTextAsync("Approved");
    }

    [Test]
    public async Task A_wrong_code_denies()
    {
        var page = await AskAsync();
        var code = await page.CodeAsync();
        await page.Phone.Locator($"input[type=radio]:not([value='{code}'])").First.CheckAsync();

        await page.PressAsync("Approve");

        await Expect(page.History).ToContainTextAsync("Denied: that was another code: The Shop");
        await Expect(page.Result).ToHaveTextAsync("Declined");
    }

    [Test]
    public async Task Without_a_code_nothing_is_approved()
    {
        var page = await AskAsync();

        await page.PressAsync("Approve");

        await Expect(page.Requests).ToContainTextAsync("Pick the code that the other device shows.");
        await Expect(page.Phone.GetByRole(AriaRole.Radio).First).ToBeFocusedAsync();
        await Expect(page.Requests).ToHaveCountAsync(1);
    }

    private async Task<DemoPage> AskAsync()
    {
        await StartAsync("--Ciba:NumberMatching=true");
        var page = await OpenAsync();
        await page.SignInAsync("alice");
        await page.AskAsync("alice");
        await Expect(page.Phone.GetByRole(AriaRole.Radio)).ToHaveCountAsync(3);
        return page;
    }
}
