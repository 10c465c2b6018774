using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>What stands in the names of keys, how long keys live, and what a request costs.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class KeyTests(string kind)
{
    private const string Jti = "a-jti-of-the-client";
    private const string User = "subject-of-alice";

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _time = new();

    private RedisServer Server => RedisServers.Get(kind);

    private DateTimeOffset Now => _time.GetUtcNow();

    [Test]
    public async Task Keys_hold_digests_and_nothing_that_can_be_used()
    {
        var authReqId = Requests.NewAuthReqId(User);
        await using var node = RedisNode.On(Server, 0, _prefix, _time);
        await FillAsync(node, authReqId);

        var keys = await KeysAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(keys, Has.Count.EqualTo(4));
            Assert.That(string.Join('\n', keys), Does.Not.Contain(authReqId).And.Not.Contain(authReqId[1..]).And.Not.Contain(Jti).And.Not.Contain(User).And.Not.Contain("client"));
            Assert.That(keys, Has.One.EndsWith($"r:{CibaRequestId.FromAuthReqId(authReqId)![1..]}"));
            Assert.That(keys, Has.Exactly(2).EndsWith(Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(User)).AsSpan(0, 16))));
        }
    }

    [Test]
    public async Task What_one_step_touches_shares_a_hash_tag_that_the_users_shard_decides()
    {
        await using var node = RedisNode.On(Server, 0, _prefix, _time);
        foreach (var user in Enumerable.Range(0, 200).Select(i => $"user {i}"))
        {
            await node.Store.AddedAsync(Now, user);
        }

        var tags = (await KeysAsync()).GroupBy(key => key[..(key.IndexOf('}') + 1)]).ToList();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tags.Select(tag => tag.Key), Is.All.Match($@"^\{{{_prefix}:(0\d|[1-5]\d|6[0-3])\}}$"));
            Assert.That(tags, Has.Count.GreaterThan(50));
            Assert.That(tags.Select(tag => tag.Count(key => key.Contains("}:r:"))), Is.EqualTo(tags.Select(tag => tag.Count(key => key.Contains("}:u:")))));
        }
    }

    [Test, Spec("T4")]
    public async Task Every_key_has_a_time_to_live_in_whatever_state()
    {
        await using var node = RedisNode.On(Server, 0, _prefix, _time);
        await FillAsync(node, Requests.NewAuthReqId(User));
        var none = CancellationToken.None;
        var denied = await node.Store.AddedAsync(Now);
        var approved = await node.Store.AddedAsync(Now);
        var leased = await node.Store.AddedAsync(Now);
        var redeemed = await node.Store.AddedAsync(Now);
        await node.Store.PollAsync(denied, Now);
        await node.Store.PollAsync(denied, Now);
        await node.Store.DecideAsync(denied.Id, denied.Subject, new CibaDecision { Outcome = CibaRequestStatus.Denied, DecidedAt = Now }, Now, none);
        foreach (var request in new[] { approved, leased, redeemed })
        {
            await node.Store.ApproveAsync(request, Now);
        }

        await node.Store.PollAsync(leased, Now);
        await node.Store.AddAsync(Requests.Due(Now, "due", dueAt: Now.AddHours(1)), default, none);
        var called = Requests.New(Now, "called back", mode: CibaTokenDeliveryModes.Push);
        await node.Store.AddAsync(called, default, none);
        await node.Store.ApproveAsync(called, Now);
        var claimed = await node.Store.DueAddedAsync(Now, "claimed");
        await node.Store.ClaimAsync(claimed, Now);
        await node.Store.CompleteAsync(redeemed.Id, (await node.Store.PollAsync(redeemed, Now)).Lease!, none);
        await node.UserCodes.SucceededAsync(User, "try", none);

        var lives = new Dictionary<string, long>();
        foreach (var key in await KeysAsync())
        {
            lives[key] = long.Parse(await Server.AskAsync("PTTL", key), CultureInfo.InvariantCulture);
        }

        // The longest here is that of the user's wrong codes.
        Assert.That(lives.Values, Has.Count.EqualTo(16).And.All.InRange(1, 16 * 60 * 1000));
        Assert.That(lives.Keys, Has.Exactly(3).EndsWith("}:o"));
        Assert.That(lives.Where(life => life.Key.Contains("}:r:") || life.Key.EndsWith("}:o", StringComparison.Ordinal)).Select(life => life.Value), Is.All.InRange(1, 180_000));
    }

    [Test]
    public async Task A_users_index_lives_as_long_as_the_longest_of_the_requests()
    {
        await using var node = RedisNode.On(Server, 0, _prefix, _time);
        await node.Store.AddedAsync(Now);
        await node.Store.AddAsync(Requests.New(Now, lifetime: TimeSpan.FromSeconds(1)), default, CancellationToken.None);

        var index = (await KeysAsync()).Single(key => key.Contains("}:u:"));

        Assert.That(long.Parse(await Server.AskAsync("PTTL", index), CultureInfo.InvariantCulture), Is.GreaterThan(120_000));
    }

    [Test]
    public async Task An_outbox_lives_as_long_as_the_longest_of_the_requests([Values] bool decided)
    {
        await using var node = RedisNode.On(Server, 0, _prefix, _time);
        await node.Store.DueAddedAsync(Now);
        var next = Requests.New(Now, lifetime: TimeSpan.FromMinutes(decided ? 10 : 0.1), mode: CibaTokenDeliveryModes.Ping);
        await node.Store.AddAsync(next, default, CancellationToken.None);
        await node.Store.ApproveAsync(next, Now);

        var outbox = (await KeysAsync()).Single(key => key.EndsWith("}:o", StringComparison.Ordinal));

        Assert.That(long.Parse(await Server.AskAsync("PTTL", outbox), CultureInfo.InvariantCulture), Is.GreaterThan(decided ? 600_000 : 120_000));
    }

    [Test]
    public async Task A_pending_request_costs_less_than_800_bytes_whoever_it_is_for([Values(1, 100)] int users, [Values] bool due)
    {
        Assume.That(kind, Is.EqualTo(RedisServers.RealKind), "Only Redis tells.");

        // As long as the one that a provider has which chooses none, and none of the others' begins like this.
        var prefix = $"{(due ? 'd' : 'n')}{users:000}";
        await using var node = RedisNode.On(Server, 0, prefix, _time);
        for (var i = 0; i < 100; i++)
        {
            await (due ? node.Store.DueAddedAsync(Now, $"user {i % users}", CibaTokenDeliveryModes.Poll) : node.Store.AddedAsync(Now, $"user {i % users}"));
        }

        long bytes = 0;
        var keys = (await Server.AskAsync("KEYS", $"{{{prefix}:*")).Split('\n');
        foreach (var key in keys)
        {
            bytes += long.Parse(await Server.AskAsync("MEMORY", "USAGE", key, "SAMPLES", "0"), CultureInfo.InvariantCulture);
        }

        // The entry in the table of times to live is not in the figures of Redis: some 32 bytes for each key.
        var each = (bytes + (32 * keys.Length)) / 100;
        TestContext.Out.WriteLine($"{each} bytes");
        Assert.That(each, Is.LessThan(800));
    }

    private async Task FillAsync(RedisNode node, string authReqId)
    {
        await node.Store.AddAsync(Requests.New(Now, User, authReqId), default, CancellationToken.None);
        await node.ReplayCache.TryUseAsync(Jti, $"{Guid.NewGuid()}", Now.AddMinutes(1), CancellationToken.None);
        await node.UserCodes.TryBeginAsync(User, "try", 5, TimeSpan.FromMinutes(15), CancellationToken.None);
    }

    private async Task<List<string>> KeysAsync() => [.. (await Server.AskAsync("KEYS", $"*{_prefix}*")).Split('\n')];
}
