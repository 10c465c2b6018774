namespace Ciba.AspNetCore.Tests;

/// <summary>What keeps a client from wearing a user down (section 15): requests that are alike, and quiet after a denial.</summary>
public abstract partial class RequestStoreContract
{
    [Test, Spec("U5")]
    public async Task A_request_like_one_that_waits_is_that_one()
    {
        var first = New(fingerprint: "same", bindingMessage: "W4SCT");
        await AddAsync(first);

        var second = await AddAsync(New(fingerprint: "same"), perUser: 1, perUserAndClient: 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(second.Status, Is.EqualTo(CibaAddStatus.Identical));
            Assert.That(Content(second.Existing!), Is.EqualTo(Content(first)));
            Assert.That(second.Existing!.Callback, Is.EqualTo(Callback));
            Assert.That(await PendingAsync(), Is.EqualTo(new[] { first.Id }));
        }
    }

    [Test, Spec("U5")]
    public async Task Only_requests_of_one_client_for_one_user_with_one_fingerprint_are_alike()
    {
        await AddAsync(New(fingerprint: "same"));
        await AddAsync(New());

        CibaAddStatus[] others =
        [
            (await AddAsync(New(fingerprint: "other"))).Status,
            (await AddAsync(New(fingerprint: "same", clientId: "other"))).Status,
            (await AddAsync(New(Bob, fingerprint: "same"))).Status,
            (await AddAsync(New(fingerprint: "same", issuer: "https://other.example.com"))).Status,
            (await AddAsync(New())).Status,
        ];

        Assert.That(others, Is.All.EqualTo(CibaAddStatus.Added));
    }

    [TestCase("decided"), TestCase("expired"), TestCase("withdrawn"), Spec("U5")]
    public async Task A_request_like_one_that_waits_no_longer_is_a_new_one(string fate)
    {
        var first = New(fingerprint: "same");
        await AddAsync(first);
        switch (fate)
        {
            case "decided":
                await DecideAsync(first);
                break;
            case "withdrawn":
                await Store.RemoveAsync(first.Id, Alice, CancellationToken.None);
                break;
            default:
                Time.Advance(Lifetime);
                break;
        }

        var second = New(fingerprint: "same");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await AddAsync(second)).Status, Is.EqualTo(CibaAddStatus.Added));
            Assert.That(await PendingAsync(), Is.EqualTo(new[] { second.Id }));
        }
    }

    [Test, Spec("U5")]
    public async Task Of_requests_that_are_alike_and_come_at_once_one_is_stored()
    {
        var users = Enumerable.Range(0, Race.Rounds).Select(number => $"user {number}").ToArray();

        var rounds = await Race.RunAsync(
            async round => (await AddAsync(New(users[round], fingerprint: "same"))).Status,
            async round => (await AddAsync(New(users[round], fingerprint: "same"))).Status);

        Assert.That(rounds.Select(Sorted), Is.All.EqualTo(new[] { CibaAddStatus.Added, CibaAddStatus.Identical }));
    }

    [Test, Spec("U5")]
    public async Task A_request_that_is_given_back_comes_with_the_interval_that_is_in_force()
    {
        var first = New(fingerprint: "same");
        await AddAsync(first);
        TimeSpan[] intervals = [(await AddAsync(New(fingerprint: "same"))).Interval, default, default];
        await PollAsync(first);
        for (var i = 1; i < intervals.Length; i++)
        {
            await PollAsync(first);
            intervals[i] = (await AddAsync(New(fingerprint: "same"))).Interval;
        }

        Assert.That(intervals, Is.EqualTo(new[] { Seconds(5), Seconds(10), Seconds(15) }));
    }

    [TestCase(120, 60), TestCase(1, 119.5), TestCase(240, 0), Spec("U5")]
    public async Task A_request_is_given_back_while_half_of_the_lifetime_that_is_asked_for_is_left(int asked, double passed)
    {
        await AddAsync(New(fingerprint: "same"));
        Time.Advance(Seconds(passed));

        var half = await AddAsync(New(fingerprint: "same", lifetime: Seconds(asked)));
        Time.Advance(OneTick);
        var less = await AddAsync(New(fingerprint: "same", lifetime: Seconds(asked)));

        Assert.That((half.Status, less.Status), Is.EqualTo((CibaAddStatus.Identical, CibaAddStatus.Added)));
    }

    [Test, Spec("U5")]
    public async Task Of_several_that_are_alike_the_one_that_ends_last_is_given_back_and_each_leaves_by_itself()
    {
        var (early, late) = (New(fingerprint: "same"), New(fingerprint: "same", lifetime: Lifetime * 3));
        await AddAsync(early);
        await AddAsync(late);
        var both = await AddAsync(New(fingerprint: "same"));
        await DecideAsync(late);
        var earlyAlone = await AddAsync(New(fingerprint: "same"));
        var later = New(fingerprint: "same", lifetime: Lifetime * 3);
        await AddAsync(later);
        await DecideAsync(early);
        var laterAlone = await AddAsync(New(fingerprint: "same"));

        Assert.That(new[] { both, earlyAlone, laterAlone }.Select(result => result.Existing?.Id), Is.EqualTo(new[] { late.Id, early.Id, later.Id }));
    }

    [Test, Spec("U5")]
    public async Task After_a_denial_no_request_is_given_back_that_is_like_one_that_still_waits()
    {
        await AddAsync(New(fingerprint: "same"));
        await DeniedAsync(New(fingerprint: "same", lifetime: Lifetime * 3), Seconds(30));

        var atOnce = await AddAsync(New(fingerprint: "same"));
        Time.Advance(Seconds(30));
        var behind = await AddAsync(New(fingerprint: "same"));

        Assert.That((atOnce.Status, behind.Status), Is.EqualTo((CibaAddStatus.Quiet, CibaAddStatus.Identical)));
    }

    [Test, Spec("U5")]
    public async Task After_a_denial_the_client_leaves_the_user_alone_until_the_instant_that_was_said()
    {
        await DeniedAsync(New(), Seconds(30));

        var atOnce = await AddAsync(New());
        Time.Advance(Seconds(30) - OneTick);
        var atLast = await AddAsync(New());
        Time.Advance(OneTick);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { atOnce, atLast }, Is.EqualTo(new[] { CibaAddResult.Refused(CibaAddStatus.Quiet, Seconds(30)), CibaAddResult.Refused(CibaAddStatus.Quiet, OneTick) }));
            Assert.That(await PendingAsync(), Is.Empty);
            Assert.That(await AddAsync(New()), Is.EqualTo(CibaAddResult.Added));
        }
    }

    [Test, Spec("U5")]
    public async Task Quiet_is_between_one_client_and_one_user()
    {
        await DeniedAsync(New(), Seconds(30));

        CibaAddResult[] others =
        [
            await AddAsync(New(clientId: "other")),
            await AddAsync(New(Bob)),
            await AddAsync(New(issuer: "https://other.example.com")),
        ];

        Assert.That(others, Is.All.EqualTo(CibaAddResult.Added));
    }

    [Test, Spec("U5"), Spec("U3")]
    public async Task A_denial_that_comes_too_late_brings_no_quiet()
    {
        var request = await AddedAsync();
        await DecideAsync(request);

        var second = await DeniedAsync(request, Seconds(30), isAdded: true);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(second, Is.EqualTo(CibaDecideResult.AlreadyDecided));
            Assert.That(await AddAsync(New()), Is.EqualTo(CibaAddResult.Added));
        }
    }

    private async Task<CibaDecideResult> DeniedAsync(CibaRequest request, TimeSpan quiet, bool isAdded = false)
    {
        if (!isAdded)
        {
            await AddAsync(request);
        }

        var denial = new CibaDecision { Outcome = CibaRequestStatus.Denied, DecidedAt = Now, Quiet = new CibaQuiet(request.ClientKey, Now + quiet) };
        return await Store.DecideAsync(request.Id, request.UserKey, denial, Now, CancellationToken.None);
    }
}
