using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>Sections 10.3 and 12: a push client is sent its tokens, or why there are none.</summary>
public sealed class PushTests : IDisposable
{
    private readonly FakeReceiver _receiver = new();
    private readonly PushIssuer _issuer = new();

    public void Dispose()
    {
        _issuer.Dispose();
        _receiver.Dispose();
    }

    [Test, Spec("P2"), Spec("P3"), Spec("I3")]
    public async Task A_push_holds_the_tokens_and_the_id_token_is_bound_to_them()
    {
        await using var host = Host();
        var id = (await host.AskAsync()).AuthReqId;
        await host.ApproveAsync(id);

        var push = await _receiver.NextAsync();

        var (access, idToken) = (push.Tokens.Text("access_token")!, ReceivedToken.Id(push.Tokens));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(push.Method, Is.EqualTo(HttpMethod.Post));
            Assert.That(push.Url.AbsoluteUri, Is.EqualTo(FakeReceiver.Endpoint));
            Assert.That(push.Body, Is.EqualTo($$"""{"auth_req_id":"{{id}}","access_token":"{{access}}","token_type":"Bearer","expires_in":3600,"id_token":"{{push.Tokens.Text("id_token")}}"}"""));
            Assert.That(push.Headers, Is.EquivalentTo(new[]
            {
                $"Authorization: Bearer {CallbackCalls.NotificationToken}",
                "Content-Type: application/json",
                $"Content-Length: {push.Body.Length}",
            }));
            Assert.That(await idToken.IsSignedByAsync(host));
            Assert.That(idToken.ClaimsJson, Is.EqualTo($$"""{"iss":"{{CibaHost.Issuer}}","sub":"sub-alice","aud":"client","iat":1768478400,"exp":1768482000,"auth_time":1768478400,"at_hash":"{{ReceivedToken.HalfHash("ES256", access)}}","urn:openid:params:jwt:claim:auth_req_id":"{{id}}"}"""));
        }
    }

    [Test, Spec("P2"), Spec("P3")]
    public async Task A_refresh_token_is_sent_and_bound_too()
    {
        _issuer.RefreshToken = "refresh-1";
        await using var host = Host(setup: _issuer.Use);
        var id = (await host.AskAsync()).AuthReqId;
        await host.ApproveAsync(id);

        var push = await _receiver.NextAsync();

        var claims = ReceivedToken.Id(push.Tokens).Claims;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(push.Body, Is.EqualTo($$"""{"auth_req_id":"{{id}}","access_token":"access-1","token_type":"Bearer","refresh_token":"refresh-1","expires_in":600,"id_token":"{{push.Tokens.Text("id_token")}}"}"""));
            Assert.That(claims.GetProperty("urn:openid:params:jwt:claim:auth_req_id").GetString(), Is.EqualTo(id));
            Assert.That(claims.GetProperty("at_hash").GetString(), Is.EqualTo(ReceivedToken.HalfHash("ES256", "access-1")));
            Assert.That(claims.GetProperty("urn:openid:params:jwt:claim:rt_hash").GetString(), Is.EqualTo(ReceivedToken.HalfHash("ES256", "refresh-1")));
            Assert.That(claims.TryGetProperty("rt_hash", out _), Is.False, "section 10.3.1 knows it by its URN alone");
        }
    }

    [TestCase("openid", "openid"), TestCase("openid email", null), Spec("P2"), Spec("U4")]
    public async Task The_scope_is_sent_where_the_user_granted_less(string granted, string? sent)
    {
        await using var host = Host();
        var id = (await host.AskAsync(("scope", "email openid"))).AuthReqId;
        await host.ApproveAsync(id, approval: new CibaApproval { Scopes = granted.Split(' ') });

        Assert.That((await _receiver.NextAsync()).Tokens.Text("scope"), Is.EqualTo(sent));
    }

    [TestCase("deny", "access_denied", "The authentication request was denied.")]
    [TestCase("fail", "transaction_failed", "The user could not be asked.")]
    [TestCase("lock", "access_denied", "This user cannot authenticate at present.")]
    [Spec("P4")]
    public async Task A_client_without_tokens_is_told_why(string answer, string error, string description)
    {
        await using var host = Host(setup: _issuer.Use);
        await host.FirstLookAsync();
        var id = (await host.AskAsync()).AuthReqId;
        await (answer switch
        {
            "deny" => host.DenyAsync(id),
            "fail" => host.FailAsync(id),
            _ => ApproveAndLockAsync(host, id),
        });

        var push = await _receiver.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(push.Body, Is.EqualTo($$"""{"auth_req_id":"{{id}}","error":"{{error}}","error_description":"{{description}}"}"""));
            Assert.That(push.Headers, Does.Contain($"Authorization: Bearer {CallbackCalls.NotificationToken}"));
            Assert.That(_issuer.Calls, Is.Zero);
        }
    }

    [Test, Spec("P4"), Spec("A22")]
    public async Task A_user_who_is_locked_after_the_yes_gets_nobody_tokens()
    {
        await using var host = Host(setup: _issuer.Use);
        _issuer.OnIssue = _ => throw new InvalidOperationException("The key store is away.");
        var id = (await host.AskAsync()).AuthReqId;
        await host.ApproveAsync(id);
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(1));

        host.Users.Lock("alice");
        host.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.That((await _receiver.NextAsync()).Tokens.Error, Is.EqualTo("access_denied"));
    }

    [Test, Spec("P4")]
    public async Task An_expiry_is_told_within_five_seconds_and_once()
    {
        await using var host = Host();
        await host.FirstLookAsync();
        var id = (await host.AskAsync(("requested_expiry", "7"))).AuthReqId;

        await host.LookAsync();
        Assert.That(_receiver.Calls, Is.Zero, "it is alive");
        await host.LookAsync();

        Assert.That(
            (await _receiver.NextAsync()).Body,
            Is.EqualTo($$"""{"auth_req_id":"{{id}}","error":"expired_token","error_description":"The auth_req_id has expired: make a new authentication request."}"""));
        for (var looks = 0; looks < 12; looks++)
        {
            await host.LookAsync();
        }

        await host.StopAsync();
        Assert.That(_receiver.Calls, Is.EqualTo(1));
    }

    [Test, Spec("A16")]
    public async Task A_push_client_is_told_no_interval()
    {
        await using var host = Host();

        var answer = await host.AskAsync();

        Assert.That(answer.Body, Is.EqualTo($$"""{"auth_req_id":"{{answer.AuthReqId}}","expires_in":120}"""));
    }

    [Test, Spec("T6"), Spec("T14")]
    public async Task A_push_client_that_polls_is_refused_and_gets_its_push_all_the_same()
    {
        await using var host = Host();
        var id = (await host.AskAsync()).AuthReqId;

        Refusal.Says(await host.PollAsync(id), "unauthorized_client");
        Refusal.Says(await host.PollAsync(ClientCalls.UnknownRequest), "unauthorized_client");
        await using (var scope = (await host.ServicesAsync()).CreateAsyncScope())
        {
            var grant = await scope.ServiceProvider.GetRequiredService<ICibaGrants>().RedeemAsync(id, "client", CancellationToken.None);
            Assert.That(grant.Error?.Error, Is.EqualTo("unauthorized_client"));
        }

        Assert.That(await host.ApproveAsync(id), Is.EqualTo(CibaDecisionResult.Done));
        Assert.That((await _receiver.NextAsync()).Tokens.Text("access_token"), Is.Not.Null);
        Refusal.Says(await host.PollAsync(id), "unauthorized_client");
    }

    [Test, Spec("P2"), Spec("P5")]
    public async Task Another_try_sends_the_same_tokens_with_the_time_that_is_left()
    {
        await using var host = Host(setup: _issuer.Use);
        _receiver.OnCall = (call, _) => FakeReceiver.Answer(call.Number <= 3 ? 503 : 200);
        var id = (await host.AskAsync()).AuthReqId;
        await host.ApproveAsync(id);

        var bodies = new List<string> { (await _receiver.NextAsync()).Body };
        foreach (var wait in new[] { 1, 2, 4 })
        {
            await host.WaitedAsync(wait);
            bodies.Add((await _receiver.NextAsync()).Body);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(bodies.Select(body => new Answer(new HttpResponseMessage(), body).Json.GetProperty("expires_in").GetInt64()), Is.EqualTo(new[] { 600, 599, 597, 593 }));
            Assert.That(bodies.Select(body => System.Text.RegularExpressions.Regex.Replace(body, "\"expires_in\":[0-9]+", "")).Distinct(), Has.One.Items);
            Assert.That(_issuer.Calls, Is.EqualTo(1));
        }
    }

    [Test, Spec("P2"), Spec("P5")]
    public async Task A_device_that_is_told_slowly_does_not_make_another_try_send_other_tokens()
    {
        var told = new Gate();
        using var store = new HookedStore();
        await using var host = Host(setup: ciba =>
        {
            _issuer.Use(ciba);
            store.Use(ciba);
        }, change: options => options.DeviceNotification = CibaDeviceNotificationMode.Background);
        host.Devices.OnNotify = (_, _) => told.PassAsync(CancellationToken.None);
        _receiver.OnCall = (call, _) => FakeReceiver.Answer(call.Number == 1 ? 503 : 200);
        var postponed = new TaskCompletionSource();
        var id = (await host.AskAsync()).AuthReqId;
        await told.ReachedAsync();

        await host.ApproveAsync(id);
        await _receiver.NextAsync();
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(1));
        store.Before = step =>
        {
            // Whatever becomes of the notification is put down before this.
            if (step == nameof(ICibaOutbox.PostponeAsync))
            {
                postponed.TrySetResult();
            }

            return Task.CompletedTask;
        };
        told.Open();
        await postponed.Task.WaitAsync(TimeSpan.FromSeconds(20));
        host.Time.Advance(TimeSpan.FromSeconds(1));
        await _receiver.NextAsync();

        Assert.That(_issuer.Calls, Is.EqualTo(1));
    }

    [Test, Spec("T12"), Spec("P2")]
    public async Task An_issuer_that_fails_is_asked_again_and_the_tokens_arrive()
    {
        await using var host = Host(setup: _issuer.Use);
        _issuer.OnIssue = call => _ = call <= 2 ? throw new InvalidOperationException("The key store is away.") : 0;
        var id = (await host.AskAsync()).AuthReqId;
        await host.ApproveAsync(id);
        await host.WaitedAsync(1);
        await host.WaitedAsync(2);

        var push = await _receiver.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(push.Tokens.Text("access_token"), Is.EqualTo("access-3"));
            Assert.That(_receiver.Calls, Is.EqualTo(1));
            Assert.That(host.Log.Ours.Count(line => line.Text.Contains("The key store is away.", StringComparison.Ordinal)), Is.EqualTo(2));
        }
    }

    private static async Task ApproveAndLockAsync(CibaHost host, string id)
    {
        // As another node does that dies then: the look delivers.
        var store = (await host.ServicesAsync()).GetRequiredService<ICibaRequestStore>();
        var now = host.Time.GetUtcNow();
        await store.DecideAsync(await host.HandleAsync(id), "sub-alice", new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = now, Scopes = ["openid"], AuthTime = now }, now, CancellationToken.None);
        host.Users.Lock("alice");
        host.Time.Advance(TimeSpan.FromSeconds(5));
    }

    private CibaHost Host(Action<CibaBuilder>? setup = null, Action<CibaOptions>? change = null) => new()
    {
        Clients = [FakeReceiver.PushClient()],
        Options = change ?? CallbackCalls.Quietly,
        Setup = ciba =>
        {
            _receiver.Use(ciba);
            setup?.Invoke(ciba);
        },
    };
}
