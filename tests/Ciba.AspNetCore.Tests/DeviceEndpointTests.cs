using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore.Builder;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 8 over HTTP: what the user's device sees and answers.</summary>
public sealed class DeviceEndpointTests
{
    [Test, Spec("U1"), Spec("A12")]
    public async Task The_device_sees_what_is_asked_and_nothing_that_opens_anything()
    {
        await using var host = new CibaHost();
        host.Time.Advance(TimeSpan.FromSeconds(30));
        var authReqId = (await host.AuthorizeAsync(("scope", "openid email"), ("binding_message", "Über 4711 \"<b>"), ("acr_values", "urn:b urn:a"), ("requested_expiry", "90"), ("client_notification_token", "ping-token"))).AuthReqId;

        var list = await host.DeviceAsync(HttpMethod.Get, "/requests", "alice");
        var id = list.Json[0].GetProperty("id").GetString();
        var one = await host.DeviceAsync(HttpMethod.Get, $"/requests/{id}", "alice");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(one.Body, Is.EqualTo(
                $$"""{"id":"{{id}}","client_id":"client","client_name":"The client","scope":"openid email","created_at":"2026-01-15T12:00:30+00:00","expires_at":"2026-01-15T12:02:00+00:00","binding_message":"Über 4711 \"<b>","acr_values":"urn:b urn:a"}"""));
            Assert.That(list.Body, Is.EqualTo($"[{one.Body}]"));
            Assert.That(list.Header("Cache-Control"), Is.EqualTo("no-store"));
            Assert.That(list.Header("X-Content-Type-Options"), Is.EqualTo("nosniff"));
            Assert.That(list.Header("Content-Type"), Is.EqualTo("application/json"));
            Assert.That(id, Is.EqualTo(CibaRequestId.FromAuthReqId(authReqId)).And.Not.EqualTo(authReqId));
            Assert.That(one.Body, Does.Not.Contain(authReqId[1..]));
            Assert.That((await host.PollAsync(id)).Error, Is.EqualTo("invalid_grant"), "the handle is good for nothing at the token endpoint");
        }
    }

    [Test, Spec("U1")]
    public async Task What_the_client_left_out_the_device_does_not_see()
    {
        await using var host = new CibaHost();
        var id = CibaRequestId.FromAuthReqId((await host.AuthorizeAsync()).AuthReqId);

        var answer = await host.DeviceAsync(HttpMethod.Get, $"/requests/{id}", "alice");

        Assert.That(answer.Body, Is.EqualTo(
            $$"""{"id":"{{id}}","client_id":"client","client_name":"The client","scope":"openid","created_at":"2026-01-15T12:00:00+00:00","expires_at":"2026-01-15T12:02:00+00:00"}"""));
    }

    [Test, Spec("U1")]
    public async Task The_notifier_is_told_the_same()
    {
        await using var host = new CibaHost();
        var authReqId = (await host.AuthorizeAsync(("scope", "openid email"), ("binding_message", "4711"), ("acr_values", "urn:b urn:a"))).AuthReqId;

        var told = await host.Devices.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(told.Id, Is.EqualTo(CibaRequestId.FromAuthReqId(authReqId)));
            Assert.That(told.Status, Is.EqualTo(CibaRequestStatus.Pending));
            Assert.That(told.Subject, Is.EqualTo("sub-alice"));
            Assert.That((told.ClientId, told.ClientName), Is.EqualTo(("client", "The client")));
            Assert.That(told.Scopes, Is.EqualTo(new[] { "openid", "email" }));
            Assert.That(told.BindingMessage, Is.EqualTo("4711"));
            Assert.That(told.AcrValues, Is.EqualTo(new[] { "urn:b", "urn:a" }));
            Assert.That(told.ExpiresAt - told.CreatedAt, Is.EqualTo(TimeSpan.FromMinutes(2)));
        }
    }

    [Test, Spec("U1"), Spec("U2")]
    public async Task The_list_has_the_users_own_waiting_requests_oldest_first()
    {
        await using var host = new CibaHost { Options = options => options.Limits.SwitchOff() };
        var ids = new List<string?>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add(CibaRequestId.FromAuthReqId((await host.AuthorizeAsync(("requested_expiry", i == 1 ? "10" : "100"))).AuthReqId));
            host.Time.Advance(TimeSpan.FromSeconds(1));
        }

        await host.AuthorizeAsync(("login_hint", "bob"));
        await host.DeviceAsync(HttpMethod.Post, $"/requests/{ids[0]}/approve", "alice");
        await host.DeviceAsync(HttpMethod.Post, $"/requests/{ids[3]}/deny", "alice");
        host.Time.Advance(TimeSpan.FromSeconds(10));

        var alice = await host.DeviceAsync(HttpMethod.Get, "/requests", "alice");
        var carol = await host.DeviceAsync(HttpMethod.Get, "/requests", "carol");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(alice.Json.EnumerateArray().Select(request => request.GetProperty("id").GetString()), Is.EqualTo(new[] { ids[2], ids[4] }));
            Assert.That(carol.Body, Is.EqualTo("[]"));
        }
    }

    [TestCase("GET", ""), TestCase("POST", "/approve"), TestCase("POST", "/deny"), Spec("U2")]
    public async Task Another_users_request_is_not_there(string method, string action)
    {
        await using var host = new CibaHost();
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;

        var others = await host.DeviceAsync(new HttpMethod(method), $"/requests/{CibaRequestId.FromAuthReqId(authReqId)}{action}", "bob");
        var unknown = await host.DeviceAsync(new HttpMethod(method), $"/requests/no-such-request{action}", "bob");

        using (Assert.EnterMultipleScope())
        {
            AssertProblem(others, 404, "There is no such request for this user.");
            Assert.That(unknown.Status, Is.EqualTo(others.Status));
            Assert.That(unknown.Body, Is.EqualTo(others.Body), "nothing tells the two apart");
            Assert.That((await host.PollAsync(authReqId)).Error, Is.EqualTo("authorization_pending"));
        }
    }

    [TestCase("GET", "/requests"), TestCase("GET", "/requests/x"), TestCase("POST", "/requests/x/approve"), TestCase("POST", "/requests/x/deny"), Spec("U2")]
    public async Task Nobody_sees_nothing(string method, string path)
    {
        await using var host = new CibaHost();

        var answer = await host.DeviceAsync(new HttpMethod(method), path, null);

        AssertProblem(answer, 401, "Nobody is signed in, or the user has no sub claim.");
    }

    private static readonly ClaimsPrincipal[] Strangers =
    [
        new(new ClaimsIdentity([new Claim("sub", "sub-alice")])),
        new(new ClaimsIdentity([new Claim("name", "sub-alice")], "test")),
        new(new ClaimsIdentity([new Claim("sub", "")], "test")),
    ];

    [Test, Spec("U2")]
    public async Task A_user_who_is_not_authenticated_or_has_no_subject_sees_nothing([ValueSource(nameof(Strangers))] ClaimsPrincipal user)
    {
        await using var host = new CibaHost { Map = app => app.Use(next => context => { context.User = user; return next(context); }) };

        var answer = await host.DeviceAsync(HttpMethod.Get, "/requests", null);

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test, Spec("U2")]
    public async Task The_name_identifier_stands_in_for_a_missing_sub()
    {
        var user = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, "sub-alice")], "test"));
        await using var host = new CibaHost { Map = app => app.Use(next => context => { context.User = user; return next(context); }) };
        await host.AuthorizeAsync();

        var answer = await host.DeviceAsync(HttpMethod.Get, "/requests", null);

        Assert.That(answer.Json.GetArrayLength(), Is.EqualTo(1));
    }

    [TestCase("approve", "approve"), TestCase("approve", "deny"), TestCase("deny", "approve"), TestCase("deny", "deny"), Spec("U3")]
    public async Task The_first_answer_counts(string first, string second)
    {
        await using var host = new CibaHost();
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        var path = $"/requests/{CibaRequestId.FromAuthReqId(authReqId)}";

        var taken = await host.DeviceAsync(HttpMethod.Post, $"{path}/{first}", "alice");
        var late = await host.DeviceAsync(HttpMethod.Post, $"{path}/{second}", "alice");
        var seen = await host.DeviceAsync(HttpMethod.Get, path, "alice");
        var polled = await host.PollAsync(authReqId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(taken.Status, Is.EqualTo(HttpStatusCode.NoContent));
            Assert.That(taken.Body, Is.Empty);
            AssertProblem(late, 409, "The request was answered before.");
            AssertProblem(seen, 409, "The request was answered before.");
            Assert.That(polled.Error, Is.EqualTo(first == "approve" ? null : "access_denied"));
        }
    }

    [Test, Spec("U3")]
    public async Task Of_many_answers_at_once_one_is_taken()
    {
        await using var host = new CibaHost();
        var id = CibaRequestId.FromAuthReqId((await host.AuthorizeAsync()).AuthReqId);

        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(i => Task.Run(() => host.DeviceAsync(HttpMethod.Post, $"/requests/{id}/{(i % 2 == 0 ? "approve" : "deny")}", "alice"))));

        Assert.That(answers.Select(answer => (int)answer.Status), Has.Exactly(1).EqualTo(204).And.Exactly(31).EqualTo(409));
    }

    [TestCase("GET", ""), TestCase("POST", "/approve"), TestCase("POST", "/deny"), Spec("U3")]
    public async Task An_expired_request_is_gone(string method, string action)
    {
        await using var host = new CibaHost();
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        host.Time.Advance(TimeSpan.FromMinutes(2));

        var answer = await host.DeviceAsync(new HttpMethod(method), $"/requests/{CibaRequestId.FromAuthReqId(authReqId)}{action}", "alice");

        using (Assert.EnterMultipleScope())
        {
            AssertProblem(answer, 410, "The request has expired.");
            Assert.That((await host.PollAsync(authReqId)).Error, Is.EqualTo("expired_token"));
        }
    }

    [TestCase("approve"), TestCase("deny"), Spec("A22")]
    public async Task A_locked_user_has_no_say(string action)
    {
        await using var host = new CibaHost();
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        host.Users.Lock("alice");

        var answer = await host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(authReqId)}/{action}", "alice");

        using (Assert.EnterMultipleScope())
        {
            AssertProblem(answer, 403, "This user cannot authenticate at present.");
            Assert.That((await host.PollAsync(authReqId)).Error, Is.EqualTo("authorization_pending"));
        }
    }

    [Test, Spec("I1")]
    public async Task How_the_user_authenticated_goes_from_the_devices_sign_in_into_the_id_token()
    {
        await using var host = new CibaHost();
        var authReqId = (await host.AuthorizeAsync(("acr_values", "urn:acr:2"))).AuthReqId;
        await host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(authReqId)}/approve", "alice");

        var claims = ReceivedToken.Id(await host.PollAsync(authReqId)).Claims;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(claims.GetProperty("acr").GetString(), Is.EqualTo("urn:acr:2"));
            Assert.That(claims.GetProperty("amr").GetRawText(), Is.EqualTo("""["face"]"""));
        }
    }

    [Test, Spec("I1")]
    public async Task A_sign_in_that_says_when_it_was_was_not_just_now()
    {
        await using var host = new CibaHost
        {
            Map = app => app.Use((context, next) =>
            {
                context.User.Identities.First().AddClaims([new("auth_time", "1700000000"), new("http://schemas.microsoft.com/claims/authnmethodsreferences", "pwd")]);
                return next(context);
            }),
        };
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        await host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(authReqId)}/approve", "alice");

        var claims = ReceivedToken.Id(await host.PollAsync(authReqId)).Claims;

        Assert.That(claims.GetProperty("auth_time").GetInt64(), Is.EqualTo(1700000000));
        Assert.That(claims.GetProperty("amr").GetRawText(), Is.EqualTo("""["face","pwd"]"""));
    }

    [TestCase("cross-site", 403), TestCase("same-site", 403), TestCase("same-origin", 204), TestCase("none", 204), TestCase(null, 204)]
    [Spec("U2")]
    public async Task A_page_of_another_origin_cannot_make_the_users_browser_say_yes(string? site, int status)
    {
        await using var host = new CibaHost();
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;

        var answer = await host.SendAsync(HttpMethod.Post, $"/device/requests/{CibaRequestId.FromAuthReqId(authReqId)}/approve", null, request =>
        {
            request.Headers.Add("X-Test-User", "alice");
            request.Headers.TryAddWithoutValidation("Sec-Fetch-Site", site);
        });

        Assert.That((int)answer.Status, Is.EqualTo(status));
        Assert.That((await host.PollAsync(authReqId)).Status, Is.EqualTo(status == 204 ? HttpStatusCode.OK : HttpStatusCode.BadRequest));
    }

    internal static void AssertProblem(Answer answer, int status, string detail)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)answer.Status, Is.EqualTo(status));
            Assert.That(answer.Header("Content-Type"), Is.EqualTo("application/problem+json"));
            Assert.That(answer.Header("Cache-Control"), Is.EqualTo("no-store"));
            Assert.That(answer.Header("X-Content-Type-Options"), Is.EqualTo("nosniff"));
            Assert.That(answer.Json.EnumerateObject().Select(member => member.Name), Is.EqualTo(new[] { "type", "title", "status", "detail", "code" }));
            Assert.That(answer.Json.GetProperty("status").GetInt32(), Is.EqualTo(status));
            Assert.That(answer.Text("detail"), Is.EqualTo(detail));
        }
    }
}
