namespace Ciba.AspNetCore.Tests;

/// <summary>Polls that wait for the answer (section 10.1, long polling).</summary>
[Spec("T10")]
public abstract partial class RequestStoreContract
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    [TestCase(CibaRequestStatus.Approved), TestCase(CibaRequestStatus.Denied), TestCase(CibaRequestStatus.Failed)]
    public async Task A_decision_wakes_everybody_who_waits_for_it(CibaRequestStatus outcome)
    {
        var request = await AddedAsync();
        var waits = Enumerable.Range(0, 8).Select(_ => Store.WaitForDecisionAsync(request.Id, CancellationToken.None)).ToArray();

        var before = waits.Count(wait => wait.IsCompleted);
        await DecideAsync(request, outcome);

        Assert.That(before, Is.Zero);
        await Task.WhenAll(waits).WaitAsync(Bound);
    }

    [Test]
    public async Task What_is_withdrawn_is_no_longer_waited_for()
    {
        var request = await AddedAsync();
        var wait = Store.WaitForDecisionAsync(request.Id, CancellationToken.None);

        await Store.RemoveAsync(request.Id, Alice, CancellationToken.None);

        await wait.WaitAsync(Bound);
    }

    [Test]
    public async Task A_decision_wakes_nobody_who_waits_for_another()
    {
        var (request, other) = (await AddedAsync(), await AddedAsync());
        var wait = Store.WaitForDecisionAsync(request.Id, CancellationToken.None);
        var otherWait = Store.WaitForDecisionAsync(other.Id, CancellationToken.None);

        await DecideAsync(other);
        await otherWait.WaitAsync(Bound);

        Assert.That(wait.IsCompleted, Is.False);
    }

    [Test]
    public async Task Who_no_longer_wants_to_wait_is_let_go_at_once()
    {
        var request = await AddedAsync();
        using var goes = new CancellationTokenSource();
        var wait = Store.WaitForDecisionAsync(request.Id, goes.Token);
        var stays = Store.WaitForDecisionAsync(request.Id, CancellationToken.None);

        await goes.CancelAsync();
        await wait.WaitAsync(Bound).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        Assert.That(stays.IsCompleted, Is.False);
        await DecideAsync(request);
        await stays.WaitAsync(Bound);
    }

    [Test, Spec("T3")]
    public async Task The_look_after_a_wait_is_never_too_soon_and_neither_is_the_next_poll()
    {
        var request = await AddedAsync();
        await PollAsync(request);

        CibaPollStatus[] looks = [await PollAfterWaitAsync(request), await PollAfterWaitAsync(request)];
        CibaPollStatus[] polls = [await PollAsync(request), await PollAsync(request)];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(looks, Is.All.EqualTo(CibaPollStatus.Pending));
            Assert.That(polls, Is.EqualTo(new[] { CibaPollStatus.Pending, CibaPollStatus.SlowDown }));
        }
    }

    [Test, Spec("T8")]
    public async Task The_look_after_a_wait_gets_the_lease_as_any_poll()
    {
        var request = await AddedAsync();
        await DecideAsync(request);

        var first = await Store.PollAfterWaitAsync(request.Id, Client, Now, LeaseTime, CancellationToken.None);
        var second = await Store.PollAfterWaitAsync(request.Id, Client, Now, LeaseTime, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Status, Is.EqualTo(CibaPollStatus.Approved));
            Assert.That(second.Status, Is.EqualTo(CibaPollStatus.Pending));
            Assert.That(await CompleteAsync(request, first.Lease!), Is.True);
        }
    }

    [Test]
    public async Task A_poll_says_until_when_there_is_something_to_wait_for()
    {
        var request = await AddedAsync();
        var pending = await PollForLeaseAsync(request);
        var tooSoon = await PollForLeaseAsync(request);
        await DecideAsync(request);
        await PollForLeaseAsync(request);
        var leased = await PollForLeaseAsync(request);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { pending.PendingUntil, tooSoon.PendingUntil }, Is.All.EqualTo(request.ExpiresAt));
            Assert.That(new[] { pending.Interval, tooSoon.Interval }, Is.EqualTo(new[] { Seconds(5), Seconds(10) }));
            Assert.That(leased.Status, Is.EqualTo(CibaPollStatus.Pending));
            Assert.That(leased.PendingUntil, Is.Null);
        }
    }

    private async ValueTask<CibaPollStatus> PollAfterWaitAsync(CibaRequest request) =>
        (await Store.PollAfterWaitAsync(request.Id, Client, Now, LeaseTime, CancellationToken.None)).Status;
}
