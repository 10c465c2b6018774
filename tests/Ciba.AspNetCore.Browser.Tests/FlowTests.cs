using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Ciba.AspNetCore.Browser.Tests;

/// <summary>A person plays both devices.</summary>
public sealed class FlowTests : BrowserTest
{
    [Test]
    public async Task An_approval_on_the_phone_brings_the_ID_Token_to_the_desk()
    {
        var page = await OpenAsync();
        await page.SignInAsync("alice");
        await page.AskAsync("alice");
        await Expect(page.Requests).ToContainTextAsync("The Shop asks you to approve a payment.");
        await Expect(page.Requests).ToContainTextAsync(await page.CodeAsync());
        await Expect(page.Requests).ToContainTextAsync("Your name");
        await Expect(page.Requests).ToContainTextAsync(new Regex(@"1 min \d\d s left|2 min 00 s left"));

        await page.PressAsync("Approve");

        await Expect(page.History).ToContainTextAsync("You approved: The Shop");
        await Expect(page.Requests).ToHaveCountAsync(0);
        await Expect(page.Result).ToHaveTextAsync("Approved");
        await Expect(page.Desk.Locator("#claims")).ToContainTextAsync("1 (the customer)");
        await Expect(page.Desk.Locator("#claims")).ToContainTextAsync("shop (for which client)");
        await Expect(page.Desk.Locator("#claims")).ToContainTextAsync("pwd");
        Assert.That(await page.Page.ContentAsync(), Does.Not.Contain("eyJ").And.Not.Contain("shop-secret"), "tokens and secrets stay with the backend");
    }

    [Test]
    public async Task A_denial_on_the_phone_is_told_at_the_desk_in_plain_words()
    {
        var page = await OpenAsync();
        await page.SignInAsync("alice");
        await page.AskAsync("alice");

        await page.PressAsync("Deny");

        await Expect(page.History).ToContainTextAsync("You denied: The Shop");
        await Expect(page.Result).ToHaveTextAsync("Declined");
        await Expect(page.Desk).ToContainTextAsync("alice said no on the phone");
        await Expect(page.Desk).ToContainTextAsync("access_denied");
    }

    [Test]
    public async Task A_request_that_nobody_answers_expires_on_both_devices()
    {
        var page = await OpenAsync();
        await page.SignInAsync("alice");

        await page.AskAsync("alice", expiry: 2);

        await Expect(page.History).ToContainTextAsync("Expired: The Shop");
        await Expect(page.Requests).ToHaveCountAsync(0);
        await Expect(page.Result).ToHaveTextAsync("Time is up");
    }

    [Test]
    public async Task Two_windows_of_one_phone_show_the_same()
    {
        var browser = await NewBrowserAsync();
        var first = await OpenAsync(browser);
        await first.SignInAsync("alice");
        var second = await OpenAsync(browser);
        await Expect(second.Button("Sign out")).ToBeVisibleAsync();

        await first.AskAsync("alice");
        await Expect(first.Requests).ToHaveCountAsync(1);
        await Expect(second.Requests).ToHaveCountAsync(1);
        await second.PressAsync("Approve");

        await Expect(second.History).ToContainTextAsync("You approved");
        await Expect(first.History).ToContainTextAsync("You approved");
        await Expect(first.Requests).ToHaveCountAsync(0);
        await Expect(first.Result).ToHaveTextAsync("Approved");
    }

    [Test]
    public async Task Who_signs_out_in_one_window_is_signed_out_in_the_other()
    {
        var browser = await NewBrowserAsync();
        var first = await OpenAsync(browser);
        var second = await OpenAsync(browser);
        await first.SignInAsync("alice");
        await Expect(second.Button("Sign out")).ToBeVisibleAsync();

        await second.PressAsync("Sign out");
        await Expect(first.Field("User name")).ToBeVisibleAsync();
        await first.SignInAsync("bob");

        await Expect(second.Phone).ToContainTextAsync("Bob");
    }

    [Test]
    public async Task Bob_sees_nothing_of_what_alice_is_asked()
    {
        await StartAsync();
        var (alice, bob) = (await OpenAsync(await NewBrowserAsync()), await OpenAsync(await NewBrowserAsync()));
        await alice.SignInAsync("alice");
        await bob.SignInAsync("bob");
        await Expect(bob.Phone).ToContainTextAsync("Connected");

        await bob.AskAsync("alice");
        await Expect(alice.Requests).ToHaveCountAsync(1);

        // Bob's own request comes after that of alice, so that hers would have been there.
        await alice.AskAsync("bob");
        await Expect(bob.Requests).ToHaveCountAsync(1);
        await Expect(bob.Requests).ToContainTextAsync(await alice.CodeAsync());
    }

    [Test]
    public async Task What_waits_already_is_there_after_the_sign_in()
    {
        var page = await OpenAsync();
        await page.AskAsync("alice");
        await Expect(page.Result).ToHaveTextAsync("Waiting for alice");

        await page.SignInAsync("alice");

        await Expect(page.Requests).ToHaveCountAsync(1);
        await Expect(page.Phone.GetByRole(AriaRole.Heading, new() { Level = 3 })).ToHaveTextAsync("One request waits for you");
    }

    [Test]
    public async Task Whoever_stops_waiting_at_the_desk_gets_no_tokens()
    {
        var page = await OpenAsync();
        await page.AskAsync("alice");

        await page.PressAsync("Cancel");
        await Expect(page.Result).ToHaveTextAsync("Cancelled");
        await page.PressAsync("New request");

        await Expect(page.Field("Amount in euro")).ToBeFocusedAsync();
    }

    [Test]
    public async Task A_request_that_the_desk_takes_back_leaves_the_phone()
    {
        var page = await OpenAsync();
        await page.SignInAsync("alice");
        await page.AskAsync("alice");
        await Expect(page.Requests).ToHaveCountAsync(1);

        await page.PressAsync("Cancel");

        await Expect(page.Desk).ToContainTextAsync("it is gone from the phone");
        await Expect(page.Requests).ToHaveCountAsync(0);
        await Expect(page.History).ToContainTextAsync("Taken back: The Shop");
    }

    [Test]
    public async Task Blocking_a_client_is_asked_for_twice()
    {
        var page = await OpenAsync();
        await page.SignInAsync("alice");
        await page.AskAsync("alice");

        await page.PressAsync("Not me: block The Shop");
        await Expect(page.Requests).ToHaveCountAsync(1);
        await page.PressAsync("Press again to deny and block The Shop");

        await Expect(page.History).ToContainTextAsync("You denied and blocked: The Shop");
        await Expect(page.Result).ToHaveTextAsync("Declined");
    }

    [Test]
    public async Task A_blocked_client_may_ask_again_once_it_is_unblocked()
    {
        var page = await OpenAsync();
        await page.SignInAsync("alice");
        await page.AskAsync("alice");
        await page.PressAsync("Not me: block The Shop");
        await page.PressAsync("Press again to deny and block The Shop");
        await page.PressAsync("New request");
        await page.AskAsync("alice");
        await Expect(page.Desk).ToContainTextAsync("The provider lets nobody ask alice just now");

        await page.PressAsync("Unblock The Shop");
        await Expect(page.Button("Unblock The Shop")).ToHaveCountAsync(0);
        await page.AskAsync("alice");

        await Expect(page.Requests).ToHaveCountAsync(1);
    }

    [Test]
    public async Task The_amount_is_on_both_devices_and_in_what_the_desk_gets()
    {
        var page = await OpenAsync();
        await page.SignInAsync("alice");
        await page.Field("Amount in euro").FillAsync("1234,5");
        await page.AskAsync("alice");
        await Expect(page.Requests).ToContainTextAsync("The Shop asks you to approve a payment.");
        await Expect(page.Requests).ToContainTextAsync("€1,234.50");

        await page.PressAsync("Approve");

        await Expect(page.History).ToContainTextAsync("You approved: The Shop, €1,234.50");
        await Expect(page.Desk).ToContainTextAsync("€1,234.50 may be charged.");
    }

    [Test]
    public async Task What_was_decided_is_still_there_when_the_page_is_loaded_again_and_gone_with_the_sign_out()
    {
        var page = await OpenAsync();
        await page.SignInAsync("alice");
        await page.AskAsync("alice");
        await page.PressAsync("Deny");
        await Expect(page.History).ToHaveCountAsync(1);

        await page.Page.ReloadAsync();
        await Expect(page.History).ToContainTextAsync("You denied: The Shop");
        await page.PressAsync("Sign out");
        await page.SignInAsync("alice");

        await Expect(page.Button("Sign out")).ToBeVisibleAsync();
        await Expect(page.History).ToHaveCountAsync(0);
    }
}
