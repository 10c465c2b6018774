using Ciba.AspNetCore.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Ciba.AspNetCore.Tests;

/// <summary>What a node that died left behind is done by another, and what was done is not done again.</summary>
[Spec("P9")]
public sealed class OutboxWorkerTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly FakeReceiver _receiver = new();
    private readonly HookedStore _store = new();

    public void Dispose()
    {
        _store.Dispose();
        _receiver.Dispose();
    }

    [TestCase("ping"), TestCase("push")]
    public async Task A_decision_whose_node_died_before_it_began_is_found_by_the_look(string mode)
    {
        await using var host = Host(mode);
        await host.FirstLookAsync();
        var id = (await host.AskAsync()).AuthReqId;
        await DecideAsync(host, id);
        Assert.That(_receiver.Calls, Is.Zero);

        await host.LookAsync();

        Assert.That((await _receiver.NextAsync()).Tokens.AuthReqId, Is.EqualTo(id));
    }

    [Test, Spec("P5")]
    public async Task A_ping_that_is_found_when_the_request_has_expired_is_not_sent()
    {
        await using var host = Host();
        await host.FirstLookAsync();
        await DecideAsync(host, (await host.AskAsync(("requested_expiry", "5"))).AuthReqId);

        await host.LookAsync();
        await host.StopAsync();

        Assert.That(_receiver.Calls, Is.Zero);
        Assert.That(host.Log.Ours.Select(line => line.Text), Has.One.Contains("will not be: the request expired before"));
    }

    [Test]
    public async Task What_another_node_holds_is_left_to_it_until_its_hold_ends()
    {
        await using var host = Host();
        await host.FirstLookAsync();
        var id = (await host.AskAsync()).AuthReqId;
        await DecideAsync(host, id);
        var now = host.Time.GetUtcNow();
        Assert.That(await _store.ClaimAsync(await host.HandleAsync(id), now, now.AddSeconds(14), CancellationToken.None), Is.Not.Null);

        await host.LookAsync();
        await host.LookAsync();
        Assert.That(_store.Calls.Count(step => step == nameof(ICibaOutbox.SettleAsync)), Is.Zero);
        Assert.That(_receiver.Calls, Is.Zero);
        await host.LookAsync();

        Assert.That((await _receiver.NextAsync()).Tokens.AuthReqId, Is.EqualTo(id));
    }

    [Test]
    public async Task A_node_that_died_in_the_middle_of_a_call_is_followed_by_another()
    {
        var gate = new Gate();
        using var dead = new FakeReceiver
        {
            OnCall = async (_, _) =>
        {
            await gate.PassAsync(CancellationToken.None);
            return await FakeReceiver.Answer(204);
        }
        };
        using var shared = new MemoryCibaRequestStore(new ManualTime());
        await using var first = Node(shared, dead);
        await using var second = Node(shared, _receiver);
        await second.StartedAsync();
        await second.Time.TimerSetAsync(TimeSpan.FromSeconds(5));
        var id = (await first.AskAsync()).AuthReqId;
        await first.ApproveAsync(id);
        await gate.ReachedAsync();

        // A call of 10 s at most, three times over, and the 10 s of OutboxLease.
        for (var looks = 0; looks < 7; looks++)
        {
            await second.LookAsync();
        }

        Assert.That(_receiver.Calls, Is.Zero);
        await second.LookAsync();
        Assert.That((await _receiver.NextAsync()).Tokens.AuthReqId, Is.EqualTo(id));
        gate.Open();
    }

    [Test, Spec("A21")]
    public async Task A_device_that_a_dead_node_did_not_tell_is_told_once()
    {
        await using var host = Host();
        await host.FirstLookAsync();
        var request = await LeftBehindAsync(host);

        await host.LookAsync();

        Assert.That((await host.Devices.NextAsync()).Id, Is.EqualTo(request.Id));
        for (var looks = 0; looks < 40; looks++)
        {
            await host.LookAsync();
        }

        await host.StopAsync();
        Assert.That(host.Devices.Calls, Is.EqualTo(1));
    }

    [Test, Spec("P4")]
    public async Task A_push_client_whose_device_was_told_in_the_background_learns_of_the_expiry()
    {
        await using var host = Host("push", CibaDeviceNotificationMode.Background);
        await host.FirstLookAsync();
        var told = new TaskCompletionSource();
        _store.AfterPostpone = told.SetResult;
        await host.AskAsync(("requested_expiry", "7"));
        await told.Task.WaitAsync(Bound);

        await host.LookAsync();
        await host.LookAsync();

        Assert.That((await _receiver.NextAsync()).Tokens.Error, Is.EqualTo("expired_token"));
    }

    [TestCase("ping"), TestCase("push"), Spec("P1")]
    public async Task What_was_delivered_is_not_delivered_again_when_the_store_could_not_be_told(string mode)
    {
        await using var host = Host(mode);
        await host.FirstLookAsync();
        var isAway = true;
        var settled = new TaskCompletionSource();
        _store.Before = step =>
        {
            if (step == nameof(ICibaOutbox.SettleAsync))
            {
                _ = isAway ? throw new CibaStoreUnavailableException("The store is away.") : settled.TrySetResult();
            }

            return Task.CompletedTask;
        };
        await host.ApproveAsync((await host.AskAsync(("requested_expiry", "300"))).AuthReqId);
        await _receiver.NextAsync();

        // The entry is held for 50 s, and comes due again then.
        for (var looks = 0; looks < 12; looks++)
        {
            await host.LookAsync(isHeldUp: true);
        }

        isAway = false;
        for (var looks = 0; looks < 12 && !settled.Task.IsCompleted; looks++)
        {
            await host.LookAsync(isHeldUp: true);
        }

        await settled.Task.WaitAsync(Bound);
        await host.StopAsync();
        Assert.That(_receiver.Calls, Is.EqualTo(1));
    }

    [Test, Spec("P5")]
    public async Task A_store_that_is_away_when_another_try_is_put_down_delays_that_try_only()
    {
        await using var host = Host();
        _receiver.OnCall = (call, _) => FakeReceiver.Answer(call.Number == 1 ? 503 : 204);
        var failures = 0;
        _store.Before = step => step == nameof(ICibaOutbox.PostponeAsync) && ++failures <= 2 ? throw new CibaStoreUnavailableException("The store is away.") : Task.CompletedTask;
        await host.ApproveAsync((await host.AskAsync()).AuthReqId);
        await _receiver.NextAsync();

        // For the store, which takes longer than the wait for the receiver.
        foreach (var _ in new[] { "store", "store again" })
        {
            await host.WaitedAsync(1);
        }

        Assert.That((await _receiver.NextAsync()).Number, Is.EqualTo(2));
        Assert.That(failures, Is.EqualTo(3));
    }

    [Test]
    public async Task A_look_that_the_store_fails_is_told_once_and_taken_again()
    {
        await using var host = Host();
        await host.FirstLookAsync();
        await DecideAsync(host, (await host.AskAsync()).AuthReqId);
        _store.Before = step => step == nameof(ICibaOutbox.ClaimDueAsync) ? throw new CibaStoreUnavailableException("The store is away.") : Task.CompletedTask;
        await host.LookAsync();
        await host.LookAsync();

        _store.Before = _ => Task.CompletedTask;
        await host.LookAsync();
        await _receiver.NextAsync();

        Assert.That(host.Log.Ours.Select(line => line.Text.Trim()), Has.One.EqualTo("The outbox could not be read: The store is away."));
    }

    [Test]
    public async Task More_than_one_look_takes_at_once_is_delivered_all_the_same()
    {
        await using var host = Host(options: options => options.Limits.SwitchOff());
        await host.FirstLookAsync();
        var ids = new List<string>();
        for (var i = 0; i < 250; i++)
        {
            ids.Add((await host.AskAsync()).AuthReqId);
            await DecideAsync(host, ids[^1]);
        }

        await host.LookAsync();

        var told = new List<string>();
        while (told.Count < ids.Count)
        {
            told.Add((await _receiver.NextAsync()).Tokens.AuthReqId);
        }

        Assert.That(told, Is.EquivalentTo(ids));
    }

    /// <summary>The step alone, as on a node that dies then.</summary>
    private static async Task DecideAsync(CibaHost host, string id)
    {
        var now = host.Time.GetUtcNow();
        var decision = new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = now, Scopes = ["openid"], AuthTime = now };
        var store = (await host.ServicesAsync()).GetRequiredService<ICibaRequestStore>();
        Assert.That(await store.DecideAsync(await host.HandleAsync(id), "sub-alice", decision, now, CancellationToken.None), Is.EqualTo(CibaDecideResult.Done));
    }

    private async Task<CibaRequest> LeftBehindAsync(CibaHost host)
    {
        var now = host.Time.GetUtcNow();
        var authReqId = (await host.ServicesAsync()).GetRequiredService<AuthReqIds>().New("sub-alice");
        var request = new CibaRequest
        {
            Id = (await host.HandleAsync(authReqId))!,
            ClientId = "client",
            ClientName = "The client",
            Subject = "sub-alice",
            Scopes = ["openid"],
            Interval = TimeSpan.FromSeconds(5),
            TokenDeliveryMode = CibaTokenDeliveryModes.Ping,
            Callback = new CibaCallback(authReqId, CallbackCalls.NotificationToken),
            DueAt = now.AddSeconds(-1),
            CreatedAt = now.AddMinutes(-1),
            ExpiresAt = now.AddMinutes(1),
            RetainedUntil = now.AddMinutes(3),
        };
        await _store.AddAsync(request, default, CancellationToken.None);
        return request;
    }

    private CibaHost Host(string mode = "ping", CibaDeviceNotificationMode notification = CibaDeviceNotificationMode.BeforeAcknowledgement, Action<CibaOptions>? options = null) => new()
    {
        Clients = [mode == "ping" ? FakeReceiver.PingClient() : FakeReceiver.PushClient()],
        Options = changed =>
        {
            changed.DeviceNotification = notification;
            options?.Invoke(changed);
        },
        Setup = ciba =>
        {
            _receiver.Use(ciba);
            _store.Use(ciba);
        },
    };

    private static CibaHost Node(MemoryCibaRequestStore store, FakeReceiver receiver) => new()
    {
        Clients = [FakeReceiver.PingClient()],
        Options = CallbackCalls.Quietly,
        Setup = ciba =>
        {
            receiver.Use(ciba);
            ciba.Services.Replace(ServiceDescriptor.Singleton<ICibaRequestStore>(store));
        },
    };
}
