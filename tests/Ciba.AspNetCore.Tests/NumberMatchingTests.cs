using System.Net;
using System.Text.Json;
using Ciba.AspNetCore.Authentication;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>Number matching: the user finds, among three, the code that the consumption device shows.</summary>
public sealed class NumberMatchingTests
{
    private const string Code = "W4sc";

    [Test, Spec("U1")]
    public async Task The_device_shows_three_choices_always_the_same_and_not_the_message()
    {
        await using var host = Host();
        var id = CibaRequestId.FromAuthReqId((await AskAsync(host)).AuthReqId);

        var told = await host.Devices.NextAsync();
        var shown = await host.DeviceAsync(HttpMethod.Get, $"/requests/{id}", "alice");
        var listed = await host.DeviceAsync(HttpMethod.Get, "/requests", "alice");

        var choices = Choices(shown.Json);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(choices, Has.Length.EqualTo(3).And.Unique.And.Contains(Code));
            Assert.That(shown.Body, Is.EqualTo(
                $$"""{"id":"{{id}}","client_id":"client","client_name":"The client","scope":"openid","created_at":"2026-01-15T12:00:00+00:00","expires_at":"2026-01-15T12:02:00+00:00","binding_message_choices":{{JsonSerializer.Serialize(choices)}}}"""));
            Assert.That(listed.Body, Is.EqualTo($"[{shown.Body}]"));
            Assert.That(told.BindingMessageChoices, Is.EqualTo(choices));
            Assert.That(told.BindingMessage, Is.Null);
        }
    }

    [Test, Spec("U1")]
    public async Task The_place_of_the_right_one_tells_nothing()
    {
        await using var host = Host(options => options.Limits.SwitchOff());
        for (var i = 0; i < 100; i++)
        {
            await AskAsync(host);
        }

        var listed = await host.DeviceAsync(HttpMethod.Get, "/requests", "alice");

        // 100 right ones: that one of the three places has none comes once in 10^17 times.
        Assert.That(listed.Json.EnumerateArray().Select(request => Array.IndexOf(Choices(request), Code)).Distinct(), Is.EquivalentTo(new[] { 0, 1, 2 }));
    }

    [TestCase(null, "invalid_request"), TestCase("", "invalid_request"), TestCase("4", "invalid_binding_message"), TestCase("123456789", "invalid_binding_message")]
    [TestCase("4 7", "invalid_binding_message"), TestCase("47-1", "invalid_binding_message"), TestCase("Zürich", "invalid_binding_message"), TestCase("４７１１", "invalid_binding_message")]
    [TestCase("😀😀", "invalid_binding_message"), TestCase("١٢٣", "invalid_binding_message"), Spec("A9"), Spec("A20")]
    public async Task A_message_that_is_no_code_cannot_be_found_among_others(string? message, string error)
    {
        await using var host = Host();

        var answer = await AskAsync(host, message);

        await Refusal.LeavesNothingAsync(host, answer, error);
    }

    [TestCase("47"), TestCase("ABCDEFGH"), TestCase(" 4711 "), TestCase("00"), Spec("A9")]
    public async Task A_code_is_two_to_eight_letters_and_digits(string message)
    {
        await using var host = Host();

        var id = (await AskAsync(host, message)).AuthReqId;

        Assert.That((await ApproveAsync(host, id, message.Trim())).Status, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [Test, Spec("A9")]
    public async Task A_limit_of_the_hosts_own_holds_too()
    {
        await using var host = Host(options => options.BindingMessageMaxLength = 4);

        await Refusal.LeavesNothingAsync(host, await AskAsync(host, "12345"), "invalid_binding_message");
    }

    [Test, Spec("U3")]
    public async Task The_right_choice_approves()
    {
        await using var host = Host();
        var id = (await AskAsync(host)).AuthReqId;

        var answer = await ApproveAsync(host, id, Code);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, answer.Body), Is.EqualTo((HttpStatusCode.NoContent, "")));
            Assert.That(ReceivedToken.Id(await host.PollAsync(id)).Claims.GetProperty("sub").GetString(), Is.EqualTo("sub-alice"));
        }
    }

    [TestCase(false), TestCase(true), Spec("U3"), Spec("T5")]
    public async Task A_wrong_choice_denies_and_cannot_be_made_good(bool other)
    {
        await using var host = Host();
        var id = (await AskAsync(host)).AuthReqId;
        var shown = await host.DeviceAsync(HttpMethod.Get, $"/requests/{CibaRequestId.FromAuthReqId(id)}", "alice");

        // One of the others, or the code in other letters.
        var wrong = await ApproveAsync(host, id, other ? Choices(shown.Json).First(choice => choice != Code) : Code.ToUpperInvariant());
        var again = await ApproveAsync(host, id, Code);
        var denied = await host.PollAsync(id);

        DeviceEndpointTests.AssertProblem(wrong, 409, "The other device shows something else: the request is denied.");
        DeviceEndpointTests.AssertProblem(again, 409, "The request was answered before.");
        Refusal.Says(denied, "access_denied", 400);
    }

    [Test, Spec("U5")]
    public async Task A_wrong_choice_is_a_denial_in_every_respect()
    {
        var events = new FakeEvents();
        await using var host = Host(options => options.DenialCooldown = TimeSpan.FromMinutes(10), events.Use);
        var id = (await AskAsync(host)).AuthReqId;

        await ApproveAsync(host, id, "0000");
        var next = await AskAsync(host);

        Assert.That((await events.NextAsync(CibaEventKind.Decided)).Outcome, Is.EqualTo(CibaRequestStatus.Denied));
        Refusal.Says(next, "access_denied", 403);
    }

    [TestCase(null), TestCase("{}"), TestCase("""{"binding_message":null}"""), TestCase("""{"scope":"openid"}"""), Spec("U3")]
    public async Task Without_a_choice_the_request_still_waits(string? json)
    {
        await using var host = Host();
        var id = (await AskAsync(host)).AuthReqId;

        var answer = await host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(id)}/approve", "alice", json);

        DeviceEndpointTests.AssertProblem(answer, 400, "binding_message is required: the one of the choices that the other device shows.");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((await host.PollAsync(id)).Error, Is.EqualTo("authorization_pending"));
            Assert.That((await ApproveAsync(host, id, Code)).Status, Is.EqualTo(HttpStatusCode.NoContent));
        }
    }

    [Test, Spec("U4")]
    public async Task What_else_is_wrong_with_the_answer_does_not_tell_whether_the_choice_is_right()
    {
        await using var host = Host();
        var id = (await AskAsync(host)).AuthReqId;
        var path = $"/requests/{CibaRequestId.FromAuthReqId(id)}/approve";

        var right = await host.DeviceAsync(HttpMethod.Post, path, "alice", $$"""{"scope":"openid phone","binding_message":"{{Code}}"}""");
        var wrong = await host.DeviceAsync(HttpMethod.Post, path, "alice", """{"scope":"openid phone","binding_message":"0000"}""");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((wrong.Status, wrong.Body), Is.EqualTo((HttpStatusCode.BadRequest, right.Body)));
            Assert.That((await host.PollAsync(id)).Error, Is.EqualTo("authorization_pending"));
        }
    }

    [Test, Spec("U2"), Spec("A22")]
    public async Task Who_may_not_answer_denies_nothing_by_a_wrong_choice()
    {
        await using var host = Host();
        var id = (await AskAsync(host)).AuthReqId;

        var others = await host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(id)}/approve", "bob", """{"binding_message":"0000"}""");
        host.Users.Lock("alice");
        var locked = await ApproveAsync(host, id, "0000");

        DeviceEndpointTests.AssertProblem(others, 404, "There is no such request for this user.");
        DeviceEndpointTests.AssertProblem(locked, 403, "This user cannot authenticate at present.");
        Assert.That((await host.PollAsync(id)).Error, Is.EqualTo("authorization_pending"));
    }

    [Test, Spec("U3")]
    public async Task After_the_end_a_choice_is_too_late_whichever([Values(Code, "0000")] string choice)
    {
        await using var host = Host();
        var id = (await AskAsync(host)).AuthReqId;
        host.Time.Advance(TimeSpan.FromMinutes(2));

        DeviceEndpointTests.AssertProblem(await ApproveAsync(host, id, choice), 410, "The request has expired.");
    }

    [Test, Spec("U3")]
    public async Task The_hosts_own_code_is_asked_for_the_choice_too()
    {
        await using var host = Host();
        var id = (await AskAsync(host)).AuthReqId;

        CibaDecisionResult[] results =
        [
            await host.ApproveAsync(id),
            await host.ApproveAsync(id, approval: new CibaApproval { BindingMessage = "0000" }),
            await host.ApproveAsync(id, approval: new CibaApproval { BindingMessage = Code }),
        ];

        Assert.That(results, Is.EqualTo(new[] { CibaDecisionResult.ChoiceMissing, CibaDecisionResult.WrongChoice, CibaDecisionResult.AlreadyDecided }));
    }

    [Test, Spec("U3")]
    public async Task What_the_store_cannot_show_is_not_approved_by_any_choice()
    {
        await using var host = Host(setup: UnreadableStore.Use);
        var id = (await AskAsync(host)).AuthReqId;

        DeviceEndpointTests.AssertProblem(await ApproveAsync(host, id, Code), 404, "There is no such request for this user.");
        Assert.That((await host.PollAsync(id)).Error, Is.EqualTo("authorization_pending"));
    }

    [Test, Spec("U1")]
    public async Task Without_the_option_the_message_is_shown_and_a_choice_means_nothing()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync(("binding_message", Code))).AuthReqId;

        var shown = await host.DeviceAsync(HttpMethod.Get, $"/requests/{CibaRequestId.FromAuthReqId(id)}", "alice");
        var answer = await ApproveAsync(host, id, "0000");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(shown.Text("binding_message"), Is.EqualTo(Code));
            Assert.That(shown.Json.TryGetProperty("binding_message_choices", out _), Is.False);
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.NoContent));
        }
    }

    [Test, Spec("A16")]
    public async Task An_identical_request_has_the_choices_that_the_device_shows_already()
    {
        await using var host = Host(options => options.CollapseIdenticalRequests = true);
        var first = (await AskAsync(host)).AuthReqId;
        var second = (await AskAsync(host)).AuthReqId;
        var another = (await AskAsync(host, "other1")).AuthReqId;

        Assert.That((second, another), Is.EqualTo((first, another)).And.Not.EqualTo((first, first)));
        Assert.That((await ApproveAsync(host, second, Code)).Status, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [Test]
    public async Task The_token_issuer_still_sees_the_message()
    {
        await using var host = Host();
        var id = (await AskAsync(host)).AuthReqId;
        await ApproveAsync(host, id, Code);
        await using var scope = (await host.ServicesAsync()).CreateAsyncScope();

        await using var grant = await scope.ServiceProvider.GetRequiredService<ICibaGrants>().RedeemAsync(id, "client", CancellationToken.None);

        Assert.That(grant.Request!.BindingMessage, Is.EqualTo(Code));
    }

    [Test, Spec("U1")]
    public void The_others_look_like_the_code()
    {
        const string Characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        var codes =
            from length in Gen.Choose(2, 8)
            from characters in Gen.ArrayOf(Gen.Elements(Characters.ToCharArray()), length)
            select new string(characters);

        Check.QuickThrowOnFailure(Prop.ForAll(codes.ToArbitrary(), code =>
        {
            var choices = NumberMatching.ChoicesFor(code);
            return NumberMatching.WhyNot(code) is null
                && choices.Length == 3
                && choices.Contains(code)
                && choices.Distinct(StringComparer.OrdinalIgnoreCase).Count() == 3
                && choices.All(choice => choice.Select(Kind).SequenceEqual(code.Select(Kind)));
        }));

        static string Kind(char character) => char.IsAsciiDigit(character) ? "digit" : char.IsAsciiLetterUpper(character) ? "upper" : char.IsAsciiLetterLower(character) ? "lower" : "none";
    }

    private static string[] Choices(JsonElement request) => [.. request.GetProperty("binding_message_choices").EnumerateArray().Select(choice => choice.GetString()!)];

    private static Task<Answer> AskAsync(CibaHost host, string? message = Code) => host.AuthorizeAsync(("binding_message", message));

    private static Task<Answer> ApproveAsync(CibaHost host, string authReqId, string choice) =>
        host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(authReqId)}/approve", "alice", JsonSerializer.Serialize(new { binding_message = choice }));

    private static CibaHost Host(Action<CibaOptions>? options = null, Action<CibaBuilder>? setup = null) => new()
    {
        Options = all =>
        {
            all.NumberMatching = true;
            options?.Invoke(all);
        },
        Setup = setup,
    };
}
