namespace Ciba.AspNetCore.Tests;

/// <summary>Requests that are kept from their user, and limits that count by the hint (section 15).</summary>
public abstract partial class RequestStoreContract
{
    [Test, Spec("A15")]
    public async Task A_concealed_request_is_the_clients_and_not_its_users()
    {
        var request = New(mode: Ping, group: "hint", isConcealed: true);
        await AddAsync(request);

        var state = await Store.GetForClientAsync(request.Id, Client, Now, CancellationToken.None);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await PendingAsync(), Is.Empty);
            Assert.That(await Store.GetAsync(request.Id, Alice, Now, CancellationToken.None), Is.Null);
            Assert.That(await DecideAsync(request), Is.EqualTo(CibaDecideResult.NotYours));
            Assert.That(await PollAsync(request), Is.EqualTo(CibaPollStatus.Pending));
            Assert.That((state!.Status, state.Request.IsConcealed, state.Request.LimitGroup), Is.EqualTo((CibaRequestStatus.Pending, true, "hint")));
            Assert.That(await Store.RemoveAsync(request.Id, Alice, CancellationToken.None), Is.True);
            Assert.That(await PollAsync(request), Is.EqualTo(CibaPollStatus.Unknown));
        }
    }

    [Test, Spec("A15"), Spec("T4")]
    public async Task A_concealed_request_expires_like_any_other()
    {
        var request = New(mode: Push, group: "hint", isConcealed: true, dueAt: Now + Lifetime);
        await AddAsync(request);
        Time.Advance(Lifetime);

        var due = await ClaimAsync(request);

        Assert.That((due!.Status, await PollAsync(request)), Is.EqualTo((CibaRequestStatus.Expired, CibaPollStatus.Expired)));
    }

    [Test, Spec("A15"), Spec("U5")]
    public async Task The_limits_that_are_told_count_what_has_the_same_group_shown_or_not()
    {
        CibaAddResult[] results =
        [
            await AddAsync(New(group: "one"), perUser: 5, perUserAndClient: 2),
            await AddAsync(New(group: "one", isConcealed: true), perUser: 5, perUserAndClient: 2),
            await AddAsync(New(group: "one"), perUser: 5, perUserAndClient: 2),
            await AddAsync(New(group: "two"), perUser: 5, perUserAndClient: 2),
            await AddAsync(New(group: "one", clientId: "other"), perUser: 3, perUserAndClient: 2),
            await AddAsync(New(group: "one", clientId: "third"), perUser: 3, perUserAndClient: 2),
        ];

        Assert.That(results, Is.EqualTo(new[] { CibaAddResult.Added, Concealed, LimitReached(), CibaAddResult.Added, CibaAddResult.Added, LimitReached() }));
    }

    [Test, Spec("A15"), Spec("U5")]
    public async Task Beyond_the_users_own_limit_a_request_of_another_group_is_stored_and_concealed()
    {
        await AddAsync(New(group: "one"), perUserAndClient: 1);
        var second = New(group: "two", mode: Push, dueAt: Now);

        var added = await AddAsync(second, perUserAndClient: 1);
        var due = await ClaimAsync(second);
        Time.Advance(Lifetime);
        var atExpiry = await ClaimAsync(second);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(added, Is.EqualTo(Concealed));
            Assert.That((due, atExpiry?.Status), Is.EqualTo(((CibaOutboxEntry?)null, CibaRequestStatus.Expired)), "no device is notified");
        }
    }

    [Test, Spec("A15"), Spec("U5")]
    public async Task What_is_concealed_takes_no_place_of_its_users()
    {
        for (var i = 0; i < 3; i++)
        {
            await NotifyAsync(New(group: $"group {i}", isConcealed: true), perUser: 9);
        }

        var shown = await Store.AddAsync(New(group: "other"), new CibaRequestLimits(1, 1) { Notifications = Limit(1, 1) }, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(shown, Is.EqualTo(CibaAddResult.Added));
            Assert.That(await PendingAsync(), Has.Length.EqualTo(1));
        }
    }

    [Test, Spec("A15"), Spec("U5")]
    public async Task A_cooldown_conceals_where_the_client_must_not_notice([Values] bool repeated)
    {
        var waiting = New(group: "two");
        await AddAsync(waiting);
        await DeniedAsync(New(group: "one"), Seconds(30));

        var told = repeated ? (await RepeatAsync(waiting, 9, 9)).Status == CibaNotificationStatus.Concealed : await AddAsync(New(group: "two")) == Concealed;
        var byUser = await RepeatAsync(waiting, 9, 9, byClient: false);

        Assert.That((told, byUser.Status), Is.EqualTo((true, CibaNotificationStatus.Cooldown)));
    }

    [Test, Spec("A15"), Spec("U5")]
    public async Task Notifications_that_are_told_count_by_the_group_and_those_of_the_user_silently()
    {
        var (one, two, nobody) = (New(group: "one"), New(group: "two"), New(Bob, group: "three", isConcealed: true));
        await NotifyAsync(one, perUserAndClient: 3);
        await NotifyAsync(two, perUserAndClient: 3);
        await NotifyAsync(nobody, perUserAndClient: 3);
        var ofOne = new List<CibaNotificationStatus>();
        var ofNobody = new List<CibaNotificationStatus>();
        for (var i = 0; i < 3; i++)
        {
            ofOne.Add((await RepeatAsync(one, 0, 3)).Status);
            ofNobody.Add((await RepeatAsync(nobody, 0, 3)).Status);
        }

        using (Assert.EnterMultipleScope())
        {
            // One was told, and two of the group in all: the third of the user was the last.
            Assert.That(ofOne, Is.EqualTo(new[] { CibaNotificationStatus.Counted, CibaNotificationStatus.Concealed, CibaNotificationStatus.LimitReached }));
            Assert.That(ofNobody, Is.EqualTo(new[] { CibaNotificationStatus.Concealed, CibaNotificationStatus.Concealed, CibaNotificationStatus.LimitReached }));
            Assert.That((await RepeatAsync(two, 0, 3, byClient: false)).Status, Is.EqualTo(CibaNotificationStatus.LimitReached), "a retry is told");
        }
    }

    [Test, Spec("A15"), Spec("U5")]
    public async Task A_retry_does_not_count_for_the_group()
    {
        var request = New(group: "one");
        await NotifyAsync(request, perUserAndClient: 2);
        await RepeatAsync(request, 9, 9, byClient: false);

        Assert.That((await RepeatAsync(request, 0, 2)).Status, Is.EqualTo(CibaNotificationStatus.Concealed), "the client is not told of the retry");
    }

    [Test, Spec("A15"), Spec("U5")]
    public async Task A_request_that_is_like_a_concealed_one_is_that_one()
    {
        var first = New(fingerprint: "same", group: "hint", isConcealed: true);
        await AddAsync(first);

        var second = await AddAsync(New(fingerprint: "same", group: "hint"));
        await AddAsync(New(group: "hint"));

        Assert.That((second.Existing!.Id, (await AddAsync(New(group: "hint"))).Status), Is.EqualTo((first.Id, CibaAddStatus.Added)), "without a fingerprint it is like no other");
    }

    private static CibaAddResult Concealed => CibaAddResult.Added with { IsConcealed = true };
}
