using Microsoft.Playwright;

namespace Ciba.AspNetCore.Browser.Tests;

/// <summary>A click answers the request that stood there when the hand set out, and no other.</summary>
public sealed class ClickTests : BrowserTest
{
    [Test]
    public async Task The_second_click_of_a_double_click_is_nothing_and_an_answered_card_keeps_its_room()
    {
        var phone = await FedAsync();
        var first = await phone.RequestAsync("a");
        var second = await phone.RequestAsync("b");
        await SettledAsync(second);
        var (x, y) = await FedPhone.MiddleAsync(Approve(first));
        var place = await second.BoundingBoxAsync();

        await phone.ClickAsync(x, y);
        await Expect(phone.Page.History).ToHaveCountAsync(1);
        await phone.ClickAsync(x, y, count: 2);

        Assert.That(phone.Answers, Is.EqualTo(["a/approve"]));
        var after = await second.BoundingBoxAsync();
        Assert.That((after!.X, after.Y), Is.EqualTo((place!.X, place.Y)));
        await Expect(phone.Page.Page.Locator(".answered")).ToHaveTextAsync("You approved");
    }

    [Test]
    public async Task The_second_click_of_a_double_click_does_not_reach_what_came_where_the_last_card_was()
    {
        var phone = await FedAsync();
        var only = await phone.RequestAsync("a");
        await SettledAsync(only);
        var (x, y) = await FedPhone.MiddleAsync(Approve(only));

        await phone.ClickAsync(x, y);
        await Expect(phone.Page.Requests).ToHaveCountAsync(0);
        var next = await phone.RequestAsync("b");
        await SettledAsync(next);
        await phone.ClickAsync(x, y, count: 2);

        Assert.That(phone.Answers, Is.EqualTo(["a/approve"]));
        await Expect(phone.Page.Page.Locator(".answered")).ToHaveCountAsync(0);
    }

    [Test]
    public async Task What_has_just_come_takes_no_click_for_half_a_second()
    {
        var phone = await FedAsync(hasClock: true);
        var card = await phone.RequestAsync("a");
        var (x, y) = await FedPhone.MiddleAsync(Approve(card));

        await phone.ClickAsync(x, y);
        await phone.Page.Page.Clock.RunForAsync(450);
        await phone.ClickAsync(x, y);
        Assert.That(phone.Answers, Is.Empty);

        await phone.Page.Page.Clock.RunForAsync(100);
        await phone.ClickAsync(x, y);
        Assert.That(phone.Answers, Is.EqualTo(["a/approve"]));
    }

    [Test]
    public async Task A_card_that_has_moved_under_the_pointer_takes_no_click_for_half_a_second()
    {
        var phone = await FedAsync(hasClock: true);
        var first = await phone.RequestAsync("a");
        var second = await phone.RequestAsync("b");
        await phone.Page.Page.Clock.RunForAsync(1000);
        var (x, y) = await FedPhone.MiddleAsync(Approve(first));

        await phone.TellAsync("withdrawn", """{"id":"a"}""");
        Assert.That(await FedPhone.MiddleAsync(Approve(second)), Is.EqualTo((x, y)), "the second card is where the first was");
        await phone.ClickAsync(x, y);
        Assert.That(phone.Answers, Is.Empty);

        await phone.Page.Page.Clock.RunForAsync(550);
        await phone.ClickAsync(x, y);
        Assert.That(phone.Answers, Is.EqualTo(["b/approve"]));
    }

    [Test]
    public async Task A_keyboard_need_not_wait()
    {
        var phone = await FedAsync(hasClock: true);
        var card = await phone.RequestAsync("a");

        await Approve(card).FocusAsync();
        await phone.Page.Page.Keyboard.PressAsync("Enter");
        await phone.RoundTripAsync();

        Assert.That(phone.Answers, Is.EqualTo(["a/approve"]));
    }

    private static ILocator Approve(ILocator card) => card.GetByRole(AriaRole.Button, new() { Name = "Approve" });

    private static Task SettledAsync(ILocator card) => Expect(card.Locator(".settling")).ToHaveCountAsync(0);

    private async Task<FedPhone> FedAsync(bool hasClock = false)
    {
        var browser = await NewBrowserAsync(height: 2000);
        if (hasClock)
        {
            await browser.Clock.InstallAsync();
        }

        var phone = await FedPhone.OpenAsync(browser, OpenAsync);
        if (hasClock)
        {
            await browser.Clock.PauseAtAsync(DateTime.UtcNow.AddSeconds(10));
        }

        return phone;
    }
}
