namespace Ciba.AspNetCore.Tests;

/// <summary>Section 7.1, <c>binding_message</c>: what the user compares on both devices.</summary>
public sealed class BindingMessageTests
{
    [TestCase("W4SCT", "W4SCT")]
    [TestCase("1", "1")]
    [TestCase("  Pay 10 EUR  ", "Pay 10 EUR")]
    [TestCase("it's \"<b>&amp;</b>\" \\ 100% + 1", "it's \"<b>&amp;</b>\" \\ 100% + 1")]
    [TestCase("Gr\u00fc\u00dfe \u65e5\u672c\u8a9e \u0645\u0631\u062d\u0628\u0627 \ud83d\ude00", "Gr\u00fc\u00dfe \u65e5\u672c\u8a9e \u0645\u0631\u062d\u0628\u0627 \ud83d\ude00")]
    [TestCase("\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67", "\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67", TestName = "{m}(a family joined by zero-width joiners)")]
    [Spec("A9")]
    public async Task A_binding_message_reaches_the_device_as_it_was_sent(string sent, string shown)
    {
        await using var host = new CibaHost();

        await host.AuthorizeAsync(("binding_message", sent));

        Assert.That((await host.Devices.NextAsync()).BindingMessage, Is.EqualTo(shown));
    }

    [Test, Spec("A9")]
    public async Task A_binding_message_is_normalised_before_it_is_measured()
    {
        Assume.That("e\u0301".Normalize(), Has.Length.EqualTo(1), "without ICU nothing can be normalised");
        await using var host = new CibaHost { Options = options => options.BindingMessageMaxLength = 5 };

        await host.AuthorizeAsync(("binding_message", "cafe\u0301s"));

        Assert.That((await host.Devices.NextAsync()).BindingMessage, Is.EqualTo("caf\u00e9s"));
    }

    [TestCase(64, "x"), TestCase(64, "\u65e5"), TestCase(64, "\ud83d\ude00"), Spec("A9")]
    public async Task A_binding_message_has_64_characters_at_most_however_many_bytes_they_take(int most, string character)
    {
        await using var host = new CibaHost();
        var message = string.Concat(Enumerable.Repeat(character, most));

        await host.AuthorizeAsync(("binding_message", message));
        var shown = (await host.Devices.NextAsync()).BindingMessage;
        var answer = await host.AuthorizeAsync(("binding_message", message + character));

        Refusal.Says(answer, "invalid_binding_message");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(shown, Is.EqualTo(message));
            Assert.That(answer.Description, Is.EqualTo("The binding_message is too long: 64 characters at most."));
        }
    }

    [TestCase(1), TestCase(4), TestCase(1024), Spec("A9")]
    public async Task The_host_sets_the_limit(int most)
    {
        await using var host = new CibaHost { Options = options => options.BindingMessageMaxLength = most };

        // Each of them is two UTF-16 units.
        var message = string.Concat(Enumerable.Repeat("\ud83d\ude00", most));
        var right = await host.AuthorizeAsync(("binding_message", message));
        var wrong = await host.AuthorizeAsync(("binding_message", message + "x"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(right.Error, Is.Null);
            Assert.That(wrong.Body, Is.EqualTo($$"""{"error":"invalid_binding_message","error_description":"The binding_message is too long: {{most}} characters at most."}"""));
        }
    }

    [TestCase(65), TestCase(1024), TestCase(1025), TestCase(10_000), TestCase(60_000), Spec("A9"), Spec("A20")]
    public async Task A_binding_message_that_is_too_long_is_an_invalid_binding_message_however_long(int length)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("binding_message", new string('x', length)));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_binding_message");
    }

    [TestCase("a\nb", TestName = "{m}(a line feed)")]
    [TestCase("1234\n", TestName = "{m}(a line feed at the end)")]
    [TestCase("a\r\nb", TestName = "{m}(a line end)")]
    [TestCase("a\tb", TestName = "{m}(a tab)")]
    [TestCase("a\u001b[2Jb", TestName = "{m}(an escape sequence)")]
    [TestCase("a\u007fb", TestName = "{m}(delete)")]
    [TestCase("a\u0085b", TestName = "{m}(next line)")]
    [TestCase("a\u2028b", TestName = "{m}(a line separator)")]
    [TestCase("a\u2029b", TestName = "{m}(a paragraph separator)")]
    [TestCase("pay \u202e001 RUE", TestName = "{m}(right-to-left override)")]
    [TestCase("a\u202ab", TestName = "{m}(left-to-right embedding)")]
    [TestCase("a\u202cb", TestName = "{m}(pop direction)")]
    [TestCase("a\u2066b", TestName = "{m}(left-to-right isolate)")]
    [TestCase("a\u2069b", TestName = "{m}(pop isolate)")]
    [TestCase("a\U000E0041b", TestName = "{m}(a tag character)")]
    [TestCase("a\ue000b", TestName = "{m}(private use)")]
    [TestCase("a\uffffb", TestName = "{m}(no character)")]
    [Spec("A9")]
    public async Task Characters_that_change_how_the_text_looks_are_refused(string message)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("binding_message", message));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_binding_message");
        Assert.That(answer.Description, Does.StartWith("The binding_message holds control,"));
    }

    [TestCase(" ", TestName = "{m}(a space)")]
    [TestCase("\u00a0\u2003\u3000", TestName = "{m}(other spaces)")]
    [TestCase("\u200b\u200c\u200d", TestName = "{m}(zero width)")]
    [TestCase("\ufeff", TestName = "{m}(byte order mark)")]
    [TestCase("\u200e \u200f", TestName = "{m}(direction marks)")]
    [TestCase("\u00ad", TestName = "{m}(soft hyphen)")]
    [TestCase("\u2060\u2061", TestName = "{m}(word joiners)")]
    [TestCase("\u3164\uffa0\u115f\u1160", TestName = "{m}(Hangul fillers)")]
    [TestCase("\u2800", TestName = "{m}(blank Braille)")]
    [TestCase("\u0301\u0302", TestName = "{m}(accents on nothing)")]
    [TestCase("\ufe0f", TestName = "{m}(a variation selector)")]
    [Spec("A9")]
    public async Task A_binding_message_of_which_nothing_can_be_seen_is_refused(string message)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("binding_message", message));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_binding_message");
        Assert.That(answer.Description, Is.EqualTo("The binding_message has nothing that can be seen."));
    }

    [Test, Spec("A9")]
    public async Task A_request_needs_no_binding_message()
    {
        await using var host = new CibaHost();

        await host.AuthorizeAsync(("binding_message", ""));

        Assert.That((await host.Devices.NextAsync()).BindingMessage, Is.Null);
    }
}
