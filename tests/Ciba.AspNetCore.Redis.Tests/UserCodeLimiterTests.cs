namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Section 7.1: wrong user codes are counted over all nodes.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds)), Spec("A10")]
public sealed class UserCodeLimiterTests(string kind)
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(15);

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _time = new();

    [Test]
    public async Task So_many_wrong_tries_on_all_nodes_together_and_no_more()
    {
        await using var one = Node(0);
        await using var other = Node(1);

        bool[] tries = [await TryAsync(one, "alice", 3), await TryAsync(other, "alice", 3), await TryAsync(one, "alice", 3), await TryAsync(other, "alice", 3), await TryAsync(one, "alice", 3)];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tries, Is.EqualTo(new[] { true, true, true, false, false }));
            Assert.That(await TryAsync(other, "Alice", 3), Is.True);
        }
    }

    [Test]
    public async Task A_right_code_takes_back_its_own_try_and_no_other()
    {
        await using var one = Node(0);
        await using var other = Node(1);
        await other.UserCodes.SucceededAsync("alice", "right", CancellationToken.None);
        await TryAsync(one, "alice", 2);

        for (var i = 0; i < 5; i++)
        {
            Assert.That(await one.UserCodes.TryBeginAsync("alice", $"right {i}", 2, Window, CancellationToken.None), Is.True);
            await other.UserCodes.SucceededAsync("alice", $"right {i}", CancellationToken.None);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await TryAsync(one, "alice", 2), Is.True);
            Assert.That(await TryAsync(other, "alice", 2), Is.False);
        }
    }

    [Test]
    public async Task The_count_lasts_for_the_window_from_the_first_wrong_try()
    {
        await using var node = Node(0);
        await TryAsync(node, "alice", 2);
        _time.Advance(Window - TimeSpan.FromMinutes(1));
        await TryAsync(node, "alice", 2);

        _time.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromTicks(1));
        var before = await TryAsync(node, "alice", 2);
        _time.Advance(TimeSpan.FromTicks(1));
        bool[] after = [await TryAsync(node, "alice", 2), await TryAsync(node, "alice", 2), await TryAsync(node, "alice", 2)];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Is.False);
            Assert.That(after, Is.EqualTo(new[] { true, true, false }));
        }
    }

    [Test]
    public async Task However_many_tries_come_at_once_on_two_nodes_no_more_get_through()
    {
        await using var one = Node(0);
        await using var other = Node(1);

        var rounds = await Race.RunAsync(round => Try(one, $"user {round / 4}", 5), round => Try(other, $"user {round / 4}", 5));

        Assert.That(rounds.Chunk(4).Select(four => four.SelectMany(round => round).Count(passed => passed)), Is.All.EqualTo(5));
    }

    private static ValueTask<bool> Try(RedisNode node, string subject, int maxFailures) => node.UserCodes.TryBeginAsync(subject, $"{Guid.NewGuid()}", maxFailures, Window, CancellationToken.None);

    private static Task<bool> TryAsync(RedisNode node, string subject, int maxFailures) => Try(node, subject, maxFailures).AsTask();

    private RedisNode Node(int number) => RedisNode.On(RedisServers.Get(kind), number, _prefix, _time);
}
