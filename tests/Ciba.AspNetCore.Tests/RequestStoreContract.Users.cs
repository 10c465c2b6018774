namespace Ciba.AspNetCore.Tests;

/// <summary>The user's side of a store: limits, lists, answers, and what is withdrawn.</summary>
public abstract partial class RequestStoreContract
{
    [Test, Spec("U5")]
    public async Task The_limit_counts_a_users_pending_requests_and_nothing_else()
    {
        CibaAddResult[] first = [await AddAsync(New(), perUser: 2), await AddAsync(New(clientId: "other"), perUser: 2)];
        var refused = New();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first, Is.All.EqualTo(CibaAddResult.Added));
            Assert.That(await AddAsync(refused, perUser: 2), Is.EqualTo(LimitReached()));
            Assert.That(await Store.GetAsync(refused.Id, Alice, Now, CancellationToken.None), Is.Null);
            Assert.That(await PollAsync(refused), Is.EqualTo(CibaPollStatus.Unknown));
            Assert.That(await PendingAsync(), Has.Length.EqualTo(2));
            Assert.That(await AddAsync(New(Bob), perUser: 2), Is.EqualTo(CibaAddResult.Added));
            Assert.That(await AddAsync(New(), perUser: 0), Is.EqualTo(CibaAddResult.Added));
        }
    }

    [Test, Spec("U5")]
    public async Task The_limit_for_one_client_leaves_room_for_others()
    {
        await AddAsync(New(), perUserAndClient: 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await AddAsync(New(), perUserAndClient: 1), Is.EqualTo(LimitReached()));
            Assert.That(await AddAsync(New(clientId: "other"), perUserAndClient: 1), Is.EqualTo(CibaAddResult.Added));
            Assert.That(await AddAsync(New(clientId: "third"), perUser: 2, perUserAndClient: 1), Is.EqualTo(LimitReached()));
            Assert.That(await AddAsync(New(Bob), perUserAndClient: 1), Is.EqualTo(CibaAddResult.Added));
        }
    }

    [TestCase("approved"), TestCase("denied"), TestCase("failed"), TestCase("withdrawn"), TestCase("expired"), Spec("U5")]
    public async Task A_request_that_no_longer_waits_makes_room(string end)
    {
        var request = await AddedAsync();
        switch (end)
        {
            case "withdrawn":
                await Store.RemoveAsync(request.Id, request.Subject, CancellationToken.None);
                break;
            case "expired":
                Time.Advance(Lifetime);
                break;
            default:
                await DecideAsync(request, Enum.Parse<CibaRequestStatus>(end, ignoreCase: true));
                break;
        }

        CibaAddResult[] next = [await AddAsync(New(), perUser: 1), await AddAsync(New(), perUser: 1)];

        Assert.That(next, Is.EqualTo(new[] { CibaAddResult.Added, LimitReached() }));
    }

    [Test, Spec("U5")]
    public async Task A_request_counts_until_the_tick_before_its_expiry()
    {
        await AddedAsync();
        Time.Advance(Lifetime - OneTick);

        Assert.That(await AddAsync(New(), perUser: 1), Is.EqualTo(LimitReached(OneTick)));
    }

    [Test, Spec("U2")]
    public async Task A_request_is_seen_by_its_user_alone()
    {
        var request = await AddedAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await Store.GetAsync(request.Id, Bob, Now, CancellationToken.None), Is.Null);
            Assert.That(await Store.GetAsync(request.Id, "ALICE", Now, CancellationToken.None), Is.Null);
            Assert.That(await Store.GetAsync(New().Id, Alice, Now, CancellationToken.None), Is.Null);
            Assert.That(await PendingAsync(Bob), Is.Empty);
            Assert.That(await PendingAsync(), Is.EqualTo(new[] { request.Id }));
        }
    }

    [Test, Spec("U1")]
    public async Task The_list_is_what_waits_oldest_first()
    {
        var requests = new List<CibaRequest>();
        for (var i = 0; i < 6; i++)
        {
            requests.Add(await AddedAsync());
            Time.Advance(Seconds(1));
        }

        await AddedAsync(Bob);
        await DecideAsync(requests[0]);
        await DecideAsync(requests[2], CibaRequestStatus.Denied);
        await Store.RemoveAsync(requests[5].Id, requests[5].Subject, CancellationToken.None);
        var listed = await PendingAsync();
        Time.Advance(Lifetime - Seconds(5));
        var later = await PendingAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(listed, Is.EqualTo(new[] { requests[1].Id, requests[3].Id, requests[4].Id }));
            Assert.That(later, Is.EqualTo(new[] { requests[3].Id, requests[4].Id }));
        }
    }

    [Test, Spec("U3")]
    public async Task Where_a_request_stands_is_told_to_its_user()
    {
        var pending = await AddedAsync();
        var approved = await AddedAsync();
        await DecideAsync(approved);
        var denied = await AddedAsync();
        await DecideAsync(denied, CibaRequestStatus.Denied);
        var failed = await AddedAsync();
        await DecideAsync(failed, CibaRequestStatus.Failed);
        var (redeeming, _) = await LeasedAsync();
        var (redeemed, lease) = await LeasedAsync();
        await CompleteAsync(redeemed, lease);

        var before = await StatusesAsync(pending, approved, denied, failed, redeeming, redeemed);
        Time.Advance(Lifetime);
        var after = await StatusesAsync(pending, denied, failed, redeemed);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Is.EqualTo(new[]
            {
                CibaRequestStatus.Pending, CibaRequestStatus.Approved, CibaRequestStatus.Denied,
                CibaRequestStatus.Failed, CibaRequestStatus.Redeeming, CibaRequestStatus.Redeemed,
            }));
            Assert.That(after, Is.EqualTo(new[] { CibaRequestStatus.Expired, CibaRequestStatus.Denied, CibaRequestStatus.Failed, CibaRequestStatus.Redeemed }));
        }
    }

    [Test, Spec("U3")]
    public async Task The_first_answer_counts([Values(CibaRequestStatus.Approved, CibaRequestStatus.Denied, CibaRequestStatus.Failed)] CibaRequestStatus first, [Values] bool late)
    {
        var request = await AddedAsync();

        var done = await DecideAsync(request, first);
        Time.Advance(late ? Lifetime : TimeSpan.Zero);
        var second = await DecideAsync(request, first == CibaRequestStatus.Approved ? CibaRequestStatus.Denied : CibaRequestStatus.Approved);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(done, Is.EqualTo(CibaDecideResult.Done));
            Assert.That(second, Is.EqualTo(CibaDecideResult.AlreadyDecided));
            Assert.That((await StatusesAsync(request)).Single(), Is.EqualTo(first));
        }
    }

    [Test, Spec("U3")]
    public async Task No_answer_counts_from_the_expiry_on([Values] bool inTime)
    {
        var request = await AddedAsync();
        Time.Advance(inTime ? Lifetime - OneTick : Lifetime);

        Assert.That(await DecideAsync(request), Is.EqualTo(inTime ? CibaDecideResult.Done : CibaDecideResult.Expired));
    }

    [Test, Spec("U2")]
    public async Task Another_users_answer_changes_nothing()
    {
        var request = await AddedAsync();
        var decision = new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = Now };

        var others = await Store.DecideAsync(request.Id, Bob, decision, Now, CancellationToken.None);
        var unknown = await DecideAsync(New());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(others, Is.EqualTo(CibaDecideResult.NotYours));
            Assert.That(unknown, Is.EqualTo(CibaDecideResult.Unknown));
            Assert.That(await PollAsync(request), Is.EqualTo(CibaPollStatus.Pending));
            Assert.That(await DecideAsync(request, CibaRequestStatus.Denied), Is.EqualTo(CibaDecideResult.Done));
        }
    }

    [Test, Spec("A21")]
    public async Task A_withdrawn_request_is_as_if_it_had_never_been()
    {
        var request = await AddedAsync();

        var removed = await Store.RemoveAsync(request.Id, request.Subject, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(removed, Is.True);
            Assert.That(await PollAsync(request), Is.EqualTo(CibaPollStatus.Unknown));
            Assert.That(await DecideAsync(request), Is.EqualTo(CibaDecideResult.Unknown));
            Assert.That(await PendingAsync(), Is.Empty);
            Assert.That(await Store.RemoveAsync(request.Id, request.Subject, CancellationToken.None), Is.False);
            Assert.That(await Store.RemoveAsync(New().Id, Alice, CancellationToken.None), Is.False);
        }
    }

    [Test, Spec("A21")]
    public async Task A_withdrawn_request_may_come_again_and_has_a_life_of_its_own()
    {
        var id = (await AddedAsync()).Id;
        await Store.RemoveAsync(id, Alice, CancellationToken.None);
        Time.Advance(Lifetime - Seconds(1));
        var again = New(id: id);
        await AddAsync(again);
        Time.Advance(Retention + Seconds(1));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await PendingAsync(), Is.EqualTo(new[] { id }));
            Assert.That(await PollAsync(again), Is.EqualTo(CibaPollStatus.Pending));
        }
    }

    [TestCase(CibaRequestStatus.Approved), TestCase(CibaRequestStatus.Denied), TestCase(CibaRequestStatus.Failed), Spec("A21")]
    public async Task A_request_with_an_answer_cannot_be_withdrawn(CibaRequestStatus outcome)
    {
        var request = await AddedAsync();
        await DecideAsync(request, outcome);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await Store.RemoveAsync(request.Id, request.Subject, CancellationToken.None), Is.False);
            Assert.That((await StatusesAsync(request)).Single(), Is.EqualTo(outcome));
        }
    }

    private async Task<CibaRequestStatus[]> StatusesAsync(params CibaRequest[] requests)
    {
        var statuses = new List<CibaRequestStatus>();
        foreach (var request in requests)
        {
            statuses.Add((await Store.GetAsync(request.Id, request.Subject, Now, CancellationToken.None))!.Status);
        }

        return [.. statuses];
    }
}
