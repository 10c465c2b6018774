using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 7: <c>POST /bc-authorize</c> as an HTTP endpoint, whatever is asked there.</summary>
public sealed class AuthenticationEndpointTests
{
    private const string Path = "/bc-authorize";

    [Test, Spec("A16")]
    public async Task A_right_request_is_acknowledged()
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(answer.Header("Content-Type"), Is.EqualTo("application/json"));
            Assert.That(answer.Header("Cache-Control"), Is.EqualTo("no-store"));
            Assert.That(answer.Header("X-Content-Type-Options"), Is.EqualTo("nosniff"));
            Assert.That(answer.Header("Pragma"), Is.EqualTo("no-cache"));
            Assert.That(answer.Body, Is.EqualTo($$"""{"auth_req_id":"{{answer.AuthReqId}}","expires_in":120,"interval":5}"""));
        }
    }

    [Test, Spec("A16")]
    public async Task The_acknowledgement_says_the_hosts_interval_and_lifetime()
    {
        await using var host = new CibaHost
        {
            Options = options =>
            {
                options.PollingInterval = TimeSpan.FromSeconds(7);
                options.RequestLifetime = TimeSpan.FromSeconds(90);
            },
        };

        var answer = await host.AuthorizeAsync();

        Assert.That(answer.Body, Is.EqualTo($$"""{"auth_req_id":"{{answer.AuthReqId}}","expires_in":90,"interval":7}"""));
    }

    [Test, Spec("A17")]
    public async Task An_auth_req_id_holds_32_random_bytes_in_url_safe_characters()
    {
        await using var host = new CibaHost { Options = options => options.Limits.SwitchOff() };

        var ids = new List<string>();
        for (var i = 0; i < 50; i++)
        {
            ids.Add((await host.AuthorizeAsync()).AuthReqId);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ids, Is.Unique);
            Assert.That(ids, Has.All.Match("^[A-Za-z0-9._-]{44}$"));

            // Behind the shard no place is the same in all of them, as it would be if it were not by chance.
            Assert.That(Enumerable.Range(1, 43).Select(place => ids.Select(id => id[place]).Distinct().Count()), Has.All.GreaterThan(5));
        }
    }

    [Test, Spec("A17")]
    public async Task The_store_and_the_device_never_see_the_auth_req_id()
    {
        await using var host = new CibaHost();

        var authReqId = (await host.AuthorizeAsync()).AuthReqId;

        var device = await host.Devices.NextAsync();
        var stored = (await (await host.StoreAsync()).ListPendingAsync("sub-alice", host.Time.GetUtcNow(), CancellationToken.None)).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(stored.Id, Is.EqualTo(CibaRequestId.FromAuthReqId(authReqId)));
            Assert.That(device.Id, Is.EqualTo(stored.Id));
            Assert.That(stored.Id, Does.Not.Contain(authReqId[1..]));
            Assert.That((await host.PollAsync(stored.Id)).Error, Is.EqualTo("invalid_grant"), "the handle opens nothing");
        }
    }

    [TestCase("GET"), TestCase("PUT"), TestCase("DELETE"), TestCase("PATCH"), TestCase("OPTIONS"), TestCase("JUNK"), Spec("A1")]
    public async Task Another_method_is_405_with_the_one_that_is_allowed(string method)
    {
        await using var host = new CibaHost();

        var answer = await host.SendAsync(new HttpMethod(method), Path, method == "GET" ? null : RawForm.Of(RawForm.Right));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Header("Allow"), Is.EqualTo("POST"));
            Assert.That(answer.Body, Is.EqualTo("""{"error":"invalid_request","error_description":"Use POST."}"""));
        }

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request", 405);
    }

    [TestCase(null)]
    [TestCase("")]
    [TestCase("application/json")]
    [TestCase("text/plain")]
    [TestCase("multipart/form-data; boundary=x")]
    [TestCase("application/x-www-form-urlencoded-not")]
    [TestCase("application/x-www-form-urlencoded, application/json")]
    [TestCase("application/x-www-form-urlencoded;;;=")]
    [TestCase("application/x-www-form-urlencoded; charset=utf-8, application/json")]
    [TestCase("\"")]
    [Spec("A1")]
    public async Task Another_content_type_is_refused(string? contentType)
    {
        await using var host = new CibaHost();

        var answer = await host.SendAsync(HttpMethod.Post, Path, RawForm.Of(RawForm.Right, contentType));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo("Send the parameters as application/x-www-form-urlencoded in UTF-8."));
    }

    [TestCase("application/x-www-form-urlencoded; charset=utf-8")]
    [TestCase("application/x-www-form-urlencoded;charset=\"UTF-8\"")]
    [TestCase("Application/X-WWW-Form-UrlEncoded")]
    [TestCase("application/x-www-form-urlencoded; charset=ISO-8859-1")]
    [TestCase("application/x-www-form-urlencoded; charset=us-ascii")]
    [TestCase("application/x-www-form-urlencoded; charset=utf8")]
    [TestCase("application/x-www-form-urlencoded; charset=utf-16")]
    [TestCase("application/x-www-form-urlencoded; charset=no-such-thing; boundary=x")]
    [Spec("A1")]
    public async Task What_the_content_type_says_of_the_charset_is_ignored(string contentType)
    {
        await using var host = new CibaHost();

        var answer = await host.SendAsync(HttpMethod.Post, Path, RawForm.Of(RawForm.Right, contentType));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [TestCase("ISO-8859-1"), TestCase("utf-8"), TestCase("windows-1252"), Spec("A1")]
    public async Task Whatever_the_charset_the_bytes_are_UTF_8(string charset)
    {
        await using var host = new CibaHost();
        var type = $"{RawForm.MediaType}; charset={charset}";

        var utf8 = await host.SendAsync(HttpMethod.Post, Path, RawForm.Of(RawForm.Right.Replace("alice", "alice&state=\u00c3\u00bc", StringComparison.Ordinal), type));
        var latin1 = await host.SendAsync(HttpMethod.Post, Path, RawForm.Of(RawForm.Right.Replace("alice", "alice&state=\u00fc", StringComparison.Ordinal), type));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(utf8.Status, Is.EqualTo(HttpStatusCode.OK), utf8.Body);
            Assert.That(latin1.Description, Is.EqualTo("The form is not percent-encoded UTF-8 text, or holds a NUL character."));
        }
    }

    [TestCase("client_id"), TestCase("client_secret"), TestCase("scope"), TestCase("login_hint"), TestCase("binding_message"), TestCase("made_up"), Spec("A1")]
    public async Task A_parameter_sent_twice_is_refused(string name)
    {
        await using var host = new CibaHost();

        var answer = await host.SendAsync(HttpMethod.Post, Path, RawForm.Of($"{RawForm.Right}&{name}=1&{name}=1"));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo($"The parameter {name} is there more than once."));
    }

    [Test, Spec("A1"), Spec("A18")]
    public async Task A_repeated_parameter_with_a_strange_name_is_not_repeated_in_the_answer()
    {
        await using var host = new CibaHost();

        var answer = await host.SendAsync(HttpMethod.Post, Path, RawForm.Of("%3Cscript%3E%22%5C=1&%3Cscript%3E%22%5C=2"));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo("The parameter (another one) is there more than once."));
    }

    [TestCase("&login_hint_token=&id_token_hint="), TestCase("&scope="), TestCase("&request=&request_uri"), TestCase("&&&"), TestCase("&requested_expiry=&binding_message=&user_code=&acr_values="), Spec("A1")]
    public async Task A_parameter_without_a_value_is_as_good_as_absent(string more)
    {
        await using var host = new CibaHost();

        var answer = await host.SendAsync(HttpMethod.Post, Path, RawForm.Of(RawForm.Right + more));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [Test, Spec("A19")]
    public async Task Unknown_parameters_are_ignored()
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("made_up", "1"), ("nonce", "n"), ("redirect_uri", "https://evil.example"), ("client_notification_token", "not for poll"));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [TestCase("scope", "Scope", "invalid_request"), TestCase("login_hint", "LOGIN_HINT", "invalid_request"), TestCase("client_secret", "Client_Secret", "invalid_client"), Spec("A19")]
    public async Task A_name_in_another_letter_case_is_another_parameter(string right, string wrong, string error)
    {
        await using var host = new CibaHost();

        var answer = await host.SendAsync(HttpMethod.Post, Path, RawForm.Of(RawForm.Right.Replace($"{right}=", $"{wrong}=", StringComparison.Ordinal)));

        await Refusal.LeavesNothingAsync(host, answer, error, error == "invalid_client" ? 401 : 400);
    }

    [Test, Spec("A1")]
    public async Task Parameters_in_the_address_do_not_count()
    {
        await using var host = new CibaHost();

        var answer = await host.SendAsync(HttpMethod.Post, $"{Path}?login_hint=alice", RawForm.Of(RawForm.Right.Replace("&login_hint=alice", "", StringComparison.Ordinal)));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
    }

    [TestCase("login_hint=al%00ice", TestName = "{m}(NUL)")]
    [TestCase("login_hint=al\0ice", TestName = "{m}(a raw NUL)")]
    [TestCase("login_hint=caf\u00e9", TestName = "{m}(raw Latin-1)")]
    [TestCase("login_hint=\u00ed\u00a0\u0080", TestName = "{m}(half a surrogate pair)")]
    [TestCase("made_up\u00ff=1&login_hint=alice", TestName = "{m}(in the name)")]
    [Spec("A1")]
    public async Task A_form_that_is_not_UTF_8_text_is_refused(string field)
    {
        await using var host = new CibaHost();

        var answer = await host.SendAsync(HttpMethod.Post, Path, RawForm.Of(RawForm.Right.Replace("login_hint=alice", field, StringComparison.Ordinal)));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(host.Users.Hints, Is.Empty);
    }

    [TestCase("%FF"), TestCase("%C3"), TestCase("%C0%AF"), TestCase("%ED%A0%80"), TestCase("%zz"), TestCase("%"), TestCase("alice%"), Spec("A1")]
    public async Task A_broken_percent_encoding_is_refused(string hint)
    {
        await using var host = new CibaHost();

        var answer = await host.SendAsync(HttpMethod.Post, Path, RawForm.Of(RawForm.Right.Replace("alice", hint, StringComparison.Ordinal)));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(host.Users.Hints, Is.Empty);
    }

    [TestCase("LOGIN_HINT=bob&{0}"), TestCase("Scope=&{0}"), TestCase("{0}&SCOPE=x&Scope=y"), TestCase("{0}&&"), TestCase("{0}&=x&y")]
    [Spec("A1"), Spec("A19")]
    public async Task What_is_no_parameter_of_ours_does_not_disturb(string form)
    {
        await using var host = new CibaHost();

        var answer = await host.SendAsync(HttpMethod.Post, Path, RawForm.Of(string.Format(form, RawForm.Right)));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(host.Users.Hints.Single().Value, Is.EqualTo("alice"));
    }

    [Test, Spec("A1")]
    public async Task A_percent_sign_that_is_encoded_is_one()
    {
        await using var host = new CibaHost();

        await host.SendAsync(HttpMethod.Post, Path, RawForm.Of($"{RawForm.Right}&binding_message=100%25+%F0%9F%8D%BA"));

        Assert.That((await host.Devices.NextAsync()).BindingMessage, Is.EqualTo("100% \U0001f37a"));
    }

    [Test, Spec("A1")]
    public async Task A_form_in_UTF_8_is_read_as_such()
    {
        await using var host = new CibaHost();
        host.Users.Names.Add("j\u00fcrgen \u65e5\u672c +1");

        var answer = await host.SendAsync(HttpMethod.Post, Path, RawForm.Of(RawForm.Right.Replace("alice", "j%C3%BCrgen+%e6%97%a5%E6%9C%AC%20%2B1", StringComparison.Ordinal)));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    public static IEnumerable<TestCaseData> TooMuch()
    {
        yield return new TestCaseData(true, $"{RawForm.Right}&padding={new string('x', 200_000)}").SetArgDisplayNames("a long body");
        yield return new TestCaseData(true, $"{RawForm.Right}&padding={new string('x', 70_000)}").SetArgDisplayNames("a long value");
        yield return new TestCaseData(true, $"{RawForm.Right}&{new string('x', 300)}=1").SetArgDisplayNames("a long name");
        yield return new TestCaseData(true, RawForm.Right + string.Concat(Enumerable.Range(0, 100).Select(i => $"&p{i}=1"))).SetArgDisplayNames("many fields");
        yield return new TestCaseData(true, RawForm.Right + string.Concat(Enumerable.Repeat("&p=1", 100))).SetArgDisplayNames("one field many times");
        yield return new TestCaseData(false, $"{RawForm.Right}&padding={new string('x', 70_000)}").SetArgDisplayNames("a long value of unannounced length");
    }

    [TestCaseSource(nameof(TooMuch)), Spec("A1")]
    public async Task A_form_beyond_the_limits_is_refused(bool lengthIsAnnounced, string body)
    {
        await using var host = new CibaHost();

        var answer = await host.SendAsync(HttpMethod.Post, Path, lengthIsAnnounced ? RawForm.Of(body) : RawForm.Chunked(body));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(answer.Description, Does.StartWith("The form"));
    }

    [Test, Spec("A2"), Spec("A18")]
    public async Task An_empty_form_is_a_client_that_does_not_authenticate()
    {
        await using var host = new CibaHost();

        var answer = await host.SendAsync(HttpMethod.Post, Path, RawForm.Of(""));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_client", 401);
    }
}
