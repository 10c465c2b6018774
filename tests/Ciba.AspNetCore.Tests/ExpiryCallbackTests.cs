namespace Ciba.AspNetCore.Tests;

/// <summary>Section 12: what a client is told of a request whose time is over, and that nothing else is said of it.</summary>
[Spec("P4")]
public sealed class ExpiryCallbackTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly FakeReceiver _receiver = new();
    private readonly FakeEvents _events = new();
    private readonly HookedStore _store = new();
    private readonly HookedUsers _users = new();
    private readonly PushIssuer _issuer = new();

    public void Dispose()
    {
        _issuer.Dispose();
        _store.Dispose();
        _receiver.Dispose();
    }

    [TestCase("push"), TestCase("ping"), Spec("A21")]
    public async Task A_client_whose_users_device_never_could_be_told_learns_of_the_expiry(string mode)
    {
        await using var host = Host(mode, CibaDeviceNotificationMode.Background);
        host.Devices.OnNotify = (_, _) => throw new InvalidOperationException("The push service is away.");
        var (postponed, givenUp) = (0, new TaskCompletionSource());
        _store.AfterPostpone = () => _ = Interlocked.Increment(ref postponed) == 3 && givenUp.TrySetResult();
        await host.FirstLookAsync();
        var id = (await host.AskAsync(("requested_expiry", "7"))).AuthReqId;

        // At 3 s it fails for the last time: the next try would be at 7 s.
        await host.WaitedAsync(1);
        await host.WaitedAsync(2);
        await givenUp.Task.WaitAsync(Bound);
        Assert.That(_receiver.Calls, Is.Zero, "it is alive");
        await host.LookAsync();
        await host.LookAsync();

        var call = await _receiver.NextAsync();
        var heard = await _events.NextAsync(CibaEventKind.Expired);
        await PassAsync(host);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(call.Tokens.AuthReqId, Is.EqualTo(id));
            Assert.That(call.Body, mode == "push" ? Does.Contain("\"error\":\"expired_token\"") : Does.Not.Contain("error"));
            Assert.That(heard.RequestId, Is.EqualTo(await host.HandleAsync(id)));
            Assert.That(_receiver.Calls, Is.EqualTo(1));
            Assert.That(host.Devices.Calls, Is.EqualTo(3));
        }
    }

    [Test, Spec("T4")]
    public async Task A_yes_that_comes_after_the_client_was_told_of_the_expiry_is_too_late()
    {
        var asked = new Gate();
        await using var host = Host("push");
        await host.FirstLookAsync();
        var id = (await host.AskAsync(("requested_expiry", "7"))).AuthReqId;
        _users.OnActive = _ => asked.PassAsync();
        var approving = host.ApproveAsync(id);
        await asked.ReachedAsync();
        await host.LookAsync();
        await host.LookAsync();
        var push = await _receiver.NextAsync();

        asked.Open();
        var result = await approving.WaitAsync(Bound);

        await PassAsync(host);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(push.Tokens.Error, Is.EqualTo("expired_token"));
            Assert.That(result, Is.EqualTo(CibaDecisionResult.Expired));
            Assert.That(_receiver.Calls, Is.EqualTo(1));
            Assert.That(_issuer.Calls, Is.Zero);
        }
    }

    [Test, Spec("P2")]
    public async Task An_approval_that_is_found_when_the_request_has_expired_sends_no_tokens()
    {
        await using var host = Host("push");
        await host.FirstLookAsync();
        var id = (await host.AskAsync(("requested_expiry", "5"))).AuthReqId;

        // As on a node that dies then.
        var now = host.Time.GetUtcNow();
        var decision = new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = now, Scopes = ["openid"], AuthTime = now };
        await _store.DecideAsync(await host.HandleAsync(id), "sub-alice", decision, now, CancellationToken.None);
        await host.LookAsync();

        var push = await _receiver.NextAsync();
        await PassAsync(host);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(push.Body, Is.EqualTo($$"""{"auth_req_id":"{{id}}","error":"expired_token","error_description":"The auth_req_id has expired: make a new authentication request."}"""));
            Assert.That(_receiver.Calls, Is.EqualTo(1));
            Assert.That(_issuer.Calls, Is.Zero);
        }
    }

    /// <summary>Lets half a minute pass, with all that comes due in it.</summary>
    private static async Task PassAsync(CibaHost host)
    {
        for (var looks = 0; looks < 6; looks++)
        {
            await host.LookAsync();
        }

        await host.StopAsync();
    }

    private CibaHost Host(string mode, CibaDeviceNotificationMode notification = CibaDeviceNotificationMode.BeforeAcknowledgement) => new()
    {
        Clients = [mode == "ping" ? FakeReceiver.PingClient() : FakeReceiver.PushClient()],
        Options = options =>
        {
            options.DeviceNotification = notification;
            options.Callbacks.PingOnExpiry = true;
        },
        Setup = ciba =>
        {
            _receiver.Use(ciba);
            _events.Use(ciba);
            _store.Use(ciba);
            _users.Use(ciba);
            _issuer.Use(ciba);
        },
    };
}
