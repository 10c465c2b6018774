using Ciba.AspNetCore.Redis.Connection;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>What waiting polls and event streams cost Redis, and how what a lost message was about is found all the same.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds)), Spec("T10")]
public sealed class WaitingTests(string kind)
{
    private const int Waiting = 50;

    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromSeconds(5);
    private static readonly string[] Counted = ["EVALSHA", "EVAL", "GET", "MGET", "ZRANGEBYSCORE", "SET"];

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _time = new();
    private FaultProxy _network = null!;
    private RedisNode _node = null!;
    private RedisNode _other = null!;

    private RedisServer Server => RedisServers.Get(kind);

    [SetUp]
    public async Task StartAsync()
    {
        await Server.LoadScriptsAsync();
        _network = new FaultProxy(Server);
        _node = RedisNode.On(_network.Endpoint, _prefix, _time).Listening();
        _other = RedisNode.On(Server, 1, _prefix, _time);
    }

    [TearDown]
    public async Task EndAsync()
    {
        await _node.DisposeAsync();
        await _other.DisposeAsync();
        await _network.DisposeAsync();
    }

    [Test]
    public async Task However_many_wait_in_a_shard_one_step_looks_for_all_of_them()
    {
        var waits = new List<Task>();
        for (var i = 0; i < Waiting; i++)
        {
            waits.Add(_node.Store.WaitForDecisionAsync((await _other.Store.AddedAsync(_time.GetUtcNow())).Id, CancellationToken.None));
        }

        List<int> steps = [await LookAsync(), await LookAsync(), await LookAsync()];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(steps, Is.All.EqualTo(1));
            Assert.That(waits.Count(wait => wait.IsCompleted), Is.Zero);
        }
    }

    [Test]
    public async Task Each_shard_in_which_somebody_waits_is_looked_at_and_no_other()
    {
        string[] users = ["alice", "bob", "carol", "dave"];
        Assert.That(users.Select(CibaRequestId.Shard).Distinct().Count(), Is.EqualTo(users.Length));
        foreach (var user in users)
        {
            _ = _node.Store.WaitForDecisionAsync((await _other.Store.AddedAsync(_time.GetUtcNow(), user)).Id, CancellationToken.None);
        }

        Assert.That(await LookAsync(), Is.EqualTo(users.Length));
    }

    [Test]
    public async Task Of_many_that_wait_the_look_wakes_the_one_whose_message_was_lost()
    {
        var requests = new List<(CibaRequest Request, Task Wait)>();
        for (var i = 0; i < Waiting; i++)
        {
            var request = await _other.Store.AddedAsync(_time.GetUtcNow());
            requests.Add((request, _node.Store.WaitForDecisionAsync(request.Id, CancellationToken.None)));
        }

        var (lost, wait) = requests[17];
        await Server.DecideUnheardAsync(_prefix, lost.Id, lost.Subject, _time.GetUtcNow());
        _time.Advance(LookAgainAfter);
        await wait.WaitAsync(RedisHosts.Bound);

        Assert.That(requests.Count(one => one.Wait.IsCompleted), Is.EqualTo(1));
    }

    [TestCase("expires"), TestCase("is withdrawn")]
    public async Task The_look_wakes_who_waits_for_what_is_gone(string how)
    {
        var request = await _other.Store.AddedAsync(_time.GetUtcNow());
        var wait = _node.Store.WaitForDecisionAsync(request.Id, CancellationToken.None);
        if (how == "expires")
        {
            _time.Advance(Requests.Lifetime - LookAgainAfter);
            await LookAsync();
        }
        else
        {
            await Server.AskAsync("DEL", new Store.RedisKeys(_prefix).Request(request.Id)!);
        }

        await LookAsync();
        await wait.WaitAsync(RedisHosts.Bound);
    }

    [Test]
    public async Task A_device_is_woken_by_the_look_for_what_it_may_have_missed_and_by_nothing_else()
    {
        // Nobody can tell what came between the device's own look and the first one for it.
        var wait = WaitForChange();
        _time.Advance(LookAgainAfter);
        await wait.WaitAsync(RedisHosts.Bound);

        wait = WaitForChange();
        await LookAsync();
        await LookAsync();
        Assert.That(wait.IsCompleted, Is.False);

        // Of a user who is not marked as present nothing is called out.
        await _other.Store.AddedAsync(_time.GetUtcNow());
        _time.Advance(LookAgainAfter);
        await wait.WaitAsync(RedisHosts.Bound);

        wait = WaitForChange();
        await LookAsync();
        Assert.That(wait.IsCompleted, Is.False);
    }

    [Test]
    public async Task A_look_that_Redis_does_not_answer_is_made_up_for_by_the_next()
    {
        var request = await _other.Store.AddedAsync(_time.GetUtcNow());
        var wait = _node.Store.WaitForDecisionAsync(request.Id, CancellationToken.None);
        await Server.DecideUnheardAsync(_prefix, request.Id, request.Subject, _time.GetUtcNow());
        _network.DropAnswers();
        Seen();
        _time.Advance(LookAgainAfter);
        await RedisHosts.UntilAsync(() => Task.FromResult(Seen().Length > 0));
        Assert.That(wait.IsCompleted, Is.False);
        _network.Resume();

        await RedisHosts.UntilAsync(() => Task.FromResult(wait.IsCompleted), _time);
    }

    [Test]
    public async Task Nobody_is_looked_for_when_nobody_waits()
    {
        using var goes = new CancellationTokenSource();
        var wait = _node.Store.WaitForDecisionAsync((await _other.Store.AddedAsync(_time.GetUtcNow())).Id, goes.Token);
        await goes.CancelAsync();
        await wait;
        Seen();

        _time.Advance(LookAgainAfter);
        await _node.Store.IsPresentAsync(Requests.Alice, _time.GetUtcNow(), CancellationToken.None);

        Assert.That(Seen(), Is.EqualTo(new[] { "GET" }));
        Assert.That(_node.Get<DecisionSignals>().Count, Is.Zero);
    }

    [Test]
    public async Task A_thousand_users_are_marked_as_present_by_one_step_for_each_shard()
    {
        string[] users = [.. Enumerable.Range(0, 1000).Select(number => $"user {number}")];
        Seen();

        await _node.Store.MarkPresentAsync(users, _time.GetUtcNow(), _time.GetUtcNow().AddSeconds(15), CancellationToken.None);

        Assert.That(Seen(), Is.EqualTo(Enumerable.Repeat("EVALSHA", users.Select(CibaRequestId.Shard).Distinct().Count())));
    }

    private Task WaitForChange() => _node.Store.WaitForChangeAsync(Requests.Alice, CancellationToken.None);

    /// <summary>Lets the time of a look come, and counts the steps that it took.</summary>
    private async Task<int> LookAsync()
    {
        Seen();
        _time.Advance(LookAgainAfter);
        await _node.Get<DecisionSignals>().LastLook.WaitAsync(RedisHosts.Bound);
        return Seen().Length;
    }

    private string[] Seen()
    {
        var seen = new List<string>();
        while (_network.Requests.TryDequeue(out var command))
        {
            seen.Add(command);
        }

        return [.. seen.Where(Counted.Contains)];
    }
}
