using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Two processes behind one Redis are one provider, whichever of them a call reaches.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds)), FixtureLifeCycle(LifeCycle.SingleInstance)]
[NonParallelizable]
public sealed class TwoQuickstartsTests(string kind)
{
    private const string AssertionClient = "terminal";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TestKey Key = TestKey.For("ES256");

    // A minute between polls and half of one for a step, so that however slow this machine is, the second poll comes too soon and nothing is a 503.
    private static readonly string[] Settings =
    [
        "--Ciba:PollingInterval=00:01:00", "--Ciba:RedisStore:OperationTimeout=00:00:30", "--Ciba:MaxUserCodeFailuresPerClient=2",
        .. Client(0, "shop", "client_secret_basic", "ClientSecrets:0=shop-secret"),
        .. Client(1, "call-center", "client_secret_basic", "ClientSecrets:0=call-center-secret", "BackchannelUserCodeParameter=true"),
        .. Client(2, AssertionClient, "private_key_jwt", $"Jwks={TestKey.Set(Key.Jwk())}"),
    ];

    private string _prefix = null!;
    private QuickstartProcess _a = null!;
    private QuickstartProcess _b = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _prefix = RedisNode.NewPrefix();
        var nodes = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => QuickstartProcess.StartAsync(RedisServers.Get(kind).Endpoint, _prefix, Settings)));
        (_a, _b) = (nodes[0], nodes[1]);
        await Task.WhenAll(nodes.Select(node => RedisHosts.ServedAsync(() => node.WaitingAsync("bob"))));
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        foreach (var node in new[] { _a, _b }.OfType<QuickstartProcess>())
        {
            await node.DisposeAsync();
        }
    }

    [Test]
    public async Task Their_own_keys_are_under_the_prefix_too()
    {
        var server = RedisServers.Get(kind);
        var own = (await server.AskAsync("KEYS", "*quickstart*")).Split('\n');

        Assert.That(own.Where(key => key.StartsWith($"{_prefix}:", StringComparison.Ordinal)), Is.EquivalentTo(new[] { $"{_prefix}:quickstart:signing-keys", $"{_prefix}:quickstart:key-ring" }));
        Assert.That(own, Has.None.StartsWith("quickstart"));
    }

    [Test, Spec("T8"), Spec("I3")]
    public async Task What_is_made_on_one_is_approved_on_the_other_redeemed_on_the_first_and_used_up_on_both()
    {
        var id = (await _a.AuthorizeAsync("alice")).AuthReqId;
        var pending = await _b.PollAsync(id);
        var waiting = await _b.WaitingAsync("alice");
        var approved = await _b.AnswerAsync(id, "alice");
        var tokens = await _a.PollAsync(id);
        Answer[] again = [await _b.PollAsync(id), await _a.PollAsync(id)];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(pending.Error, Is.EqualTo("authorization_pending"));
            Assert.That(waiting.Body, Does.Contain(CibaRequestId.FromAuthReqId(id)));
            Assert.That(approved.Status, Is.EqualTo(HttpStatusCode.NoContent), approved.Body);
            Assert.That(tokens.Status, Is.EqualTo(HttpStatusCode.OK), tokens.Body);
            Assert.That(again.Select(answer => answer.Error), Is.All.EqualTo("invalid_grant"));
        }

        var token = ReceivedToken.Id(tokens);
        var keys = (await _b.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/jwks"))).Json.GetProperty("keys");
        Assert.That(token.IsSignedBy(keys.EnumerateArray().Single(key => key.GetProperty("kid").GetString() == token.KeyId && key.GetProperty("alg").GetString() == token.Algorithm)), Is.True);
    }

    [Test]
    public async Task A_sign_out_on_one_node_ends_the_session_and_its_event_streams_on_the_other()
    {
        using var http = new HttpClient { BaseAddress = _a.Address };
        using var copy = new HttpClient(new HttpClientHandler { UseCookies = false }) { BaseAddress = _b.Address };
        using var signedIn = await PostAsync("sign-in", """{"username":"bob","password":"bob"}""");
        var cookie = signedIn.Headers.GetValues("Set-Cookie").Single(cookie => cookie.StartsWith("quickstart-phone=", StringComparison.Ordinal)).Split(';')[0];
        using var stream = await GetAsync("/device/events");
        using var lines = new StreamReader(await stream.Content.ReadAsStreamAsync());

        (await PostAsync("sign-out", "")).Dispose();

        using var after = await GetAsync("/device/requests");
        Assert.That((stream.StatusCode, after.StatusCode), Is.EqualTo((HttpStatusCode.OK, HttpStatusCode.Unauthorized)));
        Assert.That(await lines.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60)), Does.StartWith(": listening"));

        Task<HttpResponseMessage> GetAsync(string path) =>
            copy.SendAsync(new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Cookie", cookie } } }, HttpCompletionOption.ResponseHeadersRead);

        async Task<HttpResponseMessage> PostAsync(string what, string json)
        {
            var session = JsonElement.Parse(await http.GetStringAsync("/demo/phone/session"));
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/demo/phone/{what}") { Content = new StringContent(json, null, "application/json") };
            request.Headers.Add(session.GetProperty("tokenHeader").GetString()!, session.GetProperty("requestToken").GetString());
            return (await http.SendAsync(request)).EnsureSuccessStatusCode();
        }
    }

    [TestCase("password"), TestCase("automation"), Spec("I1")]
    public async Task A_password_with_the_call_and_the_automation_are_authentications_of_this_moment(string how)
    {
        var before = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var id = (await _a.AuthorizeAsync("alice")).AuthReqId;
        var approved = how == "password" ? await _b.AnswerAsync(id, "alice") : await _b.AutomateAsync(id, "allow");
        var tokens = await _a.PollAsync(id);

        Assert.That(approved.Status, Is.EqualTo(HttpStatusCode.NoContent), approved.Body);
        Assert.That(ReceivedToken.Id(tokens).Claims.GetProperty("auth_time").GetInt64(), Is.InRange(before, DateTimeOffset.UtcNow.ToUnixTimeSeconds()));
    }

    [Test, Spec("T3")]
    public async Task A_poll_on_the_other_node_before_the_interval_gets_slow_down()
    {
        var id = (await _a.AuthorizeAsync("alice")).AuthReqId;

        Answer[] polls = [await _a.PollAsync(id), await _b.PollAsync(id), await _a.PollAsync(id)];

        Assert.That(polls.Select(poll => poll.Error), Is.EqualTo(new[] { "authorization_pending", "slow_down", "slow_down" }));
    }

    [Test, Spec("T5"), Spec("U3")]
    public async Task A_no_on_one_node_is_a_no_on_the_other_and_stays_one()
    {
        var id = (await _a.AuthorizeAsync("alice")).AuthReqId;

        var denied = await _a.AnswerAsync(id, "alice", "deny");
        var poll = await _b.PollAsync(id);
        var tooLate = await _b.AnswerAsync(id, "alice");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(denied.Status, Is.EqualTo(HttpStatusCode.NoContent));
            Assert.That(poll.Error, Is.EqualTo("access_denied"));
            Assert.That(tooLate.Status, Is.EqualTo(HttpStatusCode.Conflict));
        }
    }

    [Test, Spec("T4")]
    public async Task A_request_of_one_node_expires_on_the_other()
    {
        var id = (await _a.AuthorizeAsync(("login_hint", "alice"), ("requested_expiry", "1"))).AuthReqId;

        using var bound = new CancellationTokenSource(Bound);
        string? error;
        while ((error = (await _b.PollAsync(id)).Error) is "authorization_pending" or "slow_down")
        {
            await Task.Delay(Pause, bound.Token);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(error, Is.EqualTo("expired_token"));
            Assert.That((await _b.AnswerAsync(id, "alice")).Status, Is.EqualTo(HttpStatusCode.Gone));
        }
    }

    [Test, Spec("A10")]
    public async Task Wrong_codes_are_counted_on_both_nodes_together()
    {
        Answer[] tries = [await CallAsync(_a, "0000"), await CallAsync(_b, "1111"), await CallAsync(_a, "1234"), await CallAsync(_b, "1234")];

        Assert.That(tries.Select(answer => answer.Error), Is.EqualTo(new[] { "invalid_user_code", "invalid_user_code", "access_denied", "access_denied" }));

        static Task<Answer> CallAsync(QuickstartProcess node, string userCode) => node.PostAsync(
            "/bc-authorize", ClientBasic("call-center"), ("scope", "openid"), ("login_hint", "bob"), ("user_code", userCode));
    }

    [Test, Spec("T8")]
    public async Task Of_64_polls_at_once_on_both_nodes_one_gets_tokens()
    {
        var id = (await _a.AuthorizeAsync("alice")).AuthReqId;
        await _b.AnswerAsync(id, "alice");

        var polls = await Task.WhenAll(Enumerable.Range(0, 64).Select(number => (number % 2 == 0 ? _a : _b).PollAsync(id)));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(polls.Count(poll => poll.Status == HttpStatusCode.OK), Is.EqualTo(1));
            Assert.That(polls.Where(poll => poll.Status != HttpStatusCode.OK).Select(poll => poll.Error), Is.All.EqualTo("authorization_pending").Or.EqualTo("invalid_grant"));
        }
    }

    [Test, Spec("A4")]
    public async Task An_assertion_that_one_node_took_is_refused_by_the_other()
    {
        var (assertion, other) = (Assertion(), Assertion());

        Answer[] calls = [await CallAsync(_a, assertion), await CallAsync(_b, assertion), await CallAsync(_b, other), await CallAsync(_a, other)];

        Assert.That(calls.Select(answer => answer.Status == HttpStatusCode.OK ? "200" : answer.Error), Is.EqualTo(new[] { "200", "invalid_client", "200", "invalid_client" }));

        static Task<Answer> CallAsync(QuickstartProcess node, string assertion) => node.PostAsync(
            "/bc-authorize", null, ("scope", "openid"), ("login_hint", "alice"), ("client_assertion_type", TestJwt.AssertionType), ("client_assertion", assertion));
    }

    private static string Assertion()
    {
        var now = DateTimeOffset.UtcNow;
        var claims = $$"""
            {"iss":"{{AssertionClient}}","sub":"{{AssertionClient}}","aud":"{{QuickstartProcess.Issuer}}","jti":"{{Guid.NewGuid()}}","iat":{{TestJwt.Seconds(now)}},"exp":{{TestJwt.Seconds(now.AddMinutes(1))}}}
            """;
        return TestJwt.Compose($$"""{"alg":"ES256","kid":"{{Key.KeyId}}"}""", claims, input => Key.Sign("ES256", input));
    }

    private static AuthenticationHeaderValue ClientBasic(string clientId) => CibaHost.Basic(clientId, $"{clientId}-secret");

    private static IEnumerable<string> Client(int number, string id, string method, params string[] more) =>
        ((string[])[$"ClientId={id}", $"ClientName={id}", $"TokenEndpointAuthMethod={method}", "BackchannelTokenDeliveryMode=poll", "Scopes:0=openid", .. more])
            .Select(setting => $"--Ciba:Clients:{number}:{setting}");
}
