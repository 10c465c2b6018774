namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Two stores, one of them on a clock that is 150 s apart from that of Redis, in either direction, go by Redis's clock.</summary>
[TestFixtureSource(nameof(Fixtures)), Spec("T3"), Spec("T4"), Spec("U3")]
public sealed class OneClockTests(string kind, int apart)
{
    private static readonly TimeSpan OneTick = TimeSpan.FromTicks(1);

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _redisTime = new();
    private readonly ManualTime _timeOfA = new();
    private readonly ManualTime _timeOfB = new();
    private RedisNode _a = null!;
    private RedisNode _b = null!;

    public static IEnumerable<TestFixtureData> Fixtures() =>
        from kind in RedisServers.Kinds
        from apart in new[] { 150, -150 }
        select new TestFixtureData(kind, apart).SetArgDisplayNames(kind, $"A is {apart} s ahead");

    [SetUp]
    public void Start()
    {
        _timeOfA.Advance(TimeSpan.FromSeconds(apart));
        _a = Node(0, _timeOfA);
        _b = Node(1, _timeOfB);
    }

    [TearDown]
    public async Task EndAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Test]
    public async Task A_request_expires_on_both_nodes_at_one_moment([Values] bool madeOnA)
    {
        var request = await StoreOf(madeOnA).AddedAsync(Now(madeOnA));
        Pass(Requests.Lifetime - OneTick);
        var before = await StatusesAsync(request);
        Pass(OneTick);
        var after = await StatusesAsync(request);
        Pass(Requests.Retention - OneTick);
        var retained = await StatusesAsync(request);
        Pass(OneTick);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Is.All.EqualTo(CibaRequestStatus.Pending));
            Assert.That(after, Is.All.EqualTo(CibaRequestStatus.Expired));
            Assert.That(retained, Is.All.EqualTo(CibaRequestStatus.Expired));
            Assert.That(await StatusesAsync(request), Is.All.Null);
        }
    }

    [Test]
    public async Task The_other_node_tells_the_times_of_a_request_by_its_own_clock([Values] bool madeOnA)
    {
        var request = await StoreOf(madeOnA).AddedAsync(Now(madeOnA));
        var between = Now(!madeOnA) - Now(madeOnA);

        var listed = (await StoreOf(!madeOnA).ListPendingAsync(Requests.Alice, Now(!madeOnA), CancellationToken.None)).Single();
        var polled = await StoreOf(!madeOnA).PollAsync(request, Now(!madeOnA));
        var found = await StoreOf(!madeOnA).GetForClientAsync(request.Id, Requests.Client, Now(!madeOnA), CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { listed.CreatedAt, listed.ExpiresAt, listed.RetainedUntil }, Is.EqualTo(new[] { request.CreatedAt + between, request.ExpiresAt + between, request.RetainedUntil + between }));
            Assert.That(polled.PendingUntil, Is.EqualTo(request.ExpiresAt + between));
            Assert.That(found!.Request.ExpiresAt, Is.EqualTo(request.ExpiresAt + between));
        }
    }

    [Test]
    public async Task The_interval_runs_on_from_one_node_to_the_other([Values] bool firstOnA)
    {
        var request = await StoreOf(firstOnA).AddedAsync(Now(firstOnA));
        List<CibaPollStatus> found = [await PollAsync(request, firstOnA)];
        Pass(request.Interval);
        found.Add(await PollAsync(request, !firstOnA));
        Pass(request.Interval - OneTick);
        found.Add(await PollAsync(request, !firstOnA));

        Assert.That(found, Is.EqualTo(new[] { CibaPollStatus.Pending, CibaPollStatus.Pending, CibaPollStatus.SlowDown }));
    }

    [Test]
    public async Task A_decision_counts_until_the_expiry_on_either_node([Values] bool madeOnA)
    {
        var (inTime, late) = (await StoreOf(madeOnA).AddedAsync(Now(madeOnA)), await StoreOf(madeOnA).AddedAsync(Now(madeOnA)));
        Pass(Requests.Lifetime - OneTick);
        var done = await StoreOf(!madeOnA).ApproveAsync(inTime, Now(!madeOnA));
        Pass(OneTick);

        Assert.That(new[] { done, await StoreOf(!madeOnA).ApproveAsync(late, Now(!madeOnA)) }, Is.EqualTo(new[] { CibaDecideResult.Done, CibaDecideResult.Expired }));
    }

    [Test]
    public async Task A_lease_lasts_as_long_for_the_other_node([Values] bool onA)
    {
        var request = await _b.Store.AddedAsync(Now(onA: false));
        await _b.Store.ApproveAsync(request, Now(onA: false));
        Assert.That(await PollAsync(request, onA), Is.EqualTo(CibaPollStatus.Approved));

        Pass(Requests.LeaseTime - OneTick);
        var held = await PollAsync(request, !onA);
        Pass(OneTick);

        Assert.That(new[] { held, await PollAsync(request, !onA) }, Is.EqualTo(new[] { CibaPollStatus.Pending, CibaPollStatus.Approved }));
    }

    [Test]
    public async Task The_outbox_is_held_and_comes_due_alike_on_both_nodes([Values] bool onA)
    {
        var request = await StoreOf(onA).DueAddedAsync(Now(onA));
        var held = await StoreOf(onA).ClaimAsync(request, Now(onA));
        Pass(Requests.Hold - OneTick);
        var others = await StoreOf(!onA).ClaimDueAsync(Now(!onA));
        Pass(OneTick);
        var taken = await StoreOf(!onA).ClaimDueAsync(Now(!onA));
        var dueAt = Now(!onA).AddSeconds(30);
        var postponed = await StoreOf(!onA).PostponeAsync(request.Id, taken.Single().HeldUntil, dueAt, CancellationToken.None);
        Pass(TimeSpan.FromSeconds(30) - OneTick);
        var early = await StoreOf(onA).ClaimAsync(request, Now(onA));
        Pass(OneTick);
        var due = await StoreOf(onA).ClaimAsync(request, Now(onA));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(held!.HeldUntil, Is.EqualTo(Now(onA) - TimeSpan.FromSeconds(30)));
            Assert.That(others, Is.Empty);
            Assert.That(postponed, Is.True);
            Assert.That(early, Is.Null);
            Assert.That(await StoreOf(onA).SettleAsync(request.Id, due!.HeldUntil, CibaSettlement.Done, CancellationToken.None), Is.True);
        }
    }

    [Test]
    public async Task A_device_that_listens_is_present_on_both_nodes_until_the_same_moment([Values] bool onA)
    {
        await StoreOf(onA).MarkPresentAsync(Requests.Alice, Now(onA), Now(onA).AddSeconds(15), CancellationToken.None);
        Pass(TimeSpan.FromSeconds(15) - OneTick);
        var before = await PresentAsync(!onA);
        Pass(OneTick);

        Assert.That(new[] { before, await PresentAsync(!onA) }, Is.EqualTo(new[] { true, false }));
    }

    [Test]
    public async Task A_cooldown_and_the_window_of_notifications_end_alike_on_both_nodes([Values] bool onA)
    {
        var limits = new CibaRequestLimits(0, 0) { Notifications = new CibaNotificationLimits { PerUser = 1, Window = TimeSpan.FromMinutes(1) } };
        List<CibaAddStatus> notified = [await AddAsync(onA, limits), await AddAsync(!onA, limits)];
        Pass(TimeSpan.FromMinutes(1) - OneTick);
        notified.Add(await AddAsync(!onA, limits));
        Pass(OneTick);
        notified.Add(await AddAsync(!onA, limits));

        var denied = await StoreOf(onA).AddedAsync(Now(onA));
        var cooldown = new CibaQuiet(Requests.Client, Now(onA).AddMinutes(1));
        await StoreOf(onA).DecideAsync(denied.Id, Requests.Alice, new CibaDecision { Outcome = CibaRequestStatus.Denied, DecidedAt = Now(onA), Quiet = cooldown }, Now(onA), CancellationToken.None);
        Pass(TimeSpan.FromMinutes(1) - OneTick);
        List<CibaAddStatus> asked = [await AddAsync(!onA, default)];
        Pass(OneTick);
        asked.Add(await AddAsync(!onA, default));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(notified, Is.EqualTo(new[] { CibaAddStatus.Added, CibaAddStatus.NotificationLimitReached, CibaAddStatus.NotificationLimitReached, CibaAddStatus.Added }));
            Assert.That(asked, Is.EqualTo(new[] { CibaAddStatus.Quiet, CibaAddStatus.Added }));
        }
    }

    [Test]
    public async Task Wrong_codes_count_for_their_window_on_both_nodes([Values] bool onA)
    {
        var window = TimeSpan.FromMinutes(1);
        var tries = new List<bool> { await TryAsync(onA), await TryAsync(!onA) };
        var left = await NodeOf(!onA).UserCodes.GetRemainingTimeAsync(Requests.Alice, CancellationToken.None);
        Pass(window - OneTick);
        tries.Add(await TryAsync(!onA));
        Pass(OneTick);
        tries.Add(await TryAsync(!onA));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tries, Is.EqualTo(new[] { true, false, false, true }));
            Assert.That(left, Is.EqualTo(window));
        }

        Task<bool> TryAsync(bool here) => NodeOf(here).UserCodes.TryBeginAsync(Requests.Alice, $"{Guid.NewGuid()}", 1, window, CancellationToken.None).AsTask();
    }

    [Test, Spec("A4")]
    public async Task A_used_JWT_is_remembered_for_as_long_as_the_node_that_is_behind_takes_it()
    {
        // Good on either node, for a minute on the one and for longer on the other.
        var expiresAt = (apart > 0 ? _timeOfA : _timeOfB).GetUtcNow().AddMinutes(1);
        var first = await NodeOf(apart > 0).ReplayCache.TryUseAsync("key", $"{Guid.NewGuid()}", expiresAt, CancellationToken.None);
        var key = await RedisServers.Get(kind).AskAsync("KEYS", $"{_prefix}:j:*");
        var life = TimeSpan.FromMilliseconds(long.Parse(await RedisServers.Get(kind).AskAsync("PTTL", key), System.Globalization.CultureInfo.InvariantCulture));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first, Is.True);
            Assert.That(life, Is.GreaterThan(TimeSpan.FromSeconds(60 + 150)));
            Assert.That(await NodeOf(apart < 0).ReplayCache.TryUseAsync("key", $"{Guid.NewGuid()}", expiresAt, CancellationToken.None), Is.False);
        }
    }

    private RedisNode Node(int number, ManualTime time) => RedisNode.On(RedisServers.Get(kind), number, _prefix, time, add: services => FakeRedisTime.Use(services, _redisTime));

    private RedisNode NodeOf(bool isA) => isA ? _a : _b;

    private ICibaRequestStore StoreOf(bool isA) => NodeOf(isA).Store;

    private DateTimeOffset Now(bool onA) => (onA ? _timeOfA : _timeOfB).GetUtcNow();

    private void Pass(TimeSpan time) => Array.ForEach([_redisTime, _timeOfA, _timeOfB], clock => clock.Advance(time));

    private async Task<CibaPollStatus> PollAsync(CibaRequest request, bool onA) => (await StoreOf(onA).PollAsync(request, Now(onA))).Status;

    private async Task<bool> PresentAsync(bool onA) => await StoreOf(onA).IsPresentAsync(Requests.Alice, Now(onA), CancellationToken.None);

    private async Task<CibaAddStatus> AddAsync(bool onA, CibaRequestLimits limits) => (await StoreOf(onA).AddAsync(Requests.New(Now(onA)), limits, CancellationToken.None)).Status;

    private async Task<CibaRequestStatus?[]> StatusesAsync(CibaRequest request) =>
    [
        (await _a.Store.GetAsync(request.Id, Requests.Alice, Now(onA: true), CancellationToken.None))?.Status,
        (await _b.Store.GetAsync(request.Id, Requests.Alice, Now(onA: false), CancellationToken.None))?.Status,
    ];
}
