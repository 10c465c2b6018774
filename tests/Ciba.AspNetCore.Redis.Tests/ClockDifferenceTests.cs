using System.Net;
using Ciba.AspNetCore.Redis.Store;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Two nodes whose clocks are five seconds apart, in either direction, do no harm to anybody.</summary>
[TestFixtureSource(nameof(Fixtures))]
public sealed class ClockDifferenceTests(string kind, int ahead)
{
    private const int PolledAt = 69;
    private const int PolledLength = 7;

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _timeOfA = new();
    private readonly ManualTime _timeOfB = new();
    private readonly TimeSpan _ahead = TimeSpan.FromSeconds(ahead);
    private RedisNode _a = null!;
    private RedisNode _b = null!;

    private RedisServer Server => RedisServers.Get(kind);

    private DateTimeOffset NowOfA => _timeOfA.GetUtcNow();

    private DateTimeOffset NowOfB => _timeOfB.GetUtcNow();

    public static IEnumerable<TestFixtureData> Fixtures() =>
        from kind in RedisServers.Kinds
        from ahead in new[] { 5, -5 }
        select new TestFixtureData(kind, ahead).SetArgDisplayNames(kind, $"B is {ahead} s ahead");

    [SetUp]
    public void Start()
    {
        Apart(_timeOfA, _timeOfB);
        _a = RedisNode.On(Server, 0, _prefix, _timeOfA);
        _b = RedisNode.On(Server, 1, _prefix, _timeOfB);
    }

    [TearDown]
    public async Task EndAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Test]
    public async Task A_client_that_keeps_the_interval_by_its_own_clock_is_never_told_to_slow_down()
    {
        var request = await _a.Store.AddedAsync(NowOfA);
        List<CibaPollStatus> found = [];
        for (var poll = 0; poll < 12; poll++)
        {
            // A and B in turns, and each of them twice in a row as well.
            found.Add(await PollAsync(request, onA: poll % 3 == 0));
            await PassAsync(request, request.Interval);
        }

        Assert.That(found, Is.All.EqualTo(CibaPollStatus.Pending));
    }

    [Test]
    public async Task A_poll_that_comes_too_early_on_the_same_node_is_told_to_slow_down([Values] bool onA)
    {
        var request = await _a.Store.AddedAsync(NowOfA);
        await PollAsync(request, onA);
        await PassAsync(request, request.Interval - TimeSpan.FromMilliseconds(1));

        Assert.That(await PollAsync(request, onA), Is.EqualTo(CibaPollStatus.SlowDown));
    }

    [Test]
    public async Task A_poll_that_comes_too_early_on_the_node_that_is_behind_is_told_to_slow_down()
    {
        // A minute too early, for the clock of Redis goes on meanwhile, however slow this machine is.
        var interval = TimeSpan.FromMinutes(5);
        var behindIsA = _ahead > TimeSpan.Zero;
        var request = Requests.New(NowOfA, lifetime: TimeSpan.FromMinutes(30), interval: interval);
        await _a.Store.AddAsync(request, default, default);
        await PollAsync(request, onA: !behindIsA);
        await PassAsync(request, interval - TimeSpan.FromMinutes(1));

        Assert.That(await PollAsync(request, onA: behindIsA), Is.EqualTo(CibaPollStatus.SlowDown));
        await PassAsync(request, interval + TimeSpan.FromSeconds(5));
        Assert.That(await PollAsync(request, onA: !behindIsA), Is.EqualTo(CibaPollStatus.Pending));
    }

    [Test]
    public async Task After_a_poll_that_waited_the_next_may_come_at_once_on_either_node([Values] bool waitedOnA, [Values] bool nextOnA)
    {
        var request = await _a.Store.AddedAsync(NowOfA);
        await PollAsync(request, waitedOnA);
        await PassAsync(request, TimeSpan.FromSeconds(2));
        var waited = await StoreOf(waitedOnA).PollAfterWaitAsync(request.Id, request.ClientId, Now(waitedOnA), Requests.LeaseTime, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(waited.Status, Is.EqualTo(CibaPollStatus.Pending));
            Assert.That(await PollAsync(request, nextOnA), Is.EqualTo(CibaPollStatus.Pending));
        }
    }

    [Test]
    public async Task A_decision_before_the_expiry_on_both_clocks_counts([Values] bool onA)
    {
        var request = await _a.Store.AddedAsync(NowOfA);
        await PassAsync(request, Requests.Lifetime - TimeSpan.FromSeconds(6));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await StoreOf(onA).ApproveAsync(request, Now(onA)), Is.EqualTo(CibaDecideResult.Done));
            Assert.That(await StoreOf(!onA).ApproveAsync(request, Now(!onA)), Is.EqualTo(CibaDecideResult.AlreadyDecided));
            Assert.That(await PollAsync(request, !onA), Is.EqualTo(CibaPollStatus.Approved));
        }
    }

    [Test]
    public async Task A_lease_is_had_by_one_node_at_a_time_and_ends_once([Values] bool onA)
    {
        var request = await _a.Store.AddedAsync(NowOfA);
        await _b.Store.ApproveAsync(request, NowOfB);
        var first = await StoreOf(onA).PollAsync(request, Now(onA));
        Assert.That(await PollAsync(request, !onA), Is.EqualTo(CibaPollStatus.Pending));

        // Over on both clocks.
        await PassAsync(request, Requests.LeaseTime + _ahead.Duration());
        var second = await StoreOf(!onA).PollAsync(request, Now(!onA));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(second.Status, Is.EqualTo(CibaPollStatus.Approved));
            Assert.That(await StoreOf(onA).CompleteAsync(request.Id, first.Lease!, CancellationToken.None), Is.False);
            Assert.That(await StoreOf(onA).ReleaseAsync(request.Id, first.Lease!, CancellationToken.None), Is.False);
            Assert.That(await StoreOf(!onA).CompleteAsync(request.Id, second.Lease!, CancellationToken.None), Is.True);
            Assert.That(await PollAsync(request, onA), Is.EqualTo(CibaPollStatus.Redeemed));
        }
    }

    [Test]
    public async Task A_lease_of_one_node_is_completed_though_the_other_takes_it_for_over_unless_somebody_took_it()
    {
        var request = await _a.Store.AddedAsync(NowOfA);
        await _b.Store.ApproveAsync(request, NowOfB);
        var lease = (await _a.Store.PollAsync(request, NowOfA)).Lease!;
        await PassAsync(request, Requests.LeaseTime);

        Assert.That(await _a.Store.CompleteAsync(request.Id, lease, CancellationToken.None), Is.True);
        Assert.That(await PollAsync(request, onA: false), Is.EqualTo(CibaPollStatus.Redeemed));
    }

    [Test]
    public async Task Both_nodes_see_and_count_the_same_requests()
    {
        var limits = new CibaRequestLimits(3, 0);
        CibaRequest[] requests = [Requests.New(NowOfA), Requests.New(NowOfB), Requests.New(NowOfA)];
        Assert.That(await _a.Store.AddAsync(requests[0], limits, default), Is.EqualTo(CibaAddResult.Added));
        Assert.That(await _b.Store.AddAsync(requests[1], limits, default), Is.EqualTo(CibaAddResult.Added));
        Assert.That(await _a.Store.AddAsync(requests[2], limits, default), Is.EqualTo(CibaAddResult.Added));

        var ids = requests.Select(request => request.Id).ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((await _a.Store.ListPendingAsync(Requests.Alice, NowOfA, default)).Select(request => request.Id), Is.EquivalentTo(ids));
            Assert.That((await _b.Store.ListPendingAsync(Requests.Alice, NowOfB, default)).Select(request => request.Id), Is.EquivalentTo(ids));
            Assert.That((await _a.Store.AddAsync(Requests.New(NowOfA), limits, default)).Status, Is.EqualTo(CibaAddStatus.LimitReached));
            Assert.That((await _b.Store.AddAsync(Requests.New(NowOfB), limits, default)).Status, Is.EqualTo(CibaAddStatus.LimitReached));
        }
    }

    [Test]
    public async Task The_whole_way_over_HTTP_works_on_two_hosts()
    {
        await using var a = RedisHosts.On(Server.Endpoint, _prefix);
        await using var b = RedisHosts.On(Server.Endpoint, _prefix);
        Apart(a.Time, b.Time);

        var authReqId = await a.AuthorizedAsync();
        Assert.That((await b.PolledAsync(authReqId)).Error, Is.EqualTo("authorization_pending"));
        a.Time.Advance(TimeSpan.FromSeconds(5));
        b.Time.Advance(TimeSpan.FromSeconds(5));
        await ElapseAsync(RedisHosts.Handle(authReqId), TimeSpan.FromSeconds(5));
        Assert.That((await a.PolledAsync(authReqId)).Error, Is.EqualTo("authorization_pending"));
        Assert.That(await b.PendingAsync(), Is.EqualTo(new[] { RedisHosts.Handle(authReqId) }));
        Assert.That((await RedisHosts.ServedAsync(() => b.AnswerAsync(authReqId, "approve"))).Status, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That((await a.PolledAsync(authReqId)).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await b.PolledAsync(authReqId)).Error, Is.EqualTo("invalid_grant"));
    }

    private void Apart(ManualTime a, ManualTime b) => (_ahead > TimeSpan.Zero ? b : a).Advance(_ahead.Duration());

    private ICibaRequestStore StoreOf(bool onA) => (onA ? _a : _b).Store;

    private DateTimeOffset Now(bool onA) => onA ? NowOfA : NowOfB;

    private async Task<CibaPollStatus> PollAsync(CibaRequest request, bool onA) => (await StoreOf(onA).PollAsync(request, Now(onA))).Status;

    /// <summary>Time goes by on both nodes and on Redis.</summary>
    private Task PassAsync(CibaRequest request, TimeSpan time)
    {
        _timeOfA.Advance(time);
        _timeOfB.Advance(time);
        return ElapseAsync(request.Id, time);
    }

    // Redis has a clock of its own, which a test cannot move: what it wrote down is moved back instead.
    private async Task ElapseAsync(string id, TimeSpan time)
    {
        const string Script = """
            local stored = redis.call('GETRANGE', KEYS[1], ARGV[1], ARGV[1] + ARGV[2] - 1)
            local polled = 0
            for i = 1, #stored do polled = polled * 256 + string.byte(stored, i) end
            polled = math.max(polled - tonumber(ARGV[3]), 0)
            local bytes = {}
            for i = #stored, 1, -1 do
              bytes[i] = string.char(polled % 256)
              polled = math.floor(polled / 256)
            end
            redis.call('SETRANGE', KEYS[1], ARGV[1], table.concat(bytes))
            return 1
            """;
        var redis = await RedisNode.SharedAsync(Server, 0);
        await redis.GetDatabase().ScriptEvaluateAsync(Script, [new RedisKeys(_prefix).Request(id)], [PolledAt, PolledLength, (long)time.TotalMilliseconds]);
    }
}
