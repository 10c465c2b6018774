using System.Net;
using System.Text.Json;

namespace Ciba.AspNetCore.Samples.Tests;

/// <summary>CIBA in the sample that had no CIBA, from the client's request over the user's mail to the app's own tokens.</summary>
public abstract class ExistingIdentityServerContract
{
    private static readonly string[] HintsOfAlice = ["alice@example.com", "Alice@Example.com", "+12025550101", "alice"];

    protected abstract IdentityServerApp NewApp();

    [TestCaseSource(nameof(HintsOfAlice))]
    public async Task A_user_is_told_by_mail_signs_in_and_approves_and_the_client_gets_the_servers_own_tokens(string hint)
    {
        await using var app = NewApp();
        var asked = await app.AuthorizeAsync(hint, ("binding_message", "W4SCT"));
        var mail = await app.Mails.NextAsync();
        var browser = app.OpenBrowser();

        await browser.OpenAsync(mail.Link);
        var signIn = browser.Location;
        await browser.SubmitAsync(("name", "alice"), ("password", IdentityServerApp.Password));
        var (page, text) = (browser.Location, browser.Text);
        var pending = await app.PollAsync(asked.AuthReqId);
        await browser.SubmitAsync(("approve", "true"));
        var tokens = await app.PollAsync(asked.AuthReqId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(mail.To, Is.EqualTo("alice@example.com"));
            Assert.That(mail.Subject, Is.EqualTo("The Call Centre asks for your approval"));
            Assert.That(signIn, Does.StartWith("/sign-in?ReturnUrl="));
            Assert.That(page, Is.EqualTo(mail.Link));
            Assert.That(text, Does.Contain("The Call Centre").And.Contain("openid, profile, offline_access").And.Contain("W4SCT"));
            Assert.That(pending.Error, Is.EqualTo("authorization_pending"));
            Assert.That(browser.Text, Does.Contain("Your answer has been taken."));
        }

        await AssertTokensAsync(app, tokens);
    }

    [Test]
    public async Task A_user_who_denies_is_the_end_of_it()
    {
        await using var app = NewApp();
        var (asked, browser) = await OpenRequestAsync(app);

        await browser.SubmitAsync(("approve", "false"));
        var refused = await app.PollAsync(asked.AuthReqId);

        Assert.That(refused.Error, Is.EqualTo("access_denied"));
    }

    [Test]
    public async Task Somebody_elses_request_is_not_there_to_be_seen_or_answered()
    {
        await using var app = NewApp();
        var asked = await app.AuthorizeAsync("alice");
        var link = (await app.Mails.NextAsync()).Link;
        var bob = await app.OpenBrowserAsync("bob");

        await bob.OpenAsync(link);
        var seen = bob.Status;
        await bob.SubmitAsync(("approve", "true"));
        var pending = await app.PollAsync(asked.AuthReqId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(seen, Is.EqualTo(HttpStatusCode.NotFound));
            Assert.That(bob.Status, Is.EqualTo(HttpStatusCode.NotFound));
            Assert.That(bob.Html, Does.Not.Contain("The Call Centre"));
            Assert.That(pending.Error, Is.EqualTo("authorization_pending"));
        }
    }

    [Test]
    public async Task A_request_that_nobody_made_and_one_that_is_answered_are_not_found()
    {
        await using var app = NewApp();
        var (_, browser) = await OpenRequestAsync(app);
        var link = browser.Location;
        await browser.SubmitAsync(("approve", "true"));

        await browser.OpenAsync(link);
        var answered = browser.Status;
        await browser.OpenAsync("/approve/nobody-made-this");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answered, Is.EqualTo(HttpStatusCode.NotFound));
            Assert.That(browser.Status, Is.EqualTo(HttpStatusCode.NotFound));
        }
    }

    [Test]
    public async Task An_answer_without_the_antiforgery_token_is_refused()
    {
        await using var app = NewApp();
        var (asked, browser) = await OpenRequestAsync(app);

        await browser.PostAsync(("approve", "true"));
        var pending = await app.PollAsync(asked.AuthReqId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(browser.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(pending.Error, Is.EqualTo("authorization_pending"));
        }
    }

    [Test, Spec("A22")]
    public async Task A_user_locked_out_before_the_request_gets_no_request()
    {
        await using var app = NewApp();
        await app.EndAsync("alice", Ending.Locked);

        var refused = await app.AuthorizeAsync("alice");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused.Status, Is.EqualTo(HttpStatusCode.Forbidden));
            Assert.That(refused.Error, Is.EqualTo("access_denied"));
            Assert.That(app.Mails.IsEmpty, Is.True);
        }
    }

    [Test, Spec("A22")]
    public async Task A_user_locked_out_or_deleted_after_the_request_cannot_approve([Values] Ending ending)
    {
        await using var app = NewApp();
        var (asked, browser) = await OpenRequestAsync(app);
        await app.EndAsync("alice", ending);

        await browser.SubmitAsync(("approve", "true"));
        var pending = await app.PollAsync(asked.AuthReqId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(browser.Status, Is.EqualTo(HttpStatusCode.NotFound));
            Assert.That(pending.Error, Is.EqualTo("authorization_pending"));
        }
    }

    [Test, Spec("A22")]
    public async Task A_user_locked_out_or_deleted_after_the_approval_gets_no_tokens([Values] Ending ending)
    {
        await using var app = NewApp();
        var (asked, browser) = await OpenRequestAsync(app);
        await browser.SubmitAsync(("approve", "true"));
        await app.EndAsync("alice", ending);

        var refused = await app.PollAsync(asked.AuthReqId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(refused.Error, Is.EqualTo("access_denied"));
        }
    }

    [TestCase("1234", null)]
    [TestCase("4321", "invalid_user_code")]
    [TestCase(null, "missing_user_code")]
    public async Task The_user_code_is_the_PIN_of_a_user_who_has_one(string? code, string? error)
    {
        await using var app = NewApp();

        var answer = await app.AuthorizeAsync("bob", code is null ? [] : [("user_code", code)]);

        Assert.That(answer.Text("error"), Is.EqualTo(error), answer.Body);
    }

    [Test]
    public async Task A_PIN_that_a_user_sets_is_the_user_code_from_then_on()
    {
        await using var app = NewApp();
        var before = await app.AuthorizeAsync("alice");
        var browser = await app.OpenBrowserAsync("alice");
        await browser.OpenAsync("/?handler=Pin");
        await browser.SubmitAsync(("pin", "567890"));

        var without = await app.AuthorizeAsync("alice");
        var with = await app.AuthorizeAsync("alice", ("user_code", "567890"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before.Text("error"), Is.Null);
            Assert.That(without.Error, Is.EqualTo("missing_user_code"));
            Assert.That(with.Text("error"), Is.Null);
        }
    }

    [Test]
    public async Task A_hint_that_names_nobody_is_an_unknown_user()
    {
        await using var app = NewApp();

        var answer = await app.AuthorizeAsync("carol@example.com");

        Assert.That(answer.Error, Is.EqualTo("unknown_user_id"));
    }

    [Test]
    public async Task The_grants_that_the_server_always_had_go_on_beside_CIBA_on_the_same_path()
    {
        await using var app = NewApp();
        var browser = await app.OpenBrowserAsync("alice");

        var machine = await app.TokenAsync("reports", ("grant_type", "client_credentials"), ("scope", "reports.read"));
        var back = await browser.LeaveAsync("/connect/authorize?client_id=web&response_type=code&redirect_uri=http://localhost:5091/signed-in"
            + "&scope=openid%20offline_access&code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        var code = back.Query.Split(['?', '&']).Single(part => part.StartsWith("code=", StringComparison.Ordinal))["code=".Length..];
        var user = await app.TokenAsync("web", ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", "http://localhost:5091/signed-in"), ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        var refreshed = await app.TokenAsync("web", ("grant_type", "refresh_token"), ("refresh_token", user.Text("refresh_token")!));
        var again = await app.TokenAsync("web", ("grant_type", "refresh_token"), ("refresh_token", user.Text("refresh_token")!));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ReceivedToken.Access(machine).Claims.GetProperty("scope").GetString(), Is.EqualTo("reports.read"));
            Assert.That(ReceivedToken.Id(user).Claims.GetProperty("sub").GetString(), Is.EqualTo(await app.UserIdAsync("alice")));
            Assert.That(refreshed.Text("refresh_token"), Is.Not.Null.And.Not.EqualTo(user.Text("refresh_token")));
            Assert.That(again.Error, Is.EqualTo("invalid_grant"));
        }
    }

    [TestCase("nobody")]
    [TestCase("web\0")]
    public async Task A_client_that_is_not_there_is_an_invalid_client_on_both_sides(string clientId)
    {
        await using var app = NewApp();

        var ours = await app.TokenAsync(clientId, ("grant_type", CibaHost.GrantType), ("auth_req_id", "x"));
        var theirs = await app.TokenAsync(clientId, ("grant_type", "client_credentials"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ours.Error, Is.EqualTo("invalid_client"));
            Assert.That(theirs.Error, Is.EqualTo("invalid_client"));
        }
    }

    [Test]
    public async Task Neither_side_serves_a_client_that_has_not_its_grant()
    {
        await using var app = NewApp();

        var ours = await app.TokenAsync("web", ("grant_type", CibaHost.GrantType), ("auth_req_id", "x"));
        var theirs = await app.TokenAsync("call-centre", ("grant_type", "client_credentials"));
        var nobodys = await app.TokenAsync("web", ("grant_type", "password"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ours.Error, Is.EqualTo("unauthorized_client"));
            Assert.That(theirs.Body, Is.EqualTo("""{"error":"unauthorized_client"}"""));
            Assert.That(nobodys.Body, Is.EqualTo("""{"error":"unsupported_grant_type"}"""));
        }
    }

    /// <summary>A request for alice, and her browser with the page that it opens.</summary>
    private static async Task<(Answer Asked, Browser Browser)> OpenRequestAsync(IdentityServerApp app)
    {
        var asked = await app.AuthorizeAsync("alice");
        var browser = app.OpenBrowser();
        await browser.SignInAsync((await app.Mails.NextAsync()).Link, "alice");
        Assert.That(browser.Text, Does.Contain("The Call Centre asks for your approval"));
        return (asked, browser);
    }

    private static async Task AssertTokensAsync(IdentityServerApp app, Answer tokens)
    {
        var key = (await app.GetAsync("/jwks")).Json.GetProperty("keys")[0];
        var (idToken, accessToken) = (ReceivedToken.Id(tokens), ReceivedToken.Access(tokens));
        var refreshed = await app.TokenAsync("call-centre", ("grant_type", "refresh_token"), ("refresh_token", tokens.Text("refresh_token")!));
        var alice = await app.UserIdAsync("alice");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(idToken.IsSignedBy(key), Is.True);
            Assert.That(accessToken.IsSignedBy(key), Is.True);
            Assert.That(idToken.Claims.GetProperty("iss").GetString(), Is.EqualTo("http://localhost:5090"));
            Assert.That(idToken.Claims.GetProperty("sub").GetString(), Is.EqualTo(alice));
            Assert.That(idToken.Claims.GetProperty("aud").GetString(), Is.EqualTo("call-centre"));
            Assert.That(idToken.Claims.GetProperty("amr").EnumerateArray().Select(method => method.GetString()), Is.EqualTo(["pwd"]));
            Assert.That(idToken.Claims.GetProperty("auth_time").ValueKind, Is.EqualTo(JsonValueKind.Number));
            Assert.That(accessToken.Claims.GetProperty("scope").GetString(), Is.EqualTo("openid profile offline_access"));
            Assert.That(ReceivedToken.Access(refreshed).Claims.GetProperty("sub").GetString(), Is.EqualTo(alice));
        }
    }
}
