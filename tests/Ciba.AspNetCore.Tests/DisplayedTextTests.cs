using System.Net;
using System.Text.Json;

namespace Ciba.AspNetCore.Tests;

/// <summary>Which characters of a client's text are shown to a user: the same ones wherever the text stands.</summary>
[Spec("A9")]
public sealed class DisplayedTextTests
{
    private const string Forbidden = "holds control, line separating, text direction, private use or tag characters";
    private const string Invisible = "holds invisible characters: leave out zero-width, joining and other format characters that are neither part of an emoji nor required by the script";
    private const string Marks = "has more than 4 combining marks on one character: use at most 4";
    private const string Unassigned = "holds a character that is not assigned in the Unicode version of this server: use another one";

    private static IEnumerable<TestCaseData> Misleading()
    {
        yield return Case("12\u200f-\u200f34", Forbidden, "right-to-left marks");
        yield return Case("12\u200e-34", Forbidden, "a left-to-right mark");
        yield return Case("12\u061c-34", Forbidden, "an Arabic letter mark");
        yield return Case("a\u2067b", Forbidden, "an isolate");
        yield return Case("a\u202eb", Forbidden, "an override");
        yield return Case("a\u0007b", Forbidden, "a bell");
        yield return Case("a\u2028b", Forbidden, "a line separator");
        yield return Case("a\ue000b", Forbidden, "private use");
        yield return Case("a\ufdd0b", Forbidden, "no character");
        yield return Case("a\U000E0041b", Forbidden, "a tag");
        yield return Case("\U0001F3F4\U000E0075\U000E0073\U000E007F", Forbidden, "tags that make no flag");
        yield return Case("\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067", Forbidden, "tags of a flag without their end");
        yield return Case("a\u200bb", Invisible, "a zero-width space");
        yield return Case("a\u2060b", Invisible, "a word joiner");
        yield return Case("a\ufeffb", Invisible, "a byte order mark");
        yield return Case("a\u00adb", Invisible, "a soft hyphen");
        yield return Case("a\ufff9b", Invisible, "an annotation");
        yield return Case("a\u200db", Invisible, "a joiner between letters");
        yield return Case("a\u200cb", Invisible, "a non-joiner between letters that never join");
        yield return Case("\u0631\u200c\u0628", Invisible, "a non-joiner behind a letter that joins nothing");
        yield return Case("\u0628\u200c", Invisible, "a non-joiner at the end");
        yield return Case("\u200c\u0628", Invisible, "a non-joiner at the beginning");
        yield return Case("\u0628\u200c\u200c\u0628", Invisible, "two non-joiners");
        yield return Case("\u0628\u200d\u0628", Invisible, "a joiner between Arabic letters");
        yield return Case("\u0915\u200d\u0937", Invisible, "a joiner without a virama");
        yield return Case("\U0001F469\u200dx", Invisible, "an emoji joined to a letter");
        yield return Case("x\u200d\U0001F469", Invisible, "a letter joined to an emoji");
        yield return Case($"x{new string('\u0301', 5)}", Marks, "five marks");
        yield return Case($"1234\u20e3{new string('\u0488', 4)}", Marks, "enclosing marks");
        yield return Case($"x{string.Concat(Enumerable.Repeat("\u094d\u200d", 5))}", Marks, "marks with joiners between them");
        yield return Case("a\u0378b", Unassigned, "unassigned");

        static TestCaseData Case(string text, string reason, string name) => new TestCaseData(text, reason).SetArgDisplayNames(name);
    }

    private static IEnumerable<TestCaseData> Honest()
    {
        yield return Case("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "Persian");
        yield return Case("\u0628\u0651\u200c\u0650\u0628", "Persian with marks around the non-joiner");
        yield return Case("\u0915\u094d\u200d\u0937 \u0915\u094d\u200c\u0937", "Hindi");
        yield return Case("\u0dc1\u0dca\u200d\u0dbb\u0dd3", "Sinhala");
        yield return Case("\u101b\u103d\u103e\u1031\u1037\u1019\u103c\u102d\u102f\u1037", "Burmese");
        yield return Case("\u0e17\u0e35\u0e48\u0e19\u0e35\u0e49", "Thai");
        yield return Case("\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd", "Hebrew with points");
        yield return Case($"x{new string('\u0301', 4)}", "four marks");
        yield return Case("\U0001F468\u200d\U0001F469\u200d\U0001F467", "a family");
        yield return Case("\U0001F3F3\ufe0f\u200d\U0001F308", "a rainbow flag");
        yield return Case("\U0001F3C3\U0001F3FD\u200d\u2642\ufe0f\u200d\u27a1\ufe0f", "a man who runs to the right");
        yield return Case("\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F \U0001F1E9\U0001F1EA", "flags");
        yield return Case("1\ufe0f\u20e3", "a key");
        yield return Case("\U0001FAC8\U0001FAEA\U0001F6D8", "emoji of Unicode 17");
        yield return Case("\U0001F469\u200d\U0001FAC8", "an emoji of Unicode 17 joined");
        yield return Case("Stra\u00dfe\u00a04711 \u65e5\u672c\u8a9e \u0645\u0631\u062d\u0628\u0627", "letters");

        static TestCaseData Case(string text, string name) => new TestCaseData(text).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Misleading)), Spec("A20")]
    public async Task A_binding_message_that_reads_otherwise_than_it_is_is_refused_with_the_reason(string text, string reason)
    {
        await using var host = Host();

        var answer = await host.AuthorizeAsync(("binding_message", text));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_binding_message");
        Assert.That(answer.Description, Does.StartWith($"The binding_message {reason}"));
    }

    [TestCaseSource(nameof(Misleading)), Spec("A20")]
    public async Task So_are_authorization_details_with_it_in_a_text_or_a_name(string text, string reason)
    {
        await using var host = Host();
        var json = JsonSerializer.Serialize(text);

        var inText = await host.AuthorizeAsync(("authorization_details", $$"""[{"type":"payment","deep":[{"to":{{json}}}]}]"""));
        var inName = await host.AuthorizeAsync(("authorization_details", $$"""[{"type":"payment",{{json}}:1}]"""));

        await Refusal.LeavesNothingAsync(host, inText, "invalid_authorization_details");
        Assert.That(inText.Description, Does.StartWith($"A name or a text in authorization_details {(reason == Forbidden ? "holds text direction or control characters" : reason)}"));
        Assert.That(inName.Body, Is.EqualTo(inText.Body));
    }

    [TestCaseSource(nameof(Misleading)), Spec("D7")]
    public async Task So_is_a_client_with_it_in_its_name(string text, string reason)
    {
        await using var host = Host(text);

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems.Single(), Does.StartWith($"Client 'client': ClientName {reason}"));
    }

    [TestCaseSource(nameof(Honest)), Spec("U1")]
    public async Task What_scripts_and_emoji_need_is_shown_as_it_was_sent(string text)
    {
        await using var host = Host(text);

        var answer = await host.AuthorizeAsync(("binding_message", text), ("authorization_details", JsonSerializer.Serialize(new object[] { new { type = "payment", to = text } })));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
        var told = await host.Devices.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(told.BindingMessage, Is.EqualTo(text.Normalize()));
            Assert.That(told.AuthorizationDetails[0].GetProperty("to").GetString(), Is.EqualTo(text));
            Assert.That(told.ClientName, Is.EqualTo(text));
        }
    }

    [TestCase("", TestName = "{m}(empty)"), TestCase(" ", TestName = "{m}(a space)"), TestCase("\u3164\u2800", TestName = "{m}(fillers)"), TestCase("\u0301", TestName = "{m}(a mark on nothing)")]
    [TestCase("101", TestName = "{m}(too long)"), Spec("D7")]
    public async Task A_clients_name_is_1_to_100_characters_of_which_one_can_be_seen(string name)
    {
        await using var host = Host(name == "101" ? string.Concat(Enumerable.Repeat("\U0001F600", 101)) : name);

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { "Client 'client': ClientName must have 1 to 100 characters, at least one of them visible." }));
    }

    [TestCase("Shop\r\nBcc: eve@example.com"), TestCase("Shop\nwarn: forged"), TestCase("Shop\0"), TestCase("Shop\t1"), Spec("D7")]
    public async Task A_clients_name_forges_no_line_of_a_log_or_a_mail(string name)
    {
        await using var host = Host(name);

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { $"Client 'client': ClientName {Forbidden}: use plain text on one line." }));
    }

    [Test, Spec("D7")]
    public async Task Half_a_surrogate_pair_is_no_character_of_a_clients_name()
    {
        await using var host = Host($"Shop {(char)0xD83D}");

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { $"Client 'client': ClientName {Forbidden}: use plain text on one line." }));
    }

    [Test, Spec("D7")]
    public async Task A_name_of_100_characters_is_a_name_and_a_client_without_one_has_its_identifier()
    {
        var name = string.Concat(Enumerable.Repeat("\U0001F600", 100));
        await using var named = Host(name);
        await using var unnamed = Host(null, new string('c', 256));

        await named.AuthorizeAsync();
        await unnamed.AuthorizeAsync();

        Assert.That((await named.Devices.NextAsync()).ClientName, Is.EqualTo(name));
        Assert.That((await unnamed.Devices.NextAsync()).ClientName, Is.EqualTo(new string('c', 256)));
    }

    private static CibaHost Host(string? clientName = "The client", string clientId = "client")
    {
        var client = CibaHost.Client(clientId);
        client.ClientName = clientName;
        client.AuthorizationDetailsTypes = ["payment"];
        return new CibaHost { Clients = [client], Options = options => options.AuthorizationDetailsTypesSupported = ["payment"] };
    }
}
