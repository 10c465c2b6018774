namespace Ciba.AspNetCore.Tests;

/// <summary>What a push says is decided at every try anew: whether the user may have tokens, and whether they are still good.</summary>
public sealed class CallbackUserStateTests : IDisposable
{
    private readonly FakeReceiver _receiver = new();
    private readonly PushIssuer _issuer = new();

    public void Dispose()
    {
        _issuer.Dispose();
        _receiver.Dispose();
    }

    [Test, Spec("P2"), Spec("P4"), Spec("P5"), Spec("A22")]
    public async Task The_user_is_asked_for_at_every_try()
    {
        await using var host = Host();
        _receiver.OnCall = (call, _) => FakeReceiver.Answer(call.Number < 3 ? 503 : 204);
        await host.ApproveAsync((await host.AskAsync()).AuthReqId);
        var first = await _receiver.NextAsync();
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(1));
        host.Users.Lock("alice");
        host.Time.Advance(TimeSpan.FromSeconds(1));
        var locked = await _receiver.NextAsync();
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(2));
        host.Users.Unlock("alice");
        host.Time.Advance(TimeSpan.FromSeconds(2));
        var unlocked = await _receiver.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Tokens.Text("access_token"), Is.EqualTo("access-1"));
            Assert.That(locked.Tokens.Error, Is.EqualTo("access_denied"));
            Assert.That(locked.Body, Does.Not.Contain("access-1"));
            Assert.That(unlocked.Tokens.Text("access_token"), Is.EqualTo("access-2"));
        }
    }

    [Test, Spec("P4"), Spec("T8")]
    public async Task A_user_who_is_locked_at_the_last_try_leaves_the_request_unredeemed()
    {
        using var store = new HookedStore();
        await using var host = Host(store.Use);
        _receiver.OnCall = (call, _) => FakeReceiver.Answer(call.Number == 1 ? 503 : 204);
        var id = (await host.AskAsync()).AuthReqId;
        await host.ApproveAsync(id);
        await _receiver.NextAsync();
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(1));
        host.Users.Lock("alice");
        host.Time.Advance(TimeSpan.FromSeconds(1));
        await _receiver.NextAsync();
        await host.StopAsync();

        var state = await store.GetAsync(await host.HandleAsync(id), "sub-alice", host.Time.GetUtcNow(), CancellationToken.None);

        Assert.That(state!.Status, Is.EqualTo(CibaRequestStatus.Approved));
    }

    [Test, Spec("P2"), Spec("P5")]
    public async Task Tokens_whose_time_is_over_end_the_push_since_an_approval_is_worth_one_set()
    {
        var events = new FakeEvents();
        _issuer.ExpiresIn = TimeSpan.FromSeconds(2);
        await using var host = Host(events.Use);
        _receiver.OnCall = (_, _) => FakeReceiver.Answer(503);
        await host.ApproveAsync((await host.AskAsync()).AuthReqId);
        var pushed = new List<(string?, long)>();
        foreach (var wait in new[] { 1, 2 })
        {
            var tokens = (await _receiver.NextAsync()).Tokens;
            pushed.Add((tokens.Text("access_token"), tokens.Json.GetProperty("expires_in").GetInt64()));
            await host.WaitedAsync(wait);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await events.NextAsync(CibaEventKind.Undelivered)).Reason, Is.EqualTo("the tokens expired before the client took them"));
            Assert.That(pushed, Is.EqualTo(new[] { ("access-1", 2L), ("access-1", 1L) }));
            Assert.That((_receiver.Calls, _issuer.Calls), Is.EqualTo((2, 1)));
        }
    }

    [Test, Spec("P2"), Spec("P9")]
    public async Task Tokens_that_cannot_be_kept_are_not_sent_before_they_can()
    {
        using var store = new HookedStore();
        await using var host = Host(store.Use);
        store.Before = step => step == nameof(ICibaOutbox.KeepTokensAsync) ? throw new CibaStoreUnavailableException("The store does not answer.") : Task.CompletedTask;
        await host.ApproveAsync((await host.AskAsync()).AuthReqId);
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(1));
        var before = _receiver.Calls;
        store.Before = _ => Task.CompletedTask;
        host.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.That((before, (await _receiver.NextAsync()).Tokens.Text("access_token"), _issuer.Calls), Is.EqualTo((0, "access-1", 1)));
    }

    private CibaHost Host(Action<CibaBuilder>? setup = null) => new()
    {
        Clients = [FakeReceiver.PushClient()],
        Options = CallbackCalls.Quietly,
        Setup = ciba =>
        {
            _receiver.Use(ciba);
            _issuer.Use(ciba);
            setup?.Invoke(ciba);
        },
    };
}
