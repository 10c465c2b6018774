using System.Globalization;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>RFC 7519 section 4.1.7: a JWT is used once, on whichever node.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds)), Spec("A4")]
public sealed class ReplayCacheTests(string kind)
{
    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _time = new();

    [Test]
    public async Task A_key_is_new_once_on_all_nodes_until_its_expiry()
    {
        await using var one = Node(0);
        await using var other = Node(1);
        var expiresAt = _time.GetUtcNow().AddSeconds(10);

        var used = new List<bool> { await UseAsync(one, "key", expiresAt), await UseAsync(other, "kez", expiresAt) };
        _time.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1));
        used.Add(await UseAsync(other, "key", expiresAt.AddHours(1)));
        _time.Advance(TimeSpan.FromTicks(1));
        used.Add(await UseAsync(other, "key", expiresAt.AddHours(1)));
        used.Add(await UseAsync(one, "key", expiresAt.AddHours(1)));

        Assert.That(used, Is.EqualTo(new[] { true, true, false, true, false }));
    }

    [TestCase(0), TestCase(1), TestCase(10_000_000)]
    public async Task A_key_is_not_taken_again_at_its_expiry_or_after(long ticks)
    {
        await using var one = Node(0);
        await using var other = Node(1);
        var expiresAt = _time.GetUtcNow().AddSeconds(10);

        var used = new List<bool> { await UseAsync(one, "key", expiresAt) };
        _time.Advance(TimeSpan.FromSeconds(10) + TimeSpan.FromTicks(ticks));
        used.Add(await UseAsync(one, "key", expiresAt));
        used.Add(await UseAsync(other, "key", expiresAt));
        used.Add(await UseAsync(other, "never used", expiresAt));

        Assert.That(used, Is.EqualTo(new[] { true, false, false, false }));
    }

    [Test]
    public async Task The_same_use_once_more_is_the_first_and_is_given_back_by_its_own_name()
    {
        await using var one = Node(0);
        var expiresAt = _time.GetUtcNow().AddMinutes(1);

        var used = new List<bool> { await UseAsync("first"), await UseAsync("first"), await UseAsync("second") };
        await one.ReplayCache.GiveBackAsync("key", "second", CancellationToken.None);
        used.Add(await UseAsync("second"));
        await one.ReplayCache.GiveBackAsync("key", "first", CancellationToken.None);
        used.Add(await UseAsync("second"));
        await one.ReplayCache.GiveBackAsync("key", "first", CancellationToken.None);
        used.Add(await UseAsync("first"));

        Assert.That(used, Is.EqualTo(new[] { true, true, false, false, true, false }));

        Task<bool> UseAsync(string use) => one.ReplayCache.TryUseAsync("key", use, expiresAt, CancellationToken.None).AsTask();
    }

    [Test]
    public async Task Of_callers_at_once_on_two_nodes_one_is_the_first()
    {
        await using var one = Node(0);
        await using var other = Node(1);
        var expiresAt = _time.GetUtcNow().AddMinutes(1);

        var rounds = await Race.RunAsync(round => Use(one, $"{round}", expiresAt), round => Use(other, $"{round}", expiresAt));

        Assert.That(rounds.Select(round => round.Count(first => first)), Is.All.EqualTo(1));
    }

    [Test]
    public async Task A_node_whose_clock_is_ahead_does_not_forget_what_others_still_take()
    {
        var ahead = new ManualTime();
        ahead.Advance(TimeSpan.FromSeconds(5));
        await using var fast = RedisNode.On(RedisServers.Get(kind), 1, _prefix, ahead);
        await using var slow = Node(0);

        // For the fast node it is good for a millisecond more, for the slow one for five seconds.
        var expiresAt = ahead.GetUtcNow().AddMilliseconds(1);
        var first = await UseAsync(fast, "key", expiresAt);
        var left = await LifeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first, Is.True);
            Assert.That(left, Is.GreaterThan(5_000));
            Assert.That(await UseAsync(slow, "key", expiresAt), Is.False);
        }
    }

    private static ValueTask<bool> Use(RedisNode node, string key, DateTimeOffset expiresAt) => node.ReplayCache.TryUseAsync(key, $"{Guid.NewGuid()}", expiresAt, CancellationToken.None);

    private static Task<bool> UseAsync(RedisNode node, string key, DateTimeOffset expiresAt) => Use(node, key, expiresAt).AsTask();

    private RedisNode Node(int number) => RedisNode.On(RedisServers.Get(kind), number, _prefix, _time);

    private async Task<double> LifeAsync()
    {
        var server = RedisServers.Get(kind);
        return double.Parse(await server.AskAsync("PTTL", await server.AskAsync("KEYS", $"{_prefix}:j:*")), CultureInfo.InvariantCulture);
    }
}
