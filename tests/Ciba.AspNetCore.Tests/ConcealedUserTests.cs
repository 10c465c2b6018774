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
        await using var host = Host(options => options.DeviceNotification = CibaDeviceNotificationMode.BeforeAcknowledgement);

        var hidden = await host.AuthorizeAsync(("login_hint", "nobody"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(host.Devices.Calls, Is.Zero);
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
        await using var host = Host(options => options.MaxPendingRequestsPerUser = 2);
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

    [Test, Spec("A15"), Spec("A10")]
    public async Task Wrong_user_codes_run_out_for_nobody_too()
    {
        await using var host = Host(options => options.MaxUserCodeFailures = 2);
        host.Clients[0].BackchannelUserCodeParameter = true;
        host.Users.Codes["alice"] = "right code";
        var known = new List<string>();
        var hidden = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            known.Add((await host.AuthorizeAsync(("user_code", "wrong"))).Body);
            hidden.Add((await host.AuthorizeAsync(("user_code", "wrong"), ("login_hint", "nobody"))).Body);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(hidden, Is.EqualTo(known));
            Assert.That(hidden[^1], Does.Contain("access_denied"));
        }
    }

    private static CibaHost Host(Action<CibaOptions>? options = null) => new()
    {
        Options = all =>
        {
            all.ConcealUnknownUsers = true;
            options?.Invoke(all);
        },
    };
}
