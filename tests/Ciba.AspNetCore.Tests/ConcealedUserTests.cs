using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 15: a host that lets nobody find out who its users are.</summary>
public sealed class ConcealedUserTests
{
    [TestCase("nobody"), TestCase("bob"), Spec("A15"), Spec("A22")]
    public async Task A_user_who_is_unknown_or_locked_is_answered_like_one_who_does_not_react(string hint)
    {
        await using var host = Host();
        host.Users.Lock("bob");

        var known = await host.AuthorizeAsync();
        var hidden = await host.AuthorizeAsync(("login_hint", hint));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(hidden.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(hidden.Body.Replace(hidden.AuthReqId, "", StringComparison.Ordinal), Is.EqualTo(known.Body.Replace(known.AuthReqId, "", StringComparison.Ordinal)));
            Assert.That(hidden.AuthReqId, Does.Match("^[A-Za-z0-9._-]{44}$"));
            Assert.That((await host.PollAsync(hidden.AuthReqId)).Body, Is.EqualTo((await host.PollAsync(known.AuthReqId)).Body));
            Assert.That((await host.PollAsync(hidden.AuthReqId)).Error, Is.EqualTo("slow_down"));
        }

        host.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.That((await host.PollAsync(hidden.AuthReqId)).Body, Is.EqualTo((await host.PollAsync(known.AuthReqId)).Body).And.Contain("expired_token"));
    }

    [Test, Spec("A15")]
    public async Task Nobodys_request_is_shown_to_nobody_and_answered_by_nobody()
    {
        await using var host = Host();

        var hidden = await host.AuthorizeAsync(("login_hint", "nobody"));
        await host.AuthorizeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await host.Devices.NextAsync()).Subject, Is.EqualTo("sub-alice"));
            Assert.That(host.Devices.Calls, Is.EqualTo(1));
            Assert.That(await host.ApproveAsync(hidden.AuthReqId, "nobody"), Is.EqualTo(CibaDecisionResult.NotYours));
            Assert.That((await host.PollAsync(hidden.AuthReqId)).Error, Is.EqualTo("authorization_pending"));
        }
    }

    [Test, Spec("A15"), Spec("A13")]
    public async Task An_ID_Token_of_a_user_who_is_gone_is_answered_so_too()
    {
        await using var host = Host();
        var idToken = (await host.TokensAsync()).Text("id_token");
        host.Users.Names.Remove("alice");

        Assert.That((await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", idToken))).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("A15"), Spec("A14")]
    public async Task What_is_wrong_with_the_hint_itself_is_still_said()
    {
        await using var host = Host();
        host.Users.ReadLoginHintToken = _ => CibaUserLookupResult.ExpiredLoginHintToken;

        Assert.That((await host.AuthorizeAsync(("login_hint", null), ("login_hint_token", "t"))).Error, Is.EqualTo("expired_login_hint_token"));
    }

    [Test, Spec("A15"), Spec("U5")]
    public async Task The_limit_of_pending_requests_holds_for_nobody_too()
    {
        await using var host = Host(options => options.Limits.PendingPerUser = 2);
        var known = new List<string?>();
        var hidden = new List<string?>();
        for (var i = 0; i < 3; i++)
        {
            known.Add((await host.AuthorizeAsync()).Error);
            hidden.Add((await host.AuthorizeAsync(("login_hint", "nobody"))).Error);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(known, Is.EqualTo(new[] { null, null, "access_denied" }));
            Assert.That(hidden, Is.EqualTo(known));
            Assert.That((await host.AuthorizeAsync(("login_hint", "somebody else"))).Error, Is.Null);
        }
    }

    [TestCase(null), TestCase("some code"), Spec("A15"), Spec("A10")]
    public async Task Nobody_is_like_a_user_without_a_code_whatever_code_is_sent(string? code)
    {
        await using var host = Host();
        host.Clients[0].BackchannelUserCodeParameter = true;

        var known = await host.AuthorizeAsync(("user_code", code));
        var hidden = await host.AuthorizeAsync(("user_code", code), ("login_hint", "nobody"));

        Assert.That(hidden.Body.Replace(hidden.AuthReqId, "", StringComparison.Ordinal), Is.EqualTo(known.Body.Replace(known.AuthReqId, "", StringComparison.Ordinal)));
    }

    [Test, Spec("A15")]
    public async Task A_rule_of_the_hosts_own_refuses_nobody_as_it_refuses_somebody()
    {
        await using var host = new CibaHost { Options = all => all.ConcealUnknownUsers = true, Setup = ciba => ciba.AddRequestValidator<FourDigits>() };

        var known = await host.AuthorizeAsync(("binding_message", "W4SCT"));
        var hidden = await host.AuthorizeAsync(("binding_message", "W4SCT"), ("login_hint", "nobody"));

        Assert.That(known.Error, Is.EqualTo("invalid_binding_message"));
        Assert.That(hidden.Body, Is.EqualTo(known.Body));
    }

    private static CibaHost Host(Action<CibaOptions>? options = null) => new()
    {
        Options = all =>
        {
            all.ConcealUnknownUsers = true;
            options?.Invoke(all);
        },
    };

    private sealed class FourDigits : ICibaRequestValidator
    {
        public ValueTask<CibaError?> ValidateAsync(CibaRequest request, CibaClient client, CancellationToken cancellationToken) =>
            new(request.BindingMessage?.Length == 4 ? null : CibaError.InvalidBindingMessage.With("Four digits are expected."));
    }
}
