using System.Globalization;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>What limits cost on Redis, and what becomes of what they count.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class LimitTests(string kind)
{
    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _time = new();

    private static CibaNotificationLimits Notifications => new() { PerUser = 30, PerUserAndClient = 10, Window = TimeSpan.FromMinutes(10) };

    private RedisServer Server => RedisServers.Get(kind);

    private DateTimeOffset Now => _time.GetUtcNow();

    [Test, Spec("U5")]
    public async Task Half_of_a_large_limit_is_granted_by_the_shards_and_the_rest_is_shared()
    {
        await using var node = RedisNode.On(Server, 0, _prefix, _time);
        string[] users = [Requests.Alice, Enumerable.Range(0, 100).Select(i => $"user {i}").First(user => CibaRequestId.Shard(user) != CibaRequestId.Shard(Requests.Alice))];
        var ids = new List<CibaRequest>();
        CibaAddResult added;
        while ((added = await AddAsync(node, users[0], 2048, out var request)).Status == CibaAddStatus.Added)
        {
            ids.Add(request);
        }

        var ofOther = (await AddAsync(node, users[1], 2048, out _)).Status;
        await node.Store.ApproveAsync(ids[0], Now);
        CibaAddStatus[] after = [(await AddAsync(node, users[0], 2048, out _)).Status, (await AddAsync(node, users[0], 2048, out _)).Status];
        await node.Store.ApproveAsync(ids[^1], Now);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ids, Has.Count.EqualTo(1024 + 16), "all that is shared, and the sixteen of the shard");
            Assert.That(added, Is.EqualTo(CibaAddResult.Refused(CibaAddStatus.ClientLimitReached, Requests.Lifetime)));
            Assert.That(ofOther, Is.EqualTo(CibaAddStatus.Added), "another shard has some left");
            Assert.That(after, Is.EqualTo(new[] { CibaAddStatus.Added, CibaAddStatus.ClientLimitReached }));
            Assert.That((await AddAsync(node, users[0], 2048, out _)).Status, Is.EqualTo(CibaAddStatus.Added));
        }
    }

    [Test, Spec("U5")]
    public async Task A_place_that_its_node_did_not_give_back_is_free_when_the_request_expires()
    {
        await using var node = RedisNode.On(Server, 0, _prefix, _time);
        await AddAsync(node, Requests.Alice, 1, out var request);

        // As a node does that dies before the second step.
        await Server.DecideUnheardAsync(_prefix, request.Id, request.Subject, Now);
        var before = await AddAsync(node, "bob", 1, out _);
        _time.Advance(Requests.Lifetime);

        Assert.That(
            (before, (await AddAsync(node, "bob", 1, out _)).Status),
            Is.EqualTo((CibaAddResult.Refused(CibaAddStatus.ClientLimitReached, Requests.Lifetime), CibaAddStatus.Added)));
    }

    [Test, Spec("U5"), Spec("T4")]
    public async Task What_limits_count_has_a_time_to_live_for_a_month_too()
    {
        await using var node = RedisNode.On(Server, 0, _prefix, _time);
        var month = TimeSpan.FromDays(30);
        await node.Store.AddAsync(Requests.New(Now, lifetime: month, mode: CibaTokenDeliveryModes.Ping, dueAt: Now), new CibaRequestLimits(10, 3) { PerClient = 1, Notifications = Notifications }, CancellationToken.None);
        var keys = (await Server.AskAsync("KEYS", $"*{_prefix}*")).Split('\n');

        var lives = new Dictionary<string, long>();
        foreach (var key in keys)
        {
            lives[key[(key.IndexOf(_prefix, StringComparison.Ordinal) + _prefix.Length)..].Split(':')[^(key.EndsWith(":o", StringComparison.Ordinal) || key.EndsWith(":p", StringComparison.Ordinal) ? 1 : 2)]] = long.Parse(await Server.AskAsync("PTTL", key), CultureInfo.InvariantCulture) / 60_000;
        }

        // In minutes: until the request is forgotten, and a notification until its window ends on every clock.
        Assert.That(lives.OrderBy(life => life.Key).Select(life => $"{life.Key} {life.Value}"), Is.EqualTo(new[] { "k 43200", "n 10", "o 43200", "p 43200", "r 43200", "u 43200" }));
    }

    [Test]
    public async Task What_is_over_leaves_nothing_behind()
    {
        await using var node = RedisNode.On(Server, 0, _prefix, _time);
        foreach (var end in new[] { "approved", "withdrawn" })
        {
            await AddAsync(node, Requests.Alice, 1, out var request);
            Task over = end == "approved" ? node.Store.ApproveAsync(request, Now).AsTask() : node.Store.RemoveAsync(request.Id, request.Subject, CancellationToken.None).AsTask();
            await over;
        }

        Assert.That((await Server.AskAsync("KEYS", $"*{_prefix}*")).Split('\n'), Has.Length.EqualTo(1).And.All.Contains("}:r:"));
    }

    [Test]
    public async Task A_request_costs_less_than_1100_bytes_with_all_that_limits_count([Values(1, 3000)] int perClient)
    {
        Assume.That(kind, Is.EqualTo(RedisServers.RealKind), "Only Redis tells.");

        // As long as the one that a provider has which chooses none.
        var prefix = $"l{perClient % 1000:000}";
        await using var node = RedisNode.On(Server, 0, prefix, _time);
        for (var i = 0; i < 100; i++)
        {
            await node.Store.AddAsync(Requests.Due(Now, $"user {i}", CibaTokenDeliveryModes.Poll), new CibaRequestLimits(10, 3) { PerClient = perClient == 1 ? 100 : perClient, Notifications = Notifications }, CancellationToken.None);
        }

        long bytes = 0;
        var keys = (await Server.AskAsync("KEYS", $"*{prefix}:*")).Split('\n');
        foreach (var key in keys)
        {
            bytes += long.Parse(await Server.AskAsync("MEMORY", "USAGE", key, "SAMPLES", "0"), CultureInfo.InvariantCulture);
        }

        // The entry in the table of times to live is not in the figures of Redis: some 32 bytes for each key.
        var each = (bytes + (32 * keys.Length)) / 100;
        TestContext.Out.WriteLine($"{each} bytes");
        Assert.That(each, Is.LessThan(1100));
    }

    private ValueTask<CibaAddResult> AddAsync(RedisNode node, string user, int perClient, out CibaRequest request) =>
        node.Store.AddAsync(request = Requests.New(Now, user), new CibaRequestLimits(0, 0) { PerClient = perClient }, CancellationToken.None);
}
