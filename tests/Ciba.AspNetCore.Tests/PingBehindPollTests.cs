using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>A ping client that polls before it is told: it is still told unless it has got its tokens.</summary>
[Spec("P1"), Spec("P6")]
public sealed class PingBehindPollTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly FakeReceiver _receiver = new();
    private readonly FakeEvents _events = new();
    private readonly HookedStore _store = new();
    private readonly FakeTokens _tokens = new();
    private readonly Gate _issuing = new();

    public void Dispose()
    {
        _store.Dispose();
        _receiver.Dispose();
    }

    [Test]
    public async Task A_poll_whose_issuer_fails_is_followed_by_the_ping([Values] bool leaseIsGivenBack)
    {
        await using var host = Host(afterwards: (_, _) => throw new InvalidOperationException("The key store is away."));
        _store.OnRelease = () =>
        {
            if (!leaseIsGivenBack)
            {
                throw new CibaStoreUnavailableException("The store is away.");
            }
        };
        var (id, poll) = await PollingAsync(host);
        await host.LookAsync();
        await host.LookAsync();
        Assert.That(_receiver.Calls, Is.Zero, "the poll may still succeed");

        _issuing.Open();
        Assert.That((await poll.WaitAsync(Bound)).Status, Is.EqualTo(HttpStatusCode.InternalServerError));

        // A lease that is not given back runs out.
        for (var looks = 0; looks < (leaseIsGivenBack ? 1 : 6); looks++)
        {
            await host.LookAsync();
        }

        Assert.That((await _receiver.NextAsync()).Tokens.AuthReqId, Is.EqualTo(id));
    }

    [Test]
    public async Task A_poll_whose_issuer_hangs_is_followed_by_the_ping_when_its_lease_is_over()
    {
        await using var host = Host(afterwards: (call, _) => Task.FromResult<CibaTokens?>(FakeTokens.Right(call)));
        var (id, poll) = await PollingAsync(host);
        for (var looks = 0; looks < 5; looks++)
        {
            await host.LookAsync();
        }

        Assert.That(_receiver.Calls, Is.Zero, "the poll may still succeed");
        await host.LookAsync();
        Assert.That((await poll.WaitAsync(Bound)).Status, Is.EqualTo(HttpStatusCode.InternalServerError));
        await host.LookAsync();

        Assert.That((await _receiver.NextAsync()).Tokens.AuthReqId, Is.EqualTo(id));
    }

    [Test]
    public async Task A_poll_that_succeeds_at_last_is_followed_by_nothing()
    {
        await using var host = Host(afterwards: (call, _) => Task.FromResult<CibaTokens?>(FakeTokens.Right(call)));
        var (_, poll) = await PollingAsync(host);
        await host.LookAsync();

        _issuing.Open();
        Assert.That((await poll.WaitAsync(Bound)).Text("access_token"), Is.EqualTo("access-1"));
        for (var looks = 0; looks < 6; looks++)
        {
            await host.LookAsync();
        }

        await host.StopAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_receiver.Calls, Is.Zero);
            Assert.That(_store.Calls, Has.One.EqualTo(nameof(ICibaOutbox.SettleAsync)));
            Assert.That(host.Log.Ours.Select(line => line.Text), Has.None.Contains("not delivered"));
        }
    }

    [Test, Spec("P9")]
    public async Task A_poll_clients_approval_that_is_in_the_outbox_is_taken_out_and_nobody_is_called()
    {
        await using var host = new CibaHost
        {
            Setup = ciba =>
            {
                _receiver.Use(ciba);
                _events.Use(ciba);
                _store.Use(ciba);
            },
        };
        await host.FirstLookAsync();
        var now = host.Time.GetUtcNow();
        var request = Requested(CibaTokenDeliveryModes.Poll, now);
        var decision = new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = now, Scopes = ["openid"], AuthTime = now };
        _store.Entry = entry => entry with { Status = CibaRequestStatus.Approved, Decision = decision };
        await _store.AddAsync(request, default, CancellationToken.None);
        for (var looks = 0; looks < 15; looks++)
        {
            await host.LookAsync();
        }

        await host.StopAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_store.Calls, Has.One.EqualTo(nameof(ICibaOutbox.SettleAsync)).And.None.EqualTo(nameof(ICibaOutbox.PostponeAsync)));
            Assert.That(_receiver.Calls, Is.Zero);
            Assert.That(host.Devices.Calls, Is.Zero);
            Assert.That(_events.Waiting, Is.Zero);
            Assert.That(host.Log.Ours.Select(line => line.Text), Has.None.Contains("not delivered"));
        }
    }

    private static CibaRequest Requested(string mode, DateTimeOffset now) => new()
    {
        Id = CibaRequestId.FromAuthReqId(CibaRequestId.Shard("sub-alice") + new string('x', 43))!,
        ClientId = "client",
        ClientName = "The client",
        Subject = "sub-alice",
        Scopes = ["openid"],
        Interval = TimeSpan.FromSeconds(5),
        TokenDeliveryMode = mode,
        DueAt = now,
        CreatedAt = now,
        ExpiresAt = now.AddMinutes(2),
        RetainedUntil = now.AddMinutes(3),
    };

    /// <summary>An approved request whose poll has the lease, and whose ping has found that and was put off.</summary>
    private async Task<(string Id, Task<Answer> Poll)> PollingAsync(CibaHost host)
    {
        var (claim, postponed) = (new Gate(), new TaskCompletionSource());
        _store.Before = step => step == nameof(ICibaOutbox.ClaimAsync) ? claim.PassAsync() : Task.CompletedTask;
        _store.AfterPostpone = () => postponed.TrySetResult();
        await host.FirstLookAsync();
        var id = (await host.AskAsync()).AuthReqId;
        await host.ApproveAsync(id);
        await claim.ReachedAsync();
        var poll = host.PollAsync(id);
        await _issuing.ReachedAsync();
        claim.Open();
        await postponed.Task.WaitAsync(Bound);
        return (id, poll);
    }

    private CibaHost Host(Func<int, CancellationToken, Task<CibaTokens?>> afterwards)
    {
        _tokens.OnIssue = async (call, token) =>
        {
            await _issuing.PassAsync(token);
            return await afterwards(call, token);
        };
        return new CibaHost
        {
            Clients = [FakeReceiver.PingClient()],
            Options = CallbackCalls.Quietly,
            Setup = ciba =>
            {
                _receiver.Use(ciba);
                _store.Use(ciba);
                _tokens.Use(ciba);
            },
        };
    }
}
