using System.Net;
using Ciba.AspNetCore.Redis.Connection;
using Ciba.AspNetCore.Redis.Store;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Section 10.1, long polling, where the answer comes on another node than the poll.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class LongPollingOnTwoNodesTests(string kind)
{
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromSeconds(7);

    private readonly string _prefix = RedisNode.NewPrefix();
    private CibaHost _a = null!;
    private CibaHost _b = null!;
    private FaultProxy _network = null!;

    private RedisServer Server => RedisServers.Get(kind);

    [SetUp]
    public async Task StartAsync()
    {
        _network = new FaultProxy(Server);
        _a = Host(_network.Endpoint);
        _b = Host(Server.Endpoint);
        await Task.WhenAll(_a.ListeningAsync(), _b.ListeningAsync());
    }

    [TearDown]
    public async Task EndAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
        await _network.DisposeAsync();
    }

    [TestCase("approve"), TestCase("deny")]
    public async Task A_poll_that_waits_on_one_node_is_answered_when_the_decision_comes_on_the_other(string verb)
    {
        var authReqId = await _b.AuthorizedAsync();
        var poll = await WaitingAsync(authReqId);

        await _b.AnsweredAsync(authReqId, verb);
        var answer = await poll.WaitAsync(RedisHosts.Bound);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Error, Is.EqualTo(verb == "approve" ? null : "access_denied"));
            Assert.That(answer.Status, Is.EqualTo(verb == "approve" ? HttpStatusCode.OK : HttpStatusCode.BadRequest));
            await NobodyWaitsAsync();
        }
    }

    [Test]
    public async Task Where_the_message_is_lost_the_poll_looks_for_itself()
    {
        var authReqId = await _b.AuthorizedAsync();
        var poll = await WaitingAsync(authReqId);
        await Server.DecideUnheardAsync(_prefix, RedisHosts.Handle(authReqId), FakeUsers.SubjectOf("alice"), _b.Time.GetUtcNow());

        // No sooner than after four fifths of it, so that polls do not look all at once.
        _a.Time.Advance((LookAgainAfter * 0.8) - TimeSpan.FromMilliseconds(1));
        await PassedAsync();
        Assert.That(poll.IsCompleted, Is.False);
        _a.Time.Advance((LookAgainAfter * 0.2) + TimeSpan.FromMilliseconds(1));

        Assert.That((await poll.WaitAsync(RedisHosts.Bound)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task After_a_connection_was_cut_and_is_back_waiting_polls_look_at_once()
    {
        var authReqId = await _b.AuthorizedAsync();
        var poll = await WaitingAsync(authReqId);
        _network.Refuse();
        await _b.AnsweredAsync(authReqId, "approve");
        Assert.That(poll.IsCompleted, Is.False);

        _network.Resume();
        await RedisHosts.UntilAsync(() =>
        {
            // Within half a second, so that nodes do not look all at once.
            _a.Time.Advance(TimeSpan.FromMilliseconds(10));
            return Task.FromResult(poll.IsCompleted);
        });
        var answer = await poll;

        // Its look may have come between the two connections that it has.
        if (answer.Status == HttpStatusCode.ServiceUnavailable)
        {
            await _a.BackAsync();
            answer = await _a.PolledAsync(authReqId);
        }

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [Test]
    public async Task After_a_connection_was_cut_and_is_back_other_nodes_are_heard_again()
    {
        _network.CutAll();
        await _a.BackAsync();
        await RedisHosts.UntilAsync(async () =>
        {
            await (await _a.ServicesAsync()).GetRequiredService<DecisionSignals>().SubscribeAsync();
            return await IsHeardAsync();
        });
        var authReqId = await _b.AuthorizedAsync();
        var poll = await WaitingAsync(authReqId);

        await _b.AnsweredAsync(authReqId, "approve");

        Assert.That((await poll.WaitAsync(RedisHosts.Bound)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Clients_that_go_are_forgotten_at_once()
    {
        var authReqId = await _b.AuthorizedAsync();
        using var gone = new CancellationTokenSource();
        using var http = await _a.HttpAsync();
        var polls = Enumerable.Range(0, 20).Select(_ => http.PostAsync(
            "/token",
            new FormUrlEncodedContent([new("client_id", "client"), new("client_secret", CibaHost.Secret), new("grant_type", CibaHost.GrantType), new("auth_req_id", authReqId)]),
            gone.Token)).ToArray();

        // All but the first come too soon, and are answered.
        await RedisHosts.UntilAsync(async () => polls.Count(poll => poll.IsCompleted) == 19 && await CountAsync() == 1);
        await gone.CancelAsync();
        await ((Task)Task.WhenAll(polls)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        await NobodyWaitsAsync();
    }

    [Test]
    public async Task A_thousand_polls_wait_on_one_node_and_each_wakes_on_its_decision()
    {
        const int Polls = 1000;
        var ids = new List<string>();
        for (var i = 0; i < Polls; i++)
        {
            ids.Add(await _b.AuthorizedAsync());
        }

        var polls = ids.Select(id => RedisHosts.ServedAsync(() => _a.PollAsync(id))).ToArray();
        await RedisHosts.UntilAsync(async () => await CountAsync() == Polls);
        Assert.That(polls.Count(poll => poll.IsCompleted), Is.Zero);

        foreach (var id in ids)
        {
            await _b.AnsweredAsync(id, "approve");
        }

        foreach (var poll in polls)
        {
            Assert.That((await poll.WaitAsync(RedisHosts.Bound)).Status, Is.EqualTo(HttpStatusCode.OK));
        }

        await NobodyWaitsAsync();
    }

    private CibaHost Host(string configuration) => RedisHosts.On(
        configuration,
        _prefix,
        redis => redis.LookAgainAfter = LookAgainAfter,
        options =>
        {
            options.LongPolling.Timeout = TimeSpan.FromSeconds(30);
            options.Limits.SwitchOff();
        },
        builder => new FakeTokens().Use(builder));

    /// <summary>A poll on A that has found the user still thinking.</summary>
    private async Task<Task<Answer>> WaitingAsync(string authReqId)
    {
        var poll = _a.PollAsync(authReqId);
        var key = new RedisKeys(_prefix).Request(RedisHosts.Handle(authReqId));
        await RedisHosts.UntilAsync(async () =>
        {
            if (poll is { IsCompletedSuccessfully: true, Result.Status: HttpStatusCode.ServiceUnavailable })
            {
                poll = _a.PollAsync(authReqId);
            }

            return await CountAsync() == 1 && await Server.AskAsync("GETRANGE", key!, "76", "79") != "\0\0\0\0";
        });
        return poll;
    }

    // Once more around the loop of everything that could have been woken.
    private async Task PassedAsync() => Assert.That(await _a.PendingAsync("bob"), Is.Empty);

    private async Task<bool> IsHeardAsync() => (await Server.AskAsync("PUBSUB", "NUMSUB", $"{_prefix}:changed")).EndsWith("\n2", StringComparison.Ordinal);

    private async Task<int> CountAsync() => (await _a.ServicesAsync()).GetRequiredService<DecisionSignals>().Count;

    private Task NobodyWaitsAsync() => RedisHosts.UntilAsync(async () => await CountAsync() == 0);
}
