using Ciba.AspNetCore.Tests;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>The contract of all stores on three masters, each step on another of two nodes that know different masters.</summary>
public sealed class ClusterRequestStoreTests : RequestStoreContract
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private static RedisCluster _cluster = null!;

    [OneTimeSetUp]
    public static async Task StartAsync()
    {
        RedisServers.NeedReal();
        _cluster = await RedisCluster.StartAsync();
        foreach (var number in new[] { 0, 1 })
        {
            await _cluster.ConnectedAsync(await RedisNode.SharedAsync(_cluster.Nodes[number], number));
        }
    }

    [OneTimeTearDown]
    public static async Task StopAsync()
    {
        if (_cluster is not null)
        {
            (await RedisNode.SharedAsync(_cluster.Nodes[0], 0)).Close(false);
            (await RedisNode.SharedAsync(_cluster.Nodes[1], 1)).Close(false);
            await _cluster.DisposeAsync();
        }
    }

    [Test, Spec("T8"), Spec("U3")]
    public async Task Every_step_of_users_on_all_masters_is_on_one_master_and_declares_its_keys()
    {
        var prefix = RedisNode.NewPrefix();
        await using var store = new AlternatingStore(On(0, prefix), On(1, prefix));

        // The client's handshake asks what this server does not know.
        await Task.WhenAll(_cluster.Nodes.Select(node => node.AskAsync("CONFIG", "RESETSTAT")));

        var statuses = await Task.WhenAll(Enumerable.Range(0, 200).Select(user => WholeLifeAsync(store, $"user {user}")));

        var keys = await Task.WhenAll(_cluster.Nodes.Select(node => node.AskAsync("KEYS", $"*{prefix}:*")));
        var requests = keys.Select(some => some.Split('\n').Count(key => key.Contains(":r:", StringComparison.Ordinal))).ToArray();
        var errors = await Task.WhenAll(_cluster.Nodes.Select(node => node.AskAsync("INFO", "errorstats")));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(statuses, Is.All.EqualTo(new[] { CibaPollStatus.Pending, CibaPollStatus.Approved, CibaPollStatus.Approved, CibaPollStatus.Redeemed }));
            Assert.That(requests, Is.All.Positive);
            Assert.That(requests.Sum(), Is.EqualTo(400));
            Assert.That(errors.SelectMany(some => some.Split("\r\n")).Where(line => line.StartsWith("errorstat_", StringComparison.Ordinal)),
                Is.All.StartsWith("errorstat_NOSCRIPT").Or.StartsWith("errorstat_MOVED"));
        }
    }

    [Test, Spec("A4"), Spec("A10")]
    public async Task Used_JWTs_and_wrong_codes_are_known_wherever_they_lie()
    {
        var prefix = RedisNode.NewPrefix();
        await using var one = On(0, prefix);
        await using var other = On(1, prefix);
        var expiresAt = Time.GetUtcNow().AddMinutes(1);

        for (var i = 0; i < 50; i++)
        {
            bool[] first = [await one.ReplayCache.TryUseAsync($"jti {i}", $"{Guid.NewGuid()}", expiresAt, default), await other.ReplayCache.TryUseAsync($"jti {i}", $"{Guid.NewGuid()}", expiresAt, default)];
            bool[] tries = [await TryAsync(one, i, "right"), await TryAsync(other, i)];
            await other.UserCodes.SucceededAsync($"user {i}", "right", default);

            Assert.That((first, tries, await TryAsync(one, i), await TryAsync(other, i)), Is.EqualTo((new[] { true, false }, new[] { true, true }, true, false)));
        }

        ValueTask<bool> TryAsync(RedisNode node, int user, string? attempt = null) => node.UserCodes.TryBeginAsync($"user {user}", attempt ?? $"{Guid.NewGuid()}", 2, TimeSpan.FromMinutes(15), default);
    }

    [Test, Spec("T10")]
    public async Task A_decision_wakes_whoever_waits_on_a_node_that_listens_to_another_master()
    {
        var prefix = RedisNode.NewPrefix();
        await using var one = On(0, prefix);
        await using var other = On(1, prefix);
        foreach (var user in Enumerable.Range(0, 30).Select(number => $"user {number}"))
        {
            var request = await one.Store.AddedAsync(Time.GetUtcNow(), user);
            var wait = one.Store.WaitForDecisionAsync(request.Id, default);
            await other.Store.ApproveAsync(request, Time.GetUtcNow());
            await wait.WaitAsync(Bound);
        }

        // Whichever of them the node listens to, two of the three are others.
        foreach (var master in _cluster.Nodes)
        {
            var request = await one.Store.AddedAsync(Time.GetUtcNow());
            var wait = one.Store.WaitForDecisionAsync(request.Id, default);
            await master.AskAsync("PUBLISH", $"{prefix}:changed", request.Id);
            await wait.WaitAsync(Bound);
        }
    }

    protected override ICibaRequestStore CreateStore(ManualTime time)
    {
        var prefix = RedisNode.NewPrefix();
        return new AlternatingStore(On(0, prefix), On(1, prefix));
    }

    private async Task<CibaPollStatus[]> WholeLifeAsync(AlternatingStore store, string user)
    {
        var now = Time.GetUtcNow();
        var request = await store.AddedAsync(now, user);
        var withdrawn = await store.AddedAsync(now, user);
        Assert.That(await store.RemoveAsync(withdrawn.Id, user, default), Is.True);
        Assert.That((await store.ListPendingAsync(user, now, default)).Select(waits => waits.Id), Is.EqualTo(new[] { request.Id }));
        var pending = await store.PollAsync(request, now);
        await store.ApproveAsync(request, now);
        var first = await store.PollAsync(request, now);
        await store.ReleaseAsync(request.Id, first.Lease!, default);
        var second = await store.PollAsync(request, now);
        await store.CompleteAsync(request.Id, second.Lease!, default);
        await CallBackAsync(store, await store.DueAddedAsync(now, user), now);
        return [pending.Status, first.Status, second.Status, (await store.PollAsync(request, now)).Status];
    }

    private static async Task CallBackAsync(AlternatingStore store, CibaRequest request, DateTimeOffset now)
    {
        Assert.That((await store.ClaimAsync(request, now))?.Status, Is.EqualTo(CibaRequestStatus.Pending));
        Assert.That(await store.PostponeAsync(request.Id, now + Requests.Hold, now, default), Is.True);
        await store.ApproveAsync(request, now);
        Assert.That((await store.ClaimAsync(request, now))?.Request.Callback, Is.EqualTo(request.Callback));
        Assert.That(await store.SettleAsync(request.Id, now + Requests.Hold, CibaSettlement.TokensSent, default), Is.True);
    }

    private RedisNode On(int number, string prefix) => RedisNode.On(_cluster.Nodes[number], number, prefix, Time).Listening();
}
