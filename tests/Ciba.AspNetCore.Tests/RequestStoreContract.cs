namespace Ciba.AspNetCore.Tests;

/// <summary>What every <see cref="ICibaRequestStore"/> promises, step by step. A store's own fixture derives from this.</summary>
public abstract partial class RequestStoreContract
{
    private const string Alice = "alice";
    private const string Bob = "bob";
    private const string Client = "client";

    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Retention = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan OneTick = TimeSpan.FromTicks(1);

    protected ManualTime Time { get; } = new();

    protected ICibaRequestStore Store { get; private set; } = null!;

    private DateTimeOffset Now => Time.GetUtcNow();

    /// <summary>An empty store that lives by this clock.</summary>
    protected abstract ICibaRequestStore CreateStore(ManualTime time);

    [SetUp]
    public void SetUp() => Store = CreateStore(Time);

    [TearDown]
    public async Task TearDown()
    {
        switch (Store)
        {
            case IAsyncDisposable disposable:
                await disposable.DisposeAsync();
                break;
            case IDisposable disposable:
                disposable.Dispose();
                break;
        }
    }

    [Test, Spec("A16")]
    public async Task What_was_added_comes_back_as_it_was()
    {
        var request = New(scopes: ["openid", "email"], bindingMessage: "W4SCT · 日本", acrValues: ["b", "a"]);

        var added = await AddAsync(request);
        var found = await Store.GetAsync(request.Id, Alice, Now, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(added, Is.EqualTo(CibaAddResult.Added));
            Assert.That(found!.Status, Is.EqualTo(CibaRequestStatus.Pending));
            Assert.That(Content(found.Request), Is.EqualTo(Content(request)));
        }
    }

    [Test, Spec("T1"), Spec("T14")]
    public async Task An_unknown_request_or_another_clients_is_unknown_and_not_touched()
    {
        var request = await AddedAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await PollAsync(New(), Client), Is.EqualTo(CibaPollStatus.Unknown));
            Assert.That(await PollAsync(request, "other"), Is.EqualTo(CibaPollStatus.Unknown));
            Assert.That(await PollAsync(request, "CLIENT"), Is.EqualTo(CibaPollStatus.Unknown));
            Assert.That(await PollAsync(request), Is.EqualTo(CibaPollStatus.Pending));
            Assert.That(await PollAsync(request, "other"), Is.EqualTo(CibaPollStatus.Unknown));
            Time.Advance(request.Interval);
            Assert.That(await PollAsync(request), Is.EqualTo(CibaPollStatus.Pending));
        }
    }

    [Test, Spec("T3")]
    public async Task The_next_poll_time_and_the_interval_move_with_every_pending_and_slow_down()
    {
        var request = await AddedAsync();
        var found = new List<CibaPollStatus>();
        foreach (var wait in new[] { TimeSpan.Zero, Seconds(5), Seconds(5) - OneTick, Seconds(10), Seconds(10) - OneTick, Seconds(15) - OneTick, Seconds(20) })
        {
            Time.Advance(wait);
            found.Add(await PollAsync(request));
        }

        Assert.That(found, Is.EqualTo(new[]
        {
            CibaPollStatus.Pending, CibaPollStatus.Pending, CibaPollStatus.SlowDown, CibaPollStatus.Pending,
            CibaPollStatus.SlowDown, CibaPollStatus.SlowDown, CibaPollStatus.Pending,
        }));
    }

    [TestCase(CibaRequestStatus.Denied, CibaPollStatus.Denied), TestCase(CibaRequestStatus.Failed, CibaPollStatus.Failed), Spec("T5"), Spec("T3")]
    public async Task A_no_or_a_failure_is_told_at_every_poll_and_outranked_by_the_expiry(CibaRequestStatus outcome, CibaPollStatus expected)
    {
        var request = await AddedAsync();
        await PollAsync(request);
        await DecideAsync(request, outcome);

        CibaPollStatus[] found = [await PollAsync(request), await PollAsync(request)];
        Time.Advance(Lifetime);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(found, Is.All.EqualTo(expected));
            Assert.That(await PollAsync(request), Is.EqualTo(CibaPollStatus.Expired));
        }
    }

    [Test, Spec("T4")]
    public async Task A_request_expires_at_its_instant_and_is_forgotten_at_its_end([Values] bool approved)
    {
        var request = await AddedAsync();
        if (approved)
        {
            await DecideAsync(request);
        }

        Time.Advance(Lifetime);
        var atExpiry = await PollAsync(request);
        Time.Advance(Retention - OneTick);
        var atLast = await PollAsync(request);
        Time.Advance(OneTick);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { atExpiry, atLast }, Is.All.EqualTo(CibaPollStatus.Expired));
            Assert.That(await PollAsync(request), Is.EqualTo(CibaPollStatus.Unknown));
            Assert.That(await Store.GetAsync(request.Id, Alice, Now, CancellationToken.None), Is.Null);
            Assert.That(await DecideAsync(request), Is.EqualTo(CibaDecideResult.Unknown));
        }
    }

    [Test, Spec("T8")]
    public async Task An_approved_request_is_leased_to_one_with_what_was_asked_and_answered()
    {
        var request = await AddedAsync();
        await PollAsync(request);
        var decision = new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = Now, Scopes = ["openid"], AuthTime = Now - Seconds(1.5), Acr = "b", Amr = ["face", "pin"] };
        await Store.DecideAsync(request.Id, Alice, decision, Now, CancellationToken.None);

        var first = await PollForLeaseAsync(request);
        Time.Advance(LeaseTime - OneTick);
        var second = await PollForLeaseAsync(request);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Status, Is.EqualTo(CibaPollStatus.Approved));
            Assert.That(first.Lease, Is.Not.Empty);
            Assert.That(Content(first.Request!), Is.EqualTo(Content(request)));
            Assert.That(Content(first.Decision!), Is.EqualTo(Content(decision)));
            Assert.That(second.Status, Is.EqualTo(CibaPollStatus.Pending));
            Assert.That(new object?[] { second.Request, second.Decision, second.Lease }, Is.All.Null);
        }
    }

    [Test, Spec("I1")]
    public async Task A_time_of_authentication_that_is_not_known_stays_unknown()
    {
        var request = await AddedAsync();
        await Store.DecideAsync(request.Id, Alice, new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = Now, Scopes = ["openid"] }, Now, CancellationToken.None);

        Assert.That((await PollForLeaseAsync(request)).Decision!.AuthTime, Is.Null);
    }

    [Test, Spec("T8")]
    public async Task A_completed_request_is_redeemed_until_its_end_whatever_the_expiry()
    {
        var (request, lease) = await LeasedAsync();

        var completed = await CompleteAsync(request, lease);
        var again = await CompleteAsync(request, lease);
        var released = await ReleaseAsync(request, lease);
        var polled = await PollAsync(request);
        Time.Advance(Lifetime);
        var late = await PollAsync(request);
        Time.Advance(Retention);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { completed, again }, Is.All.True);
            Assert.That(released, Is.False);
            Assert.That(new[] { polled, late }, Is.All.EqualTo(CibaPollStatus.Redeemed));
            Assert.That(await PollAsync(request), Is.EqualTo(CibaPollStatus.Unknown));
        }
    }

    [Test, Spec("U3")]
    public async Task A_decision_is_done_again_when_it_is_repeated_whatever_became_of_the_request()
    {
        var request = await AddedAsync();
        var decision = new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = Now, Scopes = ["openid"] };
        List<CibaDecideResult> results = [];

        await DecideAsync();
        await DecideAsync();
        var leased = (await Store.PollAsync(request.Id, request.ClientKey, Now, LeaseTime, CancellationToken.None)).Lease!;
        await DecideAsync();
        await CompleteAsync(request, leased);
        await DecideAsync();
        results.Add(await Store.DecideAsync(request.Id, request.UserKey, new() { Outcome = decision.Outcome, DecidedAt = Now, Scopes = ["openid"] }, Now, CancellationToken.None));

        Assert.That(results, Is.EqualTo(Enumerable.Repeat(CibaDecideResult.Done, 4).Append(CibaDecideResult.AlreadyDecided)));

        async Task DecideAsync() => results.Add(await Store.DecideAsync(request.Id, request.UserKey, decision, Now, CancellationToken.None));
    }

    [Test, Spec("T12")]
    public async Task A_released_request_is_the_next_polls_under_a_new_lease()
    {
        var (request, lease) = await LeasedAsync();

        var released = await ReleaseAsync(request, lease);
        var next = await PollForLeaseAsync(request);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(released, Is.True);
            Assert.That(next.Status, Is.EqualTo(CibaPollStatus.Approved));
            Assert.That(next.Lease, Is.Not.EqualTo(lease));
            Assert.That(await ReleaseAsync(request, lease), Is.False);
            Assert.That(await CompleteAsync(request, lease), Is.False);
            Assert.That(await PollAsync(request), Is.EqualTo(CibaPollStatus.Pending));
            Assert.That(await CompleteAsync(request, next.Lease!), Is.True);
        }
    }

    [Test, Spec("T12"), Spec("T8")]
    public async Task A_lease_that_nobody_ends_returns_at_its_instant_and_the_old_one_is_worth_nothing()
    {
        var (request, lease) = await LeasedAsync();
        Time.Advance(LeaseTime);

        var next = await PollForLeaseAsync(request);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(next.Status, Is.EqualTo(CibaPollStatus.Approved));
            Assert.That(await CompleteAsync(request, lease), Is.False);
            Assert.That(await ReleaseAsync(request, lease), Is.False);
            Assert.That(await CompleteAsync(request, next.Lease!), Is.True);
        }
    }

    [Test, Spec("T8")]
    public async Task A_lease_that_is_over_but_that_nobody_took_still_completes([Values] bool afterExpiry)
    {
        var (request, lease) = await LeasedAsync();
        Time.Advance(afterExpiry ? Lifetime : LeaseTime);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await CompleteAsync(request, lease), Is.True);
            Assert.That(await PollAsync(request), Is.EqualTo(CibaPollStatus.Redeemed));
        }
    }

    [Test, Spec("T8")]
    public async Task A_lease_opens_its_own_request_and_no_other()
    {
        var (request, lease) = await LeasedAsync();
        var (other, _) = await LeasedAsync();
        var pending = await AddedAsync();

        using (Assert.EnterMultipleScope())
        {
            foreach (var wrong in new[] { other, pending, New() })
            {
                Assert.That(await CompleteAsync(wrong, lease), Is.False);
                Assert.That(await ReleaseAsync(wrong, lease), Is.False);
            }

            Assert.That(await CompleteAsync(request, $"{lease} "), Is.False);
            Assert.That(await CompleteAsync(request, ""), Is.False);
            Assert.That(await CompleteAsync(request, lease), Is.True);
        }
    }

    [Test, Spec("T8")]
    public async Task A_request_that_is_past_its_end_cannot_be_completed()
    {
        var (request, lease) = await LeasedAsync();
        Time.Advance(Lifetime + Retention);
        await PollAsync(request);

        Assert.That(await CompleteAsync(request, lease), Is.False);
    }
}
