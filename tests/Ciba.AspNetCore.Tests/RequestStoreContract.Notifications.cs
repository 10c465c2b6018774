namespace Ciba.AspNetCore.Tests;

/// <summary>How often a user is notified, and how much a client may have pending.</summary>
public abstract partial class RequestStoreContract
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(10);

    [Test, Spec("U5")]
    public async Task Every_request_counts_as_a_notification_until_its_window_ends()
    {
        CibaAddResult[] added = [await NotifyAsync(New(), perUser: 2), default];
        Time.Advance(Seconds(60));
        added[1] = await NotifyAsync(New(clientId: "other"), perUser: 2);
        var refused = New();
        var third = await NotifyAsync(refused, perUser: 2);
        Time.Advance(Window - Seconds(60) - OneTick);
        var atLast = await NotifyAsync(New(), perUser: 2);
        Time.Advance(OneTick);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(added, Is.All.EqualTo(CibaAddResult.Added));
            Assert.That(third, Is.EqualTo(Notified(Window - Seconds(60))));
            Assert.That(await PollAsync(refused), Is.EqualTo(CibaPollStatus.Unknown));
            Assert.That(atLast, Is.EqualTo(Notified(OneTick)));
            Assert.That(await NotifyAsync(New(), perUser: 2), Is.EqualTo(CibaAddResult.Added));
            Assert.That(await NotifyAsync(New(), perUser: 2), Is.EqualTo(Notified(Seconds(60))), "the window slides");
            Assert.That(await NotifyAsync(New(Bob), perUser: 2), Is.EqualTo(CibaAddResult.Added));
        }
    }

    [Test, Spec("U5")]
    public async Task The_notifications_of_one_client_leave_room_for_others()
    {
        CibaAddResult[] results =
        [
            await NotifyAsync(New(), perUserAndClient: 1),
            await NotifyAsync(New(), perUserAndClient: 1),
            await NotifyAsync(New(clientId: "other"), perUserAndClient: 1),
            await NotifyAsync(New(clientId: "third"), perUser: 2, perUserAndClient: 1),
            await NotifyAsync(New(Bob), perUserAndClient: 1),
            await NotifyAsync(New(issuer: "https://other.example.com"), perUserAndClient: 1),
        ];

        Assert.That(results, Is.EqualTo(new[] { CibaAddResult.Added, Notified(Window), CibaAddResult.Added, Notified(Window), CibaAddResult.Added, CibaAddResult.Added }));
    }

    [TestCase("approved"), TestCase("denied"), TestCase("withdrawn"), TestCase("expired"), Spec("U5")]
    public async Task What_was_counted_stays_counted_whatever_becomes_of_the_request(string end)
    {
        var request = New();
        await NotifyAsync(request, perUser: 1);
        switch (end)
        {
            case "withdrawn":
                await Store.RemoveAsync(request.Id, Alice, CancellationToken.None);
                break;
            case "expired":
                Time.Advance(Lifetime + Retention);
                break;
            default:
                await DecideAsync(request, Enum.Parse<CibaRequestStatus>(end, ignoreCase: true));
                break;
        }

        Assert.That((await NotifyAsync(New(), perUser: 1)).Status, Is.EqualTo(CibaAddStatus.NotificationLimitReached));
    }

    [Test, Spec("U5")]
    public async Task What_is_not_stored_is_no_notification()
    {
        await AddAsync(New(fingerprint: "same"));
        await NotifyAsync(New(fingerprint: "same"), perUser: 1);
        await Store.AddAsync(New(), new CibaRequestLimits(1, 0) { Notifications = Limit(1, 0) }, CancellationToken.None);

        Assert.That(await NotifyAsync(New(), perUser: 1), Is.EqualTo(CibaAddResult.Added));
    }

    [Test, Spec("U5")]
    public async Task The_time_to_wait_is_that_of_the_limit_that_holds_longest()
    {
        await NotifyAsync(New(), perUser: 1);

        var both = await Store.AddAsync(New(), new CibaRequestLimits(1, 0) { Notifications = Limit(1, 0) }, CancellationToken.None);

        Assert.That(both, Is.EqualTo(LimitReached(Window)));
    }

    [Test, Spec("U5")]
    public async Task A_repeated_notification_counts_like_a_new_one()
    {
        var request = New();
        await NotifyAsync(request, perUser: 3, perUserAndClient: 2);

        CibaNotificationResult[] repeated = [await RepeatAsync(request, 3, 2), await RepeatAsync(request, 3, 2), await RepeatAsync(New(clientId: "other"), 3, 2), await RepeatAsync(New(clientId: "other"), 3, 2)];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(repeated.Select(result => result.Status), Is.EqualTo(new[]
            {
                CibaNotificationStatus.Counted, CibaNotificationStatus.LimitReached, CibaNotificationStatus.Counted, CibaNotificationStatus.LimitReached,
            }));
            Assert.That(repeated.Select(result => result.RetryAfter), Is.EqualTo(new[] { TimeSpan.Zero, Window, TimeSpan.Zero, Window }));
            Assert.That(await NotifyAsync(New(), perUser: 3), Is.EqualTo(Notified(Window)));
            Assert.That((await RepeatAsync(New(Bob), 3, 2)).Status, Is.EqualTo(CibaNotificationStatus.Counted));
            Assert.That((await RepeatAsync(request, 0, 0)).Status, Is.EqualTo(CibaNotificationStatus.Counted));
        }
    }

    [Test, Spec("U5")]
    public async Task After_a_denial_nothing_of_the_client_is_repeated_until_the_instant_that_was_said()
    {
        var other = await AddedAsync();
        await DeniedAsync(New(), Seconds(30));

        var atOnce = await RepeatAsync(other, 1, 1);
        Time.Advance(Seconds(30));

        Assert.That(
            (atOnce, (await RepeatAsync(other, 1, 1)).Status),
            Is.EqualTo((new CibaNotificationResult { Status = CibaNotificationStatus.Cooldown, RetryAfter = Seconds(30) }, CibaNotificationStatus.Counted)));
    }

    [Test, Spec("U5")]
    public async Task Of_notifications_at_once_the_last_that_is_free_goes_to_one()
    {
        var users = Enumerable.Range(0, Race.Rounds).Select(number => $"user {number}").ToArray();

        var rounds = await Race.RunAsync(
            async round => (await NotifyAsync(New(users[round]), perUser: 1)).Status == CibaAddStatus.Added,
            async round => (await RepeatAsync(New(users[round]), 1, 0)).Status == CibaNotificationStatus.Counted);

        Assert.That(rounds.Select(Sorted), Is.All.EqualTo(new[] { false, true }));
    }

    [TestCase("approved"), TestCase("withdrawn"), TestCase("expired"), Spec("U5")]
    public async Task A_clients_pending_requests_have_a_limit_for_all_users_together(string end)
    {
        var first = New("user 0", lifetime: Seconds(60));
        await OfClientAsync(first, 3);
        for (var i = 1; i < 3; i++)
        {
            Assert.That(await OfClientAsync(New($"user {i}"), 3), Is.EqualTo(CibaAddResult.Added));
        }

        var refused = New("user 3");
        var fourth = await OfClientAsync(refused, 3);
        var left = await PendingAsync("user 3");
        switch (end)
        {
            case "withdrawn":
                await Store.RemoveAsync(first.Id, first.Subject, CancellationToken.None);
                break;
            case "expired":
                Time.Advance(Seconds(60));
                break;
            default:
                await DecideAsync(first);
                break;
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(fourth, Is.EqualTo(CibaAddResult.Refused(CibaAddStatus.ClientLimitReached, Seconds(60))));
            Assert.That(left, Is.Empty);
            Assert.That(await PollAsync(refused), Is.EqualTo(CibaPollStatus.Unknown));
            Assert.That(await OfClientAsync(New("user 3", clientId: "other"), 3), Is.EqualTo(CibaAddResult.Added));
            Assert.That(await OfClientAsync(New("user 3"), 3), Is.EqualTo(CibaAddResult.Added), "there is room");
            Assert.That((await OfClientAsync(New("user 4"), 3)).Status, Is.EqualTo(CibaAddStatus.ClientLimitReached));
        }
    }

    [Test, Spec("U5")]
    public async Task A_request_that_its_client_has_no_room_for_is_no_notification_and_has_no_entry()
    {
        await OfClientAsync(New("other"), 1);
        var refused = New(mode: Ping, dueAt: Now);
        var result = await Store.AddAsync(refused, new CibaRequestLimits(0, 0) { PerClient = 1, Notifications = Limit(1, 1) }, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(CibaAddStatus.ClientLimitReached));
            Assert.That(await ClaimAsync(refused), Is.Null);
            Assert.That(await NotifyAsync(New(), perUser: 1, perUserAndClient: 1), Is.EqualTo(CibaAddResult.Added));
        }
    }

    [Test, Spec("U5")]
    public async Task Of_requests_at_once_no_more_are_stored_than_their_client_may_have()
    {
        var added = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(() => OfClientAsync(New($"user {i}"), 10).AsTask())));

        var pending = 0;
        for (var i = 0; i < 40; i++)
        {
            pending += (await PendingAsync($"user {i}")).Length;
        }

        Assert.That((added.Count(result => result.Status == CibaAddStatus.Added), pending), Is.EqualTo((10, 10)));
    }

    private static CibaAddResult Notified(TimeSpan retryAfter) => CibaAddResult.Refused(CibaAddStatus.NotificationLimitReached, retryAfter);

    private static CibaNotificationLimits Limit(int perUser, int perUserAndClient) => new() { PerUser = perUser, PerUserAndClient = perUserAndClient, Window = Window };

    private ValueTask<CibaAddResult> NotifyAsync(CibaRequest request, int perUser = 0, int perUserAndClient = 0) =>
        Store.AddAsync(request, new CibaRequestLimits(0, 0) { Notifications = Limit(perUser, perUserAndClient) }, CancellationToken.None);

    private ValueTask<CibaNotificationResult> RepeatAsync(CibaRequest request, int perUser, int perUserAndClient, bool byClient = true) =>
        Store.CountNotificationAsync(request, Limit(perUser, perUserAndClient), byClient, Now, CancellationToken.None);

    private ValueTask<CibaAddResult> OfClientAsync(CibaRequest request, int perClient) =>
        Store.AddAsync(request, new CibaRequestLimits(0, 0) { PerClient = perClient }, CancellationToken.None);
}
