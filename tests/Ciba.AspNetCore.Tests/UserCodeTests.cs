using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Moq;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 7.1, <c>user_code</c>: a secret of the user's against requests that nobody wanted.</summary>
public sealed class UserCodeTests
{
    private const string Code = "right code";

    [Test, Spec("A10")]
    public async Task The_right_code_passes()
    {
        await using var host = Host();

        Assert.That((await host.AuthorizeAsync(("user_code", Code))).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase(null), TestCase(""), Spec("A10")]
    public async Task A_user_who_has_a_code_is_not_asked_without_it(string? code)
    {
        await using var host = Host();

        var answer = await host.AuthorizeAsync(("user_code", code));

        await Refusal.LeavesNothingAsync(host, answer, "missing_user_code");
        Assert.That(answer.Body, Is.EqualTo("""{"error":"missing_user_code","error_description":"This user has a user code: send it as user_code."}"""));
    }

    [TestCase("wrong"), TestCase("RIGHT CODE"), TestCase("right code "), TestCase("bobs code"), Spec("A10")]
    public async Task A_wrong_code_is_invalid(string code)
    {
        await using var host = Host();

        var answer = await host.AuthorizeAsync(("user_code", code));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_user_code");
        Assert.That(answer.Body, Is.EqualTo("""{"error":"invalid_user_code","error_description":"The user_code is wrong."}"""));
    }

    [TestCase("carol", null), TestCase("carol", "whatever"), Spec("A10")]
    public async Task A_user_without_a_code_needs_none(string user, string? code)
    {
        await using var host = Host();

        Assert.That((await host.AuthorizeAsync(("login_hint", user), ("user_code", code))).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase(null), TestCase("wrong"), Spec("A10")]
    public async Task A_client_that_is_not_registered_for_codes_sends_none_and_none_is_looked_at(string? code)
    {
        var users = new Mock<ICibaUserLookup>();
        users.Setup(mock => mock.FindAsync(It.IsAny<CibaHint>(), It.IsAny<CibaClient>(), It.IsAny<CancellationToken>()))
            .ReturnsAsync(CibaUserLookupResult.Found(new CibaUser { Subject = "sub-alice", HasUserCode = true }));
        users.Setup(mock => mock.IsActiveAsync("sub-alice", It.IsAny<CancellationToken>())).ReturnsAsync(true);
        await using var host = new CibaHost { Setup = ciba => ciba.Services.AddSingleton(users.Object) };

        var answer = await host.AuthorizeAsync(("user_code", code));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
        users.Verify(mock => mock.IsUserCodeAsync(It.IsAny<string>(), It.IsAny<string>(), It.IsAny<CancellationToken>()), Times.Never);
    }

    [Test, Spec("A10"), Spec("A20")]
    public async Task After_three_wrong_codes_even_the_right_one_has_to_wait()
    {
        await using var host = Host();
        for (var i = 0; i < 3; i++)
        {
            Assert.That((await host.AuthorizeAsync(("user_code", "wrong"))).Error, Is.EqualTo("invalid_user_code"));
            host.Time.Advance(TimeSpan.FromMinutes(1));
        }

        var locked = await host.AuthorizeAsync(("user_code", Code));
        await Refusal.LeavesNothingAsync(host, locked, "access_denied", 403);
        Assert.That(locked.Description, Is.EqualTo("Too many wrong user codes of this client for this user: try again later."));

        // Fifteen minutes after the first of them.
        host.Time.Advance(TimeSpan.FromMinutes(12) - TimeSpan.FromTicks(1));
        Assert.That((await host.AuthorizeAsync(("user_code", Code))).Error, Is.EqualTo("access_denied"));
        host.Time.Advance(TimeSpan.FromTicks(1));
        Assert.That((await host.AuthorizeAsync(("user_code", Code))).Error, Is.Null);
    }

    [Test, Spec("A10")]
    public async Task A_client_that_guesses_does_not_lock_the_user_out_of_the_others()
    {
        await using var host = Host(null, Coded("other"), Coded("third"));
        for (var i = 0; i < 5; i++)
        {
            await host.AuthorizeAsync(("user_code", "wrong"));
        }

        var own = await host.AuthorizeAsync(("user_code", Code));
        var other = await host.AuthorizeAsync(("user_code", Code), ("client_id", "other"));
        await host.AuthorizeAsync(("user_code", "wrong"), ("client_id", "other"));
        await host.AuthorizeAsync(("user_code", "wrong"), ("client_id", "other"));
        var third = await host.AuthorizeAsync(("user_code", Code), ("client_id", "third"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(own.Description, Is.EqualTo("Too many wrong user codes of this client for this user: try again later."));
            Assert.That(other.Error, Is.Null, "two of five are left");
            Assert.That(third.Description, Is.EqualTo("Too many wrong user codes for this user: try again later."), "five of all together");
        }
    }

    [Test, Spec("A10")]
    public async Task An_event_names_the_client_whose_code_was_wrong()
    {
        var events = new FakeEvents();
        await using var host = Host(options => options.MaxUserCodeFailures = 1, events.Use);

        await host.AuthorizeAsync(("user_code", "wrong"));
        await host.AuthorizeAsync(("user_code", Code));

        var heard = await events.NextAsync(2);
        EventTests.AssertIs(heard[0], """{"Kind":"UserCodeFailed","OccurredAt":"2026-01-15T12:00:00+00:00","ClientId":"client","Subject":"sub-alice","Reason":"The user_code is wrong."}""");
        EventTests.AssertIs(heard[1], """{"Kind":"UserCodeFailed","OccurredAt":"2026-01-15T12:00:00+00:00","ClientId":"client","Subject":"sub-alice","Reason":"Too many wrong user codes of this client for this user: try again later."}""");
    }

    [Test, Spec("A10")]
    public async Task The_wrong_codes_count_for_the_user_whichever_client_sends_them_and_for_no_other_user()
    {
        await using var host = Host(options => options.MaxUserCodeFailures = 2, Coded("other"));
        await host.AuthorizeAsync(("user_code", "wrong"));
        await host.AuthorizeAsync(("user_code", "wrong"), ("client_id", "other"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await host.AuthorizeAsync(("user_code", Code))).Error, Is.EqualTo("access_denied"));
            Assert.That((await host.AuthorizeAsync(("user_code", Code), ("client_id", "other"))).Error, Is.EqualTo("access_denied"));
            Assert.That((await host.AuthorizeAsync(("user_code", "bobs code"), ("login_hint", "bob"))).Error, Is.Null);
        }
    }

    [Test, Spec("A10")]
    public async Task Right_codes_do_not_use_up_the_tries_nor_give_any_back()
    {
        await using var host = Host(options =>
        {
            (options.MaxUserCodeFailures, options.MaxUserCodeFailuresPerClient) = (2, 2);
            options.Limits.SwitchOff();
        });
        string?[] errors =
        [
            (await host.AuthorizeAsync(("user_code", Code))).Error,
            (await host.AuthorizeAsync(("user_code", Code))).Error,
            (await host.AuthorizeAsync(("user_code", Code))).Error,
            (await host.AuthorizeAsync(("user_code", "wrong"))).Error,
            (await host.AuthorizeAsync(("user_code", Code))).Error,
            (await host.AuthorizeAsync(("user_code", "wrong"))).Error,
            (await host.AuthorizeAsync(("user_code", Code))).Error,
        ];

        Assert.That(errors, Is.EqualTo(new[] { null, null, null, "invalid_user_code", null, "invalid_user_code", "access_denied" }));
    }

    [Test, Spec("A10")]
    public async Task A_missing_code_is_no_try()
    {
        await using var host = Host(options => options.MaxUserCodeFailures = 1);
        await host.AuthorizeAsync();
        await host.AuthorizeAsync();

        Assert.That((await host.AuthorizeAsync(("user_code", Code))).Error, Is.Null);
    }

    [Test, Spec("A10")]
    public async Task However_many_tries_come_at_once_no_more_get_through()
    {
        await using var host = Host();
        await host.StartedAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(() => host.AuthorizeAsync(("user_code", $"guess {i}")))));

        Assert.That(answers.Count(answer => answer.Error == "invalid_user_code"), Is.EqualTo(3));
        Assert.That(answers.Count(answer => answer.Error == "access_denied"), Is.EqualTo(37));
    }

    [Test, Spec("A10"), Spec("A22")]
    public async Task A_locked_users_code_is_not_looked_at()
    {
        await using var host = Host();
        host.Users.Lock("alice");

        Assert.That((await host.AuthorizeAsync(("user_code", Code))).Error, Is.EqualTo("access_denied"));
    }

    [TestCase(true, "invalid_user_code"), TestCase(false, null), Spec("A10")]
    public async Task A_host_whose_users_have_no_codes_need_not_look_at_any(bool saysUserHasCode, string? error)
    {
        await using var host = Host(null, ciba => ciba.Services.AddSingleton<ICibaUserLookup>(new UsersWithoutCodes(saysUserHasCode)));

        Assert.That((await host.AuthorizeAsync(("user_code", Code))).Text("error"), Is.EqualTo(error));
    }

    private static CibaHost Host(Action<CibaOptions>? options = null, params CibaClient[] more) => Host(options, null, more);

    private static CibaHost Host(Action<CibaOptions>? options, Action<CibaBuilder>? setup, params CibaClient[] more)
    {
        var host = new CibaHost { Clients = [Coded("client"), .. more], Options = options, Setup = setup };
        host.Users.Codes["alice"] = Code;
        host.Users.Codes["bob"] = "bobs code";
        return host;
    }

    private static CibaClient Coded(string id)
    {
        var client = CibaHost.Client(id);
        client.BackchannelUserCodeParameter = true;
        return client;
    }

    private sealed class UsersWithoutCodes(bool saysUserHasCode) : ICibaUserLookup
    {
        public ValueTask<CibaUserLookupResult> FindAsync(CibaHint hint, CibaClient client, CancellationToken cancellationToken) =>
            new(CibaUserLookupResult.Found(new CibaUser { Subject = "sub-alice", HasUserCode = saysUserHasCode }));

        public ValueTask<bool> IsActiveAsync(string subject, CancellationToken cancellationToken) => new(true);
    }
}
