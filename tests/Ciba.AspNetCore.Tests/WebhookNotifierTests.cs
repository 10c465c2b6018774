using System.Net;
using System.Text;
using System.Text.Json;
using Ciba.AspNetCore.Notifiers;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>The notifier that calls a service of the host, which then reaches the device.</summary>
[Spec("A21")]
public sealed class WebhookNotifierTests : IDisposable
{
    private const string Secret = "a-webhook-secret-of-more-than-32-characters";
    private const string Url = "https://push.example/ciba?key=url-key-4711";
    private const string Message = "pay-for-4711";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly FakeReceiver _webhook = new();

    public void Dispose() => _webhook.Dispose();

    [Test]
    public async Task A_call_says_what_waits_for_whom_and_is_signed()
    {
        await using var host = Host();

        var answer = await host.AuthorizeAsync(("binding_message", Message), ("scope", "openid profile"));

        var call = await _webhook.NextAsync();
        var id = await host.HandleAsync(answer.AuthReqId);
        var signature = call.Headers[0];
        using (Assert.EnterMultipleScope())
        {
            Assert.That((call.Method, call.Url.AbsoluteUri), Is.EqualTo((HttpMethod.Post, Url)));
            Assert.That(call.Headers, Is.EqualTo(new[] { signature, "Content-Type: application/json", $"Content-Length: {call.Body.Length}" }));
            Assert.That(call.Body, Is.EqualTo($$"""
                {"type":"ciba.request","sub":"sub-alice","id":"{{id}}","client_id":"client","client_name":"The client","scope":"openid profile","created_at":"2026-01-15T12:00:00+00:00","expires_at":"2026-01-15T12:02:00+00:00","binding_message":"{{Message}}"}
                """));
            Assert.That(call.Body, Does.Not.Contain(answer.AuthReqId));
            Assert.That(signature, Does.Match("^Ciba-Signature: t=1768478400,id=[0-9a-f]{32},v2=[0-9a-f]{64},v1=[0-9a-f]{64}$"));
            Assert.That(new CibaWebhookReceiver(Url, [Secret], timeProvider: host.Time).TryAccept(signature["Ciba-Signature: ".Length..], Encoding.UTF8.GetBytes(call.Body)), Is.True);
        }
    }

    [Test]
    public async Task Everything_that_a_request_may_have_is_told()
    {
        await using var host = Host();
        var notifier = (await host.ServicesAsync()).GetRequiredService<WebhookNotifier>();
        var at = host.Time.GetUtcNow();
        var request = new CibaRequest
        {
            Id = "Aid",
            Issuer = "https://id.example.com/a",
            ClientId = "shop",
            ClientName = "Zoë's \"Shop\"",
            ClientLogoUri = "https://shop.example/logo.png",
            Subject = "sub-alice",
            Scopes = ["openid", "pay"],
            BindingMessage = "W4SCT",
            BindingMessageChoices = ["AAAAA", "W4SCT", "BBBBB"],
            AuthorizationDetails = [JsonElement.Parse("""{"type":"payment","amount":"1.50"}""")],
            AcrValues = ["urn:acr:2", "urn:acr:1"],
            Resources = ["https://api.example.com", "urn:example:b"],
            RequestedIdTokenClaims = JsonElement.Parse("""{"name":null,"email":{"essential":true}}"""),
            RequestContext = JsonElement.Parse("""{"ip":"192.0.2.1","risk":1.50}"""),
            Interval = TimeSpan.FromSeconds(5),
            CreatedAt = at,
            ExpiresAt = at.AddMinutes(1),
            RetainedUntil = at.AddMinutes(2),
        };

        await notifier.NotifyAsync(new CibaDeviceRequest(request, CibaRequestStatus.Pending), CancellationToken.None);

        var call = await _webhook.NextAsync();
        Assert.That(call.Body, Is.EqualTo("""
            {"type":"ciba.request","sub":"sub-alice","issuer":"https://id.example.com/a","id":"Aid","client_id":"shop","client_name":"Zoë's \"Shop\"","scope":"openid pay","created_at":"2026-01-15T12:00:00+00:00","expires_at":"2026-01-15T12:01:00+00:00","client_logo_uri":"https://shop.example/logo.png","binding_message_choices":["AAAAA","W4SCT","BBBBB"],"authorization_details":[{"type":"payment","amount":"1.50"}],"acr_values":"urn:acr:2 urn:acr:1","resource":["https://api.example.com","urn:example:b"],"claims":["name","email"],"request_context":{"ip":"192.0.2.1","risk":1.50}}
            """));
        Assert.That(Verified(call, at), Is.True, "the receiver signs the same bytes");
    }

    [TestCase(200), TestCase(202), TestCase(204)]
    public async Task Any_2xx_is_success(int status)
    {
        _webhook.OnCall = (_, _) => FakeReceiver.Answer(status);
        await using var host = Host(CallbackCalls.Quietly);

        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(host.Devices.Calls, Is.Zero);
    }

    [TestCase(302), TestCase(307), TestCase(400), TestCase(401), TestCase(404), TestCase(410), TestCase(429), TestCase(500), TestCase(503)]
    public async Task Any_other_status_is_a_failure_of_which_the_log_has_the_status_alone(int status)
    {
        _webhook.OnCall = (call, _) => Task.FromResult(new HttpResponseMessage((HttpStatusCode)status) { ReasonPhrase = "said-by-it", Content = new StringContent(call.Body) });
        await using var host = Host(CallbackCalls.Quietly);

        Assert.That((await host.AuthorizeAsync(("binding_message", Message))).Status, Is.EqualTo(HttpStatusCode.OK));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(host.Devices.Calls, Is.EqualTo(1));
            Assert.That(host.Log.Ours.Select(line => line.Text), Has.One.Contains($"FakeDevices is tried System.Net.Http.HttpRequestException: The webhook answered with status {status}.{Environment.NewLine}"));
            SaysNothing(host);
        }
    }

    [Test]
    public async Task A_call_that_fails_or_hangs_is_made_again_through_the_outbox_with_a_new_signature()
    {
        _webhook.OnCall = (call, token) => call.Number switch
        {
            1 => FakeReceiver.Answer(500),
            2 => HangAsync(token),
            _ => FakeReceiver.Answer(204),
        };
        await using var host = Host(notifiers: ciba => ciba.AddWebhookNotifier(options => (options.Url, options.Secret, options.Timeout) = (Url, Secret, TimeSpan.FromSeconds(7))));
        var at = host.Time.GetUtcNow();
        await host.AuthorizeAsync(("binding_message", Message));

        var first = await _webhook.NextAsync();
        await host.WaitedAsync(1);
        var second = await _webhook.NextAsync();
        host.Time.Advance(TimeSpan.FromSeconds(7));
        await host.WaitedAsync(2);
        var third = await _webhook.NextAsync();
        await host.StopAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((first.Body, third.Body), Is.EqualTo((second.Body, first.Body)));
            Assert.That(Verified(first, at) && Verified(second, at.AddSeconds(1)) && Verified(third, at.AddSeconds(10)), Is.True);
            Assert.That(Verified(first, at.AddSeconds(1)), Is.False, "each has the time of its own call");
            Assert.That(_webhook.Calls, Is.EqualTo(3));
            SaysNothing(host);
        }
    }

    [Test, Spec("P8")]
    public async Task A_redirect_is_not_followed()
    {
        using var target = new RawServer();
        using var webhook = new RawServer($"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:{target.Port}/\r\nContent-Length: 0\r\n\r\n");
        await using var host = Over($"http://127.0.0.1:{webhook.Port}/hook", _ => { });

        Refusal.Says(await host.AuthorizeAsync(), "temporarily_unavailable", 503);

        Assert.That(await webhook.NextRequestAsync(), Does.StartWith("POST /hook HTTP/1.1\nHost: "));
        Assert.That(host.Log.Ours.Select(line => line.Text), Has.One.Contains("The webhook answered with status 307."));
        Assert.That(target.Connections, Is.Zero);
    }

    [Test, Spec("P8")]
    public async Task The_address_of_the_webhook_is_open_to_no_client()
    {
        using var webhook = new RawServer();
        var client = FakeReceiver.PingClient("local", $"https://127.0.0.1:{webhook.Port}/cb");
        await using var host = Over($"http://127.0.0.1:{webhook.Port}/hook", _ => { });
        host.Clients.Add(client);

        var refused = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(refused!.Problems, Is.EqualTo(new[]
        {
            $"Client '{client.ClientId}': BackchannelClientNotificationEndpoint goes to 127.0.0.1, which is closed to outgoing calls: open its network in CibaOptions.Callbacks.AllowedNetworks, or use a public address.",
        }));
    }

    [Test]
    public async Task What_the_HTTP_stack_says_of_a_failure_stays_out_of_the_log()
    {
        _webhook.OnCall = (call, _) => throw new InvalidOperationException($"{call.Url} {string.Join(' ', call.Headers)} {call.Body}");
        await using var host = Host(CallbackCalls.Quietly);

        await host.AuthorizeAsync(("binding_message", Message));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(host.Log.Ours.Select(line => line.Text), Has.One.Contains("The webhook was not reached: the call failed (InvalidOperationException)."));
            SaysNothing(host);
        }
    }

    private static IEnumerable<TestCaseData> Wrong()
    {
        const string Missing = "Url is missing or no absolute URL: set it to what is to be told, for instance https://push.example.com/ciba.";
        const string Short = "Secret must have 32 characters at least.";
        yield return Case("no URL", options => options.Url = "", Missing);
        yield return Case("Url = null", options => options.Url = null!, Missing);
        yield return Case("a path", options => options.Url = "/ciba", Missing);
        yield return Case("ftp", options => options.Url = "ftp://push.example/ciba", Missing);
        yield return Case("http", options => options.Url = "http://push.example/ciba", "Url must be an https URL (http only for loopback).");
        yield return Case("fragment", options => options.Url = "https://push.example/ciba#x", "Url must have no fragment or user information.");
        yield return Case("user", options => options.Url = "https://me:pw@push.example/ciba", "Url must have no fragment or user information.");
        yield return Case("no secret", options => options.Secret = "", Short);
        yield return Case("Secret = null", options => options.Secret = null!, Short);
        yield return Case("a short second secret", options => options.SecondSecret = "short", "SecondSecret must have 32 characters at least, or be left out.");
        yield return Case("31 characters", options => options.Secret = new string('s', 31), Short);
        yield return Case("no time", options => options.Timeout = TimeSpan.Zero, "Timeout must be between 00:00:00.0010000 and 00:05:00, not 00:00:00.");
        yield return Case("an hour", options => options.Timeout = TimeSpan.FromHours(1), "Timeout must be between 00:00:00.0010000 and 00:05:00, not 01:00:00.");

        static TestCaseData Case(string name, Action<CibaWebhookOptions> change, string sentence) => new TestCaseData(change, sentence).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Wrong)), Spec("D7")]
    public async Task A_setting_that_is_wrong_stops_the_host_with_its_rule(Action<CibaWebhookOptions> change, string sentence)
    {
        await using var host = Host(notifiers: ciba => ciba.AddWebhookNotifier(Configure).AddWebhookNotifier(change));

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { $"CibaWebhookOptions: {sentence}" }));
    }

    [TestCase("http://127.0.0.1:5000/ciba"), TestCase("https://10.1.2.3/ciba"), TestCase("https://push.example/ciba?key=1")]
    public async Task A_webhook_at_any_address_with_a_secret_that_is_long_enough_is_taken(string url)
    {
        await using var host = Host(
            notifiers: ciba => ciba.AddWebhookNotifier(options => (options.Url, options.Secret, options.Timeout) = (url, new string('s', 32), TimeSpan.FromMinutes(5))));

        await host.StartedAsync();
    }

    private static void Configure(CibaWebhookOptions options) => (options.Url, options.Secret) = (Url, Secret);

    private static bool Verified(ReceivedCall call, DateTimeOffset now) => CibaWebhookSignature.Verify(
        call.Headers.Single(header => header.StartsWith("Ciba-Signature: ", StringComparison.Ordinal))["Ciba-Signature: ".Length..], Encoding.UTF8.GetBytes(call.Body), Secret, now, TimeSpan.Zero);

    private static async Task<HttpResponseMessage> HangAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(Bound, cancellationToken);
        throw new TimeoutException("Nobody has ended the call.");
    }

    /// <summary>Nothing in the log, the HTTP stack's lines among it, is a secret or somebody's data.</summary>
    private static void SaysNothing(CibaHost host)
    {
        string[] secrets = [Secret, "url-key-4711", Message, "alice", "v1=", "said-by-it"];
        Assert.That(host.Log.Lines.Select(line => line.Text).Where(text => secrets.Any(secret => text.Contains(secret, StringComparison.OrdinalIgnoreCase))), Is.Empty);
    }

    private CibaHost Host(Action<CibaOptions>? options = null, Action<CibaBuilder>? notifiers = null) => new()
    {
        Options = options,
        Notifiers = notifiers ?? (ciba => ciba.AddWebhookNotifier(Configure).AddDeviceNotifier<FakeDevices>()),
        Setup = ciba => _webhook.Use(ciba, CibaWebhookOptions.HttpClientName),
    };

    /// <summary>A host that calls over real sockets, and nobody but the webhook.</summary>
    private static CibaHost Over(string url, Action<CibaOptions> change, Action<CibaBuilder>? setup = null) => new()
    {
        Options = options =>
        {
            CallbackCalls.Quietly(options);
            change(options);
        },
        Notifiers = ciba => ciba.AddWebhookNotifier(options => (options.Url, options.Secret) = (url, Secret)),
        Setup = setup,
    };
}
