namespace Ciba.AspNetCore.Browser.Tests;

/// <summary>What does not work is said where it happens, in words that a person understands.</summary>
public sealed class RefusalTests : BrowserTest
{
    [Test]
    public async Task A_wrong_password_signs_nobody_in()
    {
        var page = await OpenAsync();

        await page.SignInAsync("alice", "bob");

        await Expect(page.Phone).ToContainTextAsync("Name or password is wrong.");
        await Expect(page.Field("Password")).ToBeFocusedAsync();
    }

    [Test]
    public async Task Too_many_wrong_passwords_are_told_from_a_wrong_one()
    {
        await StartAsync("--Quickstart:MaxSignInFailures=1");
        var page = await OpenAsync();
        await page.SignInAsync("alice", "bob");
        await Expect(page.Phone).ToContainTextAsync("Name or password is wrong.");

        await page.SignInAsync("alice");

        await Expect(page.Phone).ToContainTextAsync("Too many wrong passwords. Wait a minute, then try again.");
    }

    [Test]
    public async Task A_customer_whom_nobody_knows_is_named()
    {
        var page = await OpenAsync();

        await page.AskAsync("mallory");

        await Expect(page.Desk).ToContainTextAsync("Nobody here is known as “mallory”.");
        await Expect(page.Field("Customer")).ToBeFocusedAsync();
    }

    [Test]
    public async Task A_customer_with_a_user_code_is_asked_for_it()
    {
        var page = await OpenAsync();
        await page.Field("Call-centre desk").CheckAsync();
        await page.Field("Customer").FillAsync("bob");

        await page.PressAsync("Identify the caller");
        await Expect(page.Desk).ToContainTextAsync("bob has a user code");
        var code = page.Page.Locator("#user-code");
        await Expect(code).ToBeFocusedAsync();
        await code.FillAsync("9999");
        await page.PressAsync("Identify the caller");
        await Expect(page.Desk).ToContainTextAsync("That is not the user code.");
        await code.FillAsync("1234");
        await page.PressAsync("Identify the caller");

        await Expect(page.Result).ToHaveTextAsync("Waiting for bob");
    }

    [TestCase("Amount in euro", "a lot", "The amount is a number like 12.50.")]
    [TestCase("Customer", "", "Which customer is to be asked?")]
    [TestCase("Code on both devices", "evil‮edoc", "This code cannot be shown on the phone")]
    public async Task A_field_that_is_wrong_says_so_and_has_the_focus(string label, string typed, string expected)
    {
        var page = await OpenAsync();
        await page.Field(label).FillAsync(typed);

        await page.PressAsync("Ask for approval");

        await Expect(page.Desk).ToContainTextAsync(expected);
        await Expect(page.Field(label)).ToBeFocusedAsync();
        await Expect(page.Field(label)).ToHaveAttributeAsync("aria-invalid", "true");
    }

    [Test]
    public async Task Too_many_requests_for_one_customer_are_refused()
    {
        await StartAsync("--Ciba:Limits:PendingPerUser=1");
        var (first, second) = (await OpenAsync(), await OpenAsync());
        await first.AskAsync("alice");
        await Expect(first.Result).ToHaveTextAsync("Waiting for alice");

        await second.AskAsync("alice");

        await Expect(second.Desk).ToContainTextAsync("The provider lets nobody ask alice just now");
    }
}
