namespace Ciba.AspNetCore.Browser.Tests;

/// <summary>Nobody needs a mouse.</summary>
public sealed class KeyboardTests : BrowserTest
{
    private const string Focused = "() => { const on = document.activeElement; return on === document.body ? '' : (on.labels?.[0] ?? on).innerText.trim().split('\\n')[0] || on.getAttribute('aria-label') || on.id; }";

    private const string FocusIsVisible = """
        () => {
            const on = document.activeElement;
            const marked = [on, on.nextElementSibling, on.closest('.figures')].filter(Boolean);
            return marked.some(node => getComputedStyle(node).outlineStyle !== 'none' && parseFloat(getComputedStyle(node).outlineWidth) >= 2);
        }
        """;

    [Test]
    public async Task A_request_is_made_and_approved_with_the_keyboard_alone()
    {
        var page = await OpenAsync();
        await TabToAsync(page, "User name");
        await page.Page.Keyboard.TypeAsync("alice");
        await TabToAsync(page, "Password");
        await page.Page.Keyboard.TypeAsync("alice");
        await page.Page.Keyboard.PressAsync("Enter");
        await ExpectFocusAsync(page, "Nothing to approve");

        await page.Page.Keyboard.PressAsync("Control+Home");
        await page.Page.EvaluateAsync("() => document.activeElement.blur()");
        await TabToAsync(page, "Ask for approval", backwards: true);
        await page.Page.Keyboard.PressAsync("Enter");
        await ExpectFocusAsync(page, "Waiting for alice");
        await Expect(page.Requests).ToHaveCountAsync(1);

        await TabToAsync(page, "Approve");
        await page.Page.Keyboard.PressAsync("Space");
        await ExpectFocusAsync(page, "Nothing to approve");

        await Expect(page.Result).ToHaveTextAsync("Approved");
        await TabToAsync(page, "New request", backwards: true);
        await page.Page.Keyboard.PressAsync("Enter");
        await ExpectFocusAsync(page, "Amount in euro");
    }

    [Test]
    public async Task The_kind_of_device_is_chosen_with_the_arrows()
    {
        var page = await OpenAsync();
        await TabToAsync(page, "Shop terminal");

        await page.Page.Keyboard.PressAsync("ArrowRight");

        await ExpectFocusAsync(page, "Call-centre desk");
        await Expect(page.Desk).ToContainTextAsync("The Call Center");
    }

    [Test]
    public async Task The_first_keys_lead_past_the_header_to_either_device()
    {
        var page = await OpenAsync();

        await TabToAsync(page, "Skip to the phone");
        await page.Page.Keyboard.PressAsync("Enter");
        await TabToAsync(page, "User name");

        Assert.That(page.Page.Url, Does.EndWith("#phone"));
    }

    /// <summary>Presses Tab until the element with this name has the focus, which must be seen all the way.</summary>
    private static async Task TabToAsync(DemoPage page, string name, bool backwards = false)
    {
        for (var presses = 0; presses < 40; presses++)
        {
            await page.Page.Keyboard.PressAsync(backwards ? "Shift+Tab" : "Tab");
            var focused = await page.Page.EvaluateAsync<string>(Focused);
            if (focused.Length > 0)
            {
                Assert.That(await page.Page.EvaluateAsync<bool>(FocusIsVisible), Is.True, $"the focus on '{focused}' is not visible");
            }

            if (focused == name)
            {
                return;
            }
        }

        Assert.Fail($"The keyboard does not reach '{name}'.");
    }

    private static async Task ExpectFocusAsync(DemoPage page, string name) =>
        await page.Page.WaitForFunctionAsync($"name => ({Focused})() === name", name);
}
