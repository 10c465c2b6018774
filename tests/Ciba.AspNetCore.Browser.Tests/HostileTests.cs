using Microsoft.Playwright;

namespace Ciba.AspNetCore.Browser.Tests;

/// <summary>Whatever a client sends, the card shows all of it, and keeps its place.</summary>
public sealed class HostileTests : BrowserTest
{
    private const string Plain = """{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":"12.50"},"creditorName":"The Shop"}""";

    private static readonly string[] NoPayments =
    [
        """{"type":"payment_initiation","instructedAmount":"EUR 12.50","creditorName":"The Shop"}""",
        """{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":"12.50"},"creditorName":"The Shop","recurring":"each day"}""",
        """{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":"12.50","times":100},"creditorName":"The Shop"}""",
        """{"type":"account_transfer","instructedAmount":{"currency":"EUR","amount":"12.50"},"creditorName":"The Shop"}""",
        """{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":12.5}}""",
        """{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":"1e9"}}""",
        """{"type":"payment_initiation","instructedAmount":{"currency":"euro","amount":"12.50"}}""",
        """{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":"12.50"},"creditorName":{"name":"The Shop"}}""",
        """{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":"12.50"},"creditorName":""}""",
        """{"type":"payment_initiation","instructedAmount":[{"currency":"EUR","amount":"12.50"}]}""",
        """{"type":"access","Amount":"€1.00","To":"The Shop"}""",
        """{"type":"access","limit":12345678901234567890.10}""",
        """{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":{"toString":1}}}""",
        """{"type":"access","amount":{"toString":1},"toString":1,"constructor":1,"__proto__":1}""",
    ];

    [Test]
    public async Task A_payment_with_the_known_members_is_drawn_as_one()
    {
        var phone = await FedPhone.OpenAsync(await NewBrowserAsync(), OpenAsync);

        var card = await phone.DetailAsync("a", $"{Plain},{Plain.Replace("12.50", "0.99").Replace(",\"creditorName\":\"The Shop\"", "")}");

        await Expect(card).ToContainTextAsync("The Shop asks you to approve a payment.");
        await Expect(card.Locator(".payment")).ToHaveTextAsync(["Amount€12.50ToThe Shop", "Amount€0.99"]);
        await Expect(card.Locator(".verbatim")).ToHaveCountAsync(0);
        await card.GetByRole(AriaRole.Button, new() { Name = "Approve" }).ClickAsync();
        await Expect(phone.Page.History).ToContainTextAsync("You approved: The Shop, €12.50, €0.99");
    }

    [Test]
    public async Task Everything_else_is_shown_whole_and_marked_as_the_words_of_the_client()
    {
        var phone = await FedPhone.OpenAsync(await NewBrowserAsync(), OpenAsync);

        foreach (var (detail, place) in NoPayments.Select((detail, place) => (detail, place)))
        {
            var card = await phone.DetailAsync($"d{place}", detail);
            await Expect(card).ToContainTextAsync("The Shop asks for your approval.");
            await Expect(card.Locator(".payment")).ToHaveCountAsync(0);
            await Expect(card.Locator(".verbatim figcaption")).ToHaveTextAsync("In the words of The Shop, as they came:");
            Assert.That(string.Concat((await card.Locator("pre").InnerTextAsync()).Where(sign => !char.IsWhiteSpace(sign))), Is.EqualTo(string.Concat(detail.Where(sign => !char.IsWhiteSpace(sign)))));
        }

        // None of them has kept another from being seen or answered.
        await Expect(phone.Page.Requests).ToHaveCountAsync(NoPayments.Length);
        await phone.Page.Requests.First.GetByRole(AriaRole.Button, new() { Name = "Deny" }).ClickAsync();
        await Expect(phone.Page.History).ToContainTextAsync("You denied: The Shop");
        Assert.That(phone.Answers, Is.EqualTo(["d0/deny"]));
    }

    [TestCase(320), TestCase(1280)]
    public async Task The_words_of_the_client_are_not_cut_off_however_long_they_are(int width)
    {
        var phone = await FedPhone.OpenAsync(await NewBrowserAsync(width: width), OpenAsync);

        var card = await phone.RequestAsync("a", ("authorization_details", new[] { new Dictionary<string, object> { ["type"] = "access", ["locations"] = Enumerable.Repeat("https://bank.example/a/long/address", 40) } }));

        await Expect(card.Locator("pre")).ToBeVisibleAsync();
        Assert.That(
            await card.EvaluateAsync<string[]>("card => [card, ...card.querySelectorAll('.details, figure, pre')].filter(part => part.scrollHeight > part.clientHeight + 1).map(part => part.tagName)"),
            Is.Empty, "What has more in it than it shows");
    }

    [Test]
    public async Task Signs_that_cannot_be_seen_are_written_out()
    {
        var phone = await FedPhone.OpenAsync(await NewBrowserAsync(), OpenAsync);

        var card = await phone.DetailAsync("a", """{"type":"access","to":"Shop\u202Eevil\u200B\u00A0\u2028"}""");

        await Expect(card.Locator("pre")).ToContainTextAsync("""
            "to": "Shop\u{202e}evil\u{200b}\u{a0}\u{2028}"
            """);
    }

    [TestCase("scope"), TestCase("resource")]
    public async Task A_card_that_cannot_be_drawn_can_be_denied_and_keeps_nobody_from_seeing_the_others(string wrong)
    {
        var phone = await FedPhone.OpenAsync(await NewBrowserAsync(), OpenAsync);
        var broken = await phone.RequestAsync("a", (wrong, wrong == "scope" ? null : 7));
        var good = await phone.RequestAsync("b");

        await Expect(good.GetByRole(AriaRole.Button, new() { Name = "Approve" })).ToBeVisibleAsync();
        await Expect(broken).ToContainTextAsync("The Shop asks for something that cannot be shown here, so you can only deny it.");
        await Expect(broken.GetByRole(AriaRole.Button)).ToHaveTextAsync(["Deny", "Not me: block The Shop"]);
        await broken.GetByRole(AriaRole.Button, new() { Name = "Deny" }).ClickAsync();

        await Expect(phone.Page.History).ToContainTextAsync("You denied: The Shop");
        Assert.That(phone.Answers, Is.EqualTo(["a/deny"]));
    }

    [TestCase(320), TestCase(1280)]
    public async Task Cards_keep_their_width_whatever_signs_a_client_piles_up_or_lines_up(int width)
    {
        var phone = await FedPhone.OpenAsync(await NewBrowserAsync(width: width), OpenAsync);
        var plain = await phone.RequestAsync("plain");
        var expected = await plain.BoundingBoxAsync();

        foreach (var sign in new[] { "\u0301", "\u0488", "\u20DD", "\uFDFD", "W", "\u00A0" })
        {
            var pile = "a" + string.Concat(Enumerable.Repeat(sign, 800));
            var card = await phone.RequestAsync(
                $"c{(int)sign[0]}", ("client_name", pile), ("binding_message", pile), ("binding_message_choices", new[] { pile, "b", "c" }), ("scope", $"openid {pile}"), ("resource", new[] { pile }),
                ("claims", new[] { pile }), ("authorization_details", new[] { new Dictionary<string, string> { ["type"] = "access", [pile] = pile } }));
            await Expect(card).ToBeVisibleAsync();
        }

        using (Assert.EnterMultipleScope())
        {
            foreach (var card in await phone.Page.Requests.AllAsync())
            {
                var (box, deny) = (await card.BoundingBoxAsync(), await card.GetByRole(AriaRole.Button, new() { Name = "Deny" }).BoundingBoxAsync());
                Assert.That((box!.X, box.Width), Is.EqualTo((expected!.X, expected.Width)));
                Assert.That(deny!.X + deny.Width, Is.LessThan(width));
            }

            Assert.That(await phone.Page.OverflowAsync(), Is.Zero);
        }
    }

    [Test]
    public async Task Names_that_every_object_has_are_names_and_nothing_else()
    {
        var phone = await FedPhone.OpenAsync(await NewBrowserAsync(), OpenAsync);

        var card = await phone.RequestAsync("a", ("scope", "openid constructor __proto__ toString"), ("claims", new[] { "constructor", "hasOwnProperty" }));

        await Expect(card.GetByRole(AriaRole.Listitem)).ToHaveTextAsync(
            ["Proof that it is you", "constructor", "__proto__", "toString", "What is known of you as “constructor”", "What is known of you as “hasOwnProperty”"]);
    }

    [Test]
    public async Task Only_a_logo_under_the_issuer_is_shown_and_from_nowhere_but_here()
    {
        var phone = await FedPhone.OpenAsync(await NewBrowserAsync(), OpenAsync);
        var asked = new System.Collections.Concurrent.ConcurrentQueue<string>();
        phone.Page.Page.Request += (_, request) => asked.Enqueue(new Uri(request.Url).GetLeftPart(UriPartial.Authority));
        string[] others =
        [
            "http://localhost:5080.evil.example/logo.svg", "http://localhost:5080@evil.example/logo.svg", "http://localhost:50801/logo.svg", "https://localhost:5080/logo.svg", "//evil.example/logo.svg", "javascript:alert(1)", "",
        ];
        string[] tricks = ["http://localhost:5080//evil.example/logo.svg", "http://localhost:5080///evil.example/logo.svg", "http://localhost:5080/http://evil.example/logo.svg", "http://localhost:5080/\\evil.example/logo.svg"];

        var own = await phone.RequestAsync("own", ("client_logo_uri", "http://localhost:5080/logos/shop.svg"));
        await Expect(own.Locator("img")).ToHaveAttributeAsync("src", new Uri(Host.Address, "/logos/shop.svg").ToString());
        foreach (var (uri, place) in others.Concat(tricks).Select((uri, place) => (uri, place)))
        {
            // What is not there is replaced by the first letter.
            var card = await phone.RequestAsync($"l{place}", ("client_logo_uri", uri));
            await Expect(card.Locator("img")).ToHaveCountAsync(0);
            await Expect(card.Locator(".logo")).ToHaveTextAsync("T");
        }

        Assert.That(asked.Distinct(), Is.EqualTo([Host.Address.GetLeftPart(UriPartial.Authority)]));
    }
}
