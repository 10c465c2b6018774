namespace Ciba.AspNetCore.Tests;

/// <summary>Devices that listen for news of their user, whose requests they are, and what a client sees of its own.</summary>
public abstract partial class RequestStoreContract
{
    private const string Issuer = "https://one.example.com";
    private const string OtherIssuer = "https://other.example.com";

    [TestCase("added"), TestCase("approved"), TestCase("denied"), TestCase("withdrawn")]
    public async Task News_of_a_user_wakes_every_device_of_the_user(string news)
    {
        var request = New();
        if (news == "added")
        {
            await PresentAsync(Alice);
        }
        else
        {
            // Nobody listens yet, or the news of this could come late and wake them too.
            await AddAsync(request);
        }

        var waits = Enumerable.Range(0, 8).Select(_ => Store.WaitForChangeAsync(Alice, CancellationToken.None)).ToArray();
        var before = waits.Count(wait => wait.IsCompleted);
        switch (news)
        {
            case "added":
                await AddAsync(request);
                break;
            case "withdrawn":
                await Store.RemoveAsync(request.Id, Alice, CancellationToken.None);
                break;
            default:
                await DecideAsync(request, news == "approved" ? CibaRequestStatus.Approved : CibaRequestStatus.Denied);
                break;
        }

        Assert.That(before, Is.Zero);
        await Task.WhenAll(waits).WaitAsync(Bound);
    }

    [Test]
    public async Task News_of_a_user_wakes_no_device_of_another()
    {
        await PresentAsync(Alice, Bob);
        var bobs = Store.WaitForChangeAsync(Bob, CancellationToken.None);
        var alices = Store.WaitForChangeAsync(Alice, CancellationToken.None);
        await AddAsync(New());

        await alices.WaitAsync(Bound);

        Assert.That(bobs.IsCompleted, Is.False);
    }

    [Test]
    public async Task A_device_that_goes_is_let_go_at_once()
    {
        using var goes = new CancellationTokenSource();
        var wait = Store.WaitForChangeAsync(Alice, goes.Token);

        await goes.CancelAsync();

        await wait.WaitAsync(Bound).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.That(wait.IsCompleted, Is.True);
    }

    [Test]
    public async Task A_device_is_present_until_the_instant_that_was_said()
    {
        await Store.MarkPresentAsync(Alice, Now, Now + Seconds(15), CancellationToken.None);

        bool[] present = [await IsPresentAsync(Alice), await IsPresentAsync(Bob)];
        Time.Advance(Seconds(15) - OneTick);
        var atLast = await IsPresentAsync(Alice);
        Time.Advance(OneTick);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(present, Is.EqualTo(new[] { true, false }));
            Assert.That(atLast, Is.True);
            Assert.That(await IsPresentAsync(Alice), Is.False);
        }
    }

    [Test]
    public async Task A_device_is_present_no_more_once_that_is_said()
    {
        await Store.MarkPresentAsync(Alice, Now, Now + Seconds(15), CancellationToken.None);
        await Store.MarkPresentAsync(Alice, Now, Now, CancellationToken.None);

        Assert.That(await IsPresentAsync(Alice), Is.False);
    }

    [Test]
    public async Task Many_devices_are_marked_as_present_together()
    {
        string[] users = [.. Enumerable.Range(0, 200).Select(number => $"user {number}")];

        await Store.MarkPresentAsync(users, Now, Now + Seconds(15), CancellationToken.None);

        foreach (var user in users)
        {
            Assert.That(await IsPresentAsync(user), Is.True, user);
        }

        Assert.That(await IsPresentAsync(Alice), Is.False);
    }

    [Test, Spec("T1")]
    public async Task A_client_finds_its_own_request_and_no_others()
    {
        var request = await AddedAsync();

        var own = await Store.GetForClientAsync(request.Id, Client, Now, CancellationToken.None);
        var others = await Store.GetForClientAsync(request.Id, "other", Now, CancellationToken.None);
        var unknown = await Store.GetForClientAsync(New().Id, Client, Now, CancellationToken.None);
        Time.Advance(Lifetime);
        var expired = await Store.GetForClientAsync(request.Id, Client, Now, CancellationToken.None);
        Time.Advance(Retention);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(own!.Status, Is.EqualTo(CibaRequestStatus.Pending));
            Assert.That(Content(own.Request), Is.EqualTo(Content(request)));
            Assert.That(new[] { others, unknown }, Is.All.Null);
            Assert.That(expired!.Status, Is.EqualTo(CibaRequestStatus.Expired));
            Assert.That(await Store.GetForClientAsync(request.Id, Client, Now, CancellationToken.None), Is.Null);
        }
    }

    [Test, Spec("U2"), Spec("T1")]
    public async Task A_request_made_at_one_issuer_is_unknown_at_every_other()
    {
        var request = New(issuer: Issuer, bindingMessage: "W4SCT");
        await AddAsync(request);
        string[] users = [CibaRequest.KeyOf(OtherIssuer, Alice), Alice];
        string[] clients = [CibaRequest.KeyOf(OtherIssuer, Client), Client];

        using (Assert.EnterMultipleScope())
        {
            foreach (var user in users)
            {
                Assert.That(await Store.GetAsync(request.Id, user, Now, CancellationToken.None), Is.Null);
                Assert.That(await PendingAsync(user), Is.Empty);
                Assert.That(await Store.DecideAsync(request.Id, user, new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = Now }, Now, CancellationToken.None), Is.EqualTo(CibaDecideResult.NotYours));
                Assert.That(await Store.RemoveAsync(request.Id, user, CancellationToken.None), Is.False);
            }

            foreach (var client in clients)
            {
                Assert.That(await PollAsync(request, client), Is.EqualTo(CibaPollStatus.Unknown));
                Assert.That(await Store.GetForClientAsync(request.Id, client, Now, CancellationToken.None), Is.Null);
            }

            Assert.That(Content((await Store.GetAsync(request.Id, request.UserKey, Now, CancellationToken.None))!.Request), Is.EqualTo(Content(request)));
            Assert.That(await PendingAsync(request.UserKey), Is.EqualTo(new[] { request.Id }));
            Assert.That(await PollAsync(request, request.ClientKey), Is.EqualTo(CibaPollStatus.Pending));
        }
    }

    [Test, Spec("I6"), Spec("T8")]
    public async Task The_authorization_details_that_were_granted_come_with_the_lease()
    {
        var request = New(issuer: Issuer, bindingMessage: "W4SCT");
        await AddAsync(request);
        var decision = new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = Now, Scopes = ["openid"], AuthTime = Now, AuthorizationDetails = request.AuthorizationDetails };
        await Store.DecideAsync(request.Id, request.UserKey, decision, Now, CancellationToken.None);

        var found = await Store.PollAsync(request.Id, request.ClientKey, Now, LeaseTime, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Content(found.Request!), Is.EqualTo(Content(request)));
            Assert.That(Content(found.Decision!), Is.EqualTo(Content(decision)));
        }
    }

    private ValueTask<bool> IsPresentAsync(string user) => Store.IsPresentAsync(user, Now, CancellationToken.None);

    private async Task PresentAsync(params string[] users)
    {
        foreach (var user in users)
        {
            await Store.MarkPresentAsync(user, Now, Now + Seconds(15), CancellationToken.None);
        }
    }
}
