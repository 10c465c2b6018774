using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>What the operator reads: every step at its level, and nothing that is anybody's secret.</summary>
public sealed class LoggingTests
{
    private const string UserCode = "code-8157";
    private const string Message = "pay-for-4711";
    private const string WrongSecret = "not-the-secret-of-anybody";
    private const string UnknownHint = "nobody@example.com";

    [Test]
    public async Task A_request_is_followed_from_its_acceptance_to_its_redemption()
    {
        await using var host = Quiet();
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(authReqId);
        await host.PollAsync(authReqId);
        await host.PollAsync(authReqId);

        var name = Short(authReqId);
        Assert.That(host.Log.Ours.Select(line => (line.Level, line.Text.Trim())), Is.EqualTo(new[]
        {
            (LogLevel.Information, $"Authentication request {name} of client client accepted until 2026-01-15T12:02:00.0000000+00:00"),
            (LogLevel.Information, $"Request {name} decided: Approved"),
            (LogLevel.Information, $"Request {name} redeemed by client client"),
            (LogLevel.Warning, $"Client client sent the auth_req_id of request {name} again, which was redeemed before"),
            (LogLevel.Debug, "Token request of client client refused: invalid_grant, The auth_req_id is unknown, used, or not this client's."),
        }));
    }

    [Test]
    public async Task A_denial_and_an_expiry_are_told()
    {
        await using var host = Quiet();
        var denied = (await host.AuthorizeAsync()).AuthReqId;
        var expired = (await host.AuthorizeAsync()).AuthReqId;
        await host.DenyAsync(denied);
        host.Time.Advance(TimeSpan.FromMinutes(2));
        await host.PollAsync(expired);

        var lines = host.Log.Ours.Select(line => (line.Level, line.Text.Trim())).ToList();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(lines, Does.Contain((LogLevel.Information, $"Request {Short(denied)} decided: Denied")));
            Assert.That(lines, Does.Contain((LogLevel.Information, $"Request {Short(expired)} of client client expired before it was redeemed")));
        }
    }

    [Test, Spec("T2")]
    public async Task A_poll_that_finds_the_user_still_thinking_logs_nothing()
    {
        await using var host = Quiet();
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        host.Log.Lines.Clear();

        var answer = await host.PollAsync(authReqId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Error, Is.EqualTo("authorization_pending"));
            Assert.That(host.Log.Ours.Where(line => line.Level > LogLevel.Trace), Is.Empty);
        }
    }

    [Test]
    public async Task What_a_client_does_wrong_that_it_has_proved_to_be_is_told_at_debug_and_no_louder()
    {
        await using var host = Quiet();
        await host.StartedAsync();
        host.Log.Lines.Clear();

        await host.AuthorizeAsync(("login_hint", UnknownHint));
        await host.AuthorizeAsync(("scope", "profile"));
        await host.PollAsync("junk");
        await host.PollAsync(null);
        await host.PollAsync("junk", ("grant_type", "password"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(host.Log.Ours.Select(line => line.Level), Has.All.EqualTo(LogLevel.Debug).And.Exactly(5).Items);
            Assert.That(host.Log.Ours.First().Text.Trim(), Is.EqualTo("Authentication request of client client refused: unknown_user_id, The hint does not name a known user."));
        }
    }

    [Test]
    public async Task Keys_that_are_gone_with_the_process_are_warned_of_once()
    {
        await using var host = new CibaHost();
        await host.StartedAsync();

        Assert.That(host.Log.Ours.Select(line => (line.Level, line.Text.Trim())), Is.EqualTo(new[]
        {
            (LogLevel.Warning, "Tokens are signed with keys that were made just now and are gone with this process: no other node, and no later start, has them. Give AddJwtTokenIssuer signing credentials"),
        }));
    }

    [TestCase(CibaDeviceNotificationMode.Background), TestCase(CibaDeviceNotificationMode.BeforeAcknowledgement)]
    public async Task Nothing_secret_or_of_the_users_is_in_the_log(CibaDeviceNotificationMode notification)
    {
        var client = CibaHost.Client("client");
        client.BackchannelUserCodeParameter = true;
        client.Scopes = ["profile"];
        var broken = false;
        var host = new CibaHost
        {
            Clients = [client, CibaHost.Client("other")],
            Options = options => options.DeviceNotification = notification,
            Tokens = options => options.ConfigureIdToken = (_, claims) => claims["x"] = broken ? new object() : "x",
        };
        var ids = new List<string>();
        var secrets = new List<string> { CibaHost.Secret, WrongSecret, UserCode, Message, UnknownHint, "alice", "top-secret-scope", "junk-id", "eyJhbGciOi" };
        await using (host)
        {
            host.Users.Codes["alice"] = UserCode;

            // Accepted, decided, redeemed (the issuer failing at first), replayed.
            await AcceptAsync();
            await DecideAsync("approve");
            broken = true;
            await host.PollAsync(ids[^1]);
            broken = false;
            var tokens = await host.PollAsync(ids[^1]);
            secrets.AddRange([tokens.Text("access_token")!, tokens.Text("id_token")!]);
            await host.PollAsync(ids[^1]);
            await host.PollAsync(ids[^1], ("client_id", "other"));
            await DecideAsync("approve");

            // Denied, and expired.
            await AcceptAsync();
            await DecideAsync("deny");
            await host.PollAsync(ids[^1]);
            await AcceptAsync();
            await host.PollAsync(ids[^1]);
            await host.PollAsync(ids[^1]);
            host.Time.Advance(TimeSpan.FromMinutes(2));
            await host.PollAsync(ids[^1]);
            await DecideAsync("approve");

            // Refused.
            await host.AuthorizeAsync(("client_secret", WrongSecret));
            await host.AuthorizeAsync(("login_hint", UnknownHint));
            await host.AuthorizeAsync(("user_code", "wrong-" + UserCode));
            await host.AuthorizeAsync(("user_code", UserCode), ("binding_message", Message + '\u202E'));
            await host.AuthorizeAsync(("scope", "openid top-secret-scope"));
            await host.AuthorizeAsync((CibaHost.Secret, "1"), (CibaHost.Secret, "2"));
            await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", tokens.Text("id_token") + "x"));
            await host.PollAsync("junk-id");
            await host.PollAsync(tokens.Text("access_token"));
            host.Users.Lock("alice");
            await host.AuthorizeAsync(("user_code", UserCode));
            host.Users.Unlock("alice");

            // A notifier that fails.
            host.Devices.OnNotify = (_, _) => throw new InvalidOperationException("no signal");
            await AcceptAsync(notification == CibaDeviceNotificationMode.Background);

            // Waits for the notifications that are on their way.
            await (await host.ServicesAsync()).GetRequiredService<IHost>().StopAsync();
        }

        secrets.AddRange(ids);
        secrets.AddRange(ids.Select(id => CibaRequestId.FromAuthReqId(id)!));
        var lines = host.Log.Ours.ToList();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(lines, Has.Count.GreaterThan(20));
            Assert.That(lines.Select(line => line.Text), Has.Some.Contains("no signal"));
            Assert.That(lines.Where(line => secrets.Any(secret => line.Text.Contains(secret, StringComparison.OrdinalIgnoreCase))), Is.Empty);
        }

        async Task AcceptAsync(bool accepted = true)
        {
            var answer = await host.AuthorizeAsync(("binding_message", Message), ("user_code", UserCode), ("scope", "openid profile"));
            if (accepted)
            {
                ids.Add(answer.AuthReqId);
            }
        }

        Task<Answer> DecideAsync(string action) => host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(ids[^1])}/{action}", "alice");
    }

    [Test]
    public async Task A_failure_at_the_devices_endpoint_does_not_put_the_requests_handle_into_the_log()
    {
        await using var host = new CibaHost { Setup = ciba => ciba.AddUserLookup<BrokenUsers>() };
        const string Handle = "Ahandlehandlehandlehandlehandlehandlehandlex";

        var answer = await host.DeviceAsync(HttpMethod.Post, $"/requests/{Handle}/deny", "alice");

        using (Assert.EnterMultipleScope())
        {
            DeviceEndpointTests.AssertProblem(answer, 500, CibaError.ServerError.Description);
            Assert.That(host.Log.Ours.Where(line => line.Level == LogLevel.Error).Select(line => line.Text), Has.Exactly(1).StartsWith("The request to CIBA device: deny failed"));
            Assert.That(host.Log.Ours.Select(line => line.Text), Has.None.Contains(Handle));
        }
    }

    private static CibaHost Quiet() => new() { Tokens = options => options.SigningCredentials = [TestKeys.Make("ES256")] };

    private static string Short(string authReqId) => CibaRequestId.FromAuthReqId(authReqId)![..10];

    private sealed class BrokenUsers : ICibaUserLookup
    {
        public ValueTask<CibaUserLookupResult> FindAsync(CibaHint hint, CibaClient client, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<bool> IsActiveAsync(string subject, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<bool> IsUserCodeAsync(string subject, string userCode, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
