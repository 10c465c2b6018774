namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Each step is one script and one round trip, counted on the wire.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class RoundTripTests(string kind)
{
    [Test]
    public async Task An_authentication_request_and_a_pending_poll_are_one_round_trip_each()
    {
        await using var proxy = new FaultProxy(RedisServers.Get(kind));
        await using var host = RedisHosts.On(proxy.Endpoint, RedisNode.NewPrefix(), options: CallbackCalls.Quietly);
        await RedisHosts.FirstLookAsync(host);
        await host.PollAsync((await host.AuthorizeAsync()).AuthReqId);
        Seen(proxy);

        var id = (await host.AuthorizeAsync()).AuthReqId;
        var authorize = Seen(proxy);
        var polled = (await host.PollAsync(id)).Error;
        var poll = Seen(proxy);
        var tooSoon = (await host.PollAsync(id)).Error;
        var slowDown = Seen(proxy);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { polled, tooSoon }, Is.EqualTo(new[] { "authorization_pending", "slow_down" }));
            Assert.That(new[] { authorize, poll, slowDown }, Is.All.EqualTo(new[] { "EVALSHA" }));
        }
    }

    [Test]
    public async Task Only_a_client_that_needs_a_place_of_those_that_all_shards_share_costs_another()
    {
        await using var proxy = new FaultProxy(RedisServers.Get(kind));
        await using var host = RedisHosts.On(proxy.Endpoint, RedisNode.NewPrefix(), options: options =>
        {
            CallbackCalls.Quietly(options);
            options.Limits.PendingPerClient = 10;
        });
        await RedisHosts.FirstLookAsync(host);
        await host.AnswerAsync((await host.AuthorizeAsync()).AuthReqId, "approve");
        Seen(proxy);

        var id = (await host.AuthorizeAsync()).AuthReqId;
        var authorize = Seen(proxy);
        await host.AnswerAsync(id, "approve");

        Assert.That((authorize, Seen(proxy)), Is.EqualTo((new[] { "EVALSHA", "EVALSHA" }, new[] { "GET", "EVALSHA", "EVALSHA" })));
    }

    [Test]
    public async Task Every_step_is_one_script()
    {
        var time = new ManualTime();
        var now = time.GetUtcNow();
        await using var proxy = new FaultProxy(RedisServers.Get(kind));
        await using var node = RedisNode.On(proxy.Endpoint, RedisNode.NewPrefix(), time);
        var none = CancellationToken.None;
        var steps = new Dictionary<string, string[]>();

        // The second time, because the first has to tell Redis the scripts.
        foreach (var _ in new[] { 1, 2 })
        {
            var request = Requests.New(now);
            var withdrawn = await node.Store.AddedAsync(now);
            await CountAsync("add", () => node.Store.AddAsync(request, new CibaRequestLimits(10, 10), none).AsTask());
            await CountAsync("poll", () => node.Store.PollAsync(request, now).AsTask());
            await CountAsync("decide", () => node.Store.ApproveAsync(request, now).AsTask());
            var first = await node.Store.PollAsync(request, now);
            await CountAsync("release", () => node.Store.ReleaseAsync(request.Id, first.Lease!, none).AsTask());
            var second = await node.Store.PollAsync(request, now);
            await CountAsync("complete", () => node.Store.CompleteAsync(request.Id, second.Lease!, none).AsTask());
            var ping = Requests.Due(now);
            await CountAsync("add to the outbox", () => node.Store.AddAsync(ping, new CibaRequestLimits(10, 10), none).AsTask());
            await CountAsync("claim", () => node.Store.ClaimAsync(ping, now).AsTask());
            await CountAsync("postpone", () => node.Store.PostponeAsync(ping.Id, now + Requests.Hold, now + Requests.LeaseTime, none).AsTask());
            await CountAsync("decide with a callback", () => node.Store.ApproveAsync(ping, now).AsTask());
            Seen(proxy);
            var claimed = await node.Store.ClaimDueAsync(now);
            Assert.That((claimed.Count, Seen(proxy)), Is.EqualTo((1, new[] { "ZRANGEBYSCORE", "EVALSHA" })));
            await CountAsync("settle", () => node.Store.SettleAsync(ping.Id, now + Requests.Hold, CibaSettlement.Done, none).AsTask());
            await CountAsync("count a notification", () => node.Store.CountNotificationAsync(request, new() { PerUser = 100, Window = TimeSpan.FromMinutes(1) }, byClient: true, now, none).AsTask());
            await CountAsync("remove", () => node.Store.RemoveAsync(withdrawn.Id, withdrawn.Subject, none).AsTask());
            await CountAsync("first use of a jti", () => node.ReplayCache.TryUseAsync(Guid.NewGuid().ToString(), $"{Guid.NewGuid()}", now.AddMinutes(1), none).AsTask());
            await CountAsync("user code", () => node.UserCodes.TryBeginAsync("alice", "try", 5, TimeSpan.FromMinutes(1), none).AsTask());
            await CountAsync("right user code", () => node.UserCodes.SucceededAsync("alice", "try", none).AsTask());
        }

        // Two, so that a node that dies between a completion and its answer costs nobody the approval.
        Assert.That(steps.Remove("complete", out var complete), Is.True);
        Assert.That(complete, Is.EqualTo(new[] { "EVALSHA", "EVALSHA" }));
        Assert.That(steps.Values, Is.All.EqualTo(new[] { "EVALSHA" }), string.Join(", ", steps.Select(step => $"{step.Key}: {string.Join(' ', step.Value)}")));

        async Task CountAsync(string step, Func<Task> take)
        {
            Seen(proxy);
            await take();
            steps[step] = Seen(proxy);
        }
    }

    // The commands since the last look, without what the connection does for itself.
    private static string[] Seen(FaultProxy proxy)
    {
        var seen = new List<string>();
        while (proxy.Requests.TryDequeue(out var command))
        {
            seen.Add(command);
        }

        return [.. seen.Where(command => !FaultProxy.Housekeeping.Contains(command))];
    }
}
