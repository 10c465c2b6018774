namespace Ciba.AspNetCore.Tests;

/// <summary>Somebody was told that a request has expired: so it has, for everybody.</summary>
public abstract partial class RequestStoreContract
{
    [Test, Spec("P9"), Spec("T4"), Spec("P4")]
    public async Task What_was_handed_out_as_expired_stays_so_by_a_clock_that_is_behind([Values] bool byId, [Values(0, 30)] int seconds, [Values(Ping, Push)] string mode)
    {
        var request = await AddedDueAsync(mode);
        Time.Advance(Lifetime + Seconds(seconds));
        var behind = request.ExpiresAt - Seconds(2);
        var claimed = (await ClaimAsync(request, byId))!;

        var decided = await DecideAsync(request, now: behind);
        var denied = await DecideAsync(request, CibaRequestStatus.Denied, behind);
        var polled = await Store.PollAsync(request.Id, request.ClientId, behind, LeaseTime, CancellationToken.None);
        var got = await Store.GetAsync(request.Id, request.Subject, behind, CancellationToken.None);
        var listed = await Store.ListPendingAsync(request.Subject, behind, CancellationToken.None);
        var removed = await Store.RemoveAsync(request.Id, request.Subject, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(claimed.Status, Is.EqualTo(CibaRequestStatus.Expired));
            Assert.That(new[] { decided, denied }, Is.All.EqualTo(CibaDecideResult.Expired));
            Assert.That(polled.Status, Is.EqualTo(CibaPollStatus.Expired));
            Assert.That(got!.Status, Is.EqualTo(CibaRequestStatus.Expired));
            Assert.That(listed, Is.Empty);
            Assert.That(removed, Is.False);
            Assert.That(await SettleAsync(claimed), Is.True, "it is still its holder's");
        }
    }

    [Test, Spec("P9")]
    public async Task What_was_handed_out_a_tick_before_it_expired_may_still_be_decided([Values] bool byId)
    {
        var request = await AddedDueAsync(Push);
        Time.Advance(Lifetime - OneTick);
        var claimed = (await ClaimAsync(request, byId))!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(claimed.Status, Is.EqualTo(CibaRequestStatus.Pending));
            Assert.That(await DecideAsync(request), Is.EqualTo(CibaDecideResult.Done));
        }
    }

    [Test, Spec("P9"), Spec("P6")]
    public async Task A_lease_that_has_run_out_is_handed_out_as_the_approval_it_was_and_is_not_ended_by_that()
    {
        var request = await AddedDueAsync();
        await DecideAsync(request);
        var lease = (await PollForLeaseAsync(request)).Lease!;
        Time.Advance(LeaseTime - OneTick);
        var during = (await ClaimAsync(request))!;
        await PostponeAsync(during, Now + OneTick);
        Time.Advance(OneTick);
        var afterwards = (await ClaimAsync(request))!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That((during.Status, during.Decision), Is.EqualTo((CibaRequestStatus.Redeeming, (CibaDecision?)null)));
            Assert.That((afterwards.Status, afterwards.Decision?.Outcome), Is.EqualTo((CibaRequestStatus.Approved, (CibaRequestStatus?)CibaRequestStatus.Approved)));
            Assert.That(await CompleteAsync(request, lease), Is.True);
        }
    }
}
