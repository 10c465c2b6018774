namespace Ciba.AspNetCore.Tests;

/// <summary>How an entry of the outbox ends, and that it never outlives its request.</summary>
public abstract partial class RequestStoreContract
{
    [Test, Spec("P9")]
    public async Task What_is_done_is_not_handed_out_again_and_the_request_stands_where_it_stood()
    {
        var request = await AddedDueAsync();
        await DecideAsync(request);
        var held = (await ClaimAsync(request))!;

        bool[] settled = [await SettleAsync(held), await SettleAsync(held)];
        Time.Advance(Hold);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(settled, Is.EqualTo(new[] { true, false }));
            Assert.That(await ClaimAsync(request), Is.Null);
            Assert.That(await ClaimDueAsync(), Is.Empty);
            Assert.That(await PollAsync(request), Is.EqualTo(CibaPollStatus.Approved));
        }
    }

    [Test, Spec("P9")]
    public async Task What_was_done_for_the_request_does_not_stand_in_the_way_of_its_decision()
    {
        var request = await AddedDueAsync();
        await SettleAsync((await ClaimAsync(request))!);
        await DecideAsync(request);

        Assert.That((await ClaimAsync(request, byId: false))!.Status, Is.EqualTo(CibaRequestStatus.Approved));
    }

    [TestCase(CibaRequestStatus.Approved, CibaPollStatus.Redeemed), TestCase(CibaRequestStatus.Denied, CibaPollStatus.Denied), TestCase(CibaRequestStatus.Failed, CibaPollStatus.Failed)]
    [TestCase(null, CibaPollStatus.Pending), Spec("P9"), Spec("T8")]
    public async Task An_approved_request_whose_tokens_were_sent_is_redeemed(CibaRequestStatus? outcome, CibaPollStatus expected)
    {
        var request = await AddedDueAsync(Push);
        if (outcome is { } decided)
        {
            await DecideAsync(request, decided);
        }

        var settled = await SettleAsync((await ClaimAsync(request))!, CibaSettlement.TokensSent);
        Time.Advance(Hold);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(settled, Is.True);
            Assert.That(await ClaimAsync(request), Is.Null);
            Assert.That(await PollAsync(request), Is.EqualTo(expected));
        }
    }

    [Test, Spec("P9")]
    public async Task Tokens_that_a_former_holder_sent_redeem_nothing()
    {
        var request = await AddedDueAsync(Push);
        await DecideAsync(request);
        var held = (await ClaimAsync(request))!;
        Time.Advance(Hold);
        await ClaimAsync(request);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await SettleAsync(held, CibaSettlement.TokensSent), Is.False);
            Assert.That(await PollAsync(request), Is.EqualTo(CibaPollStatus.Approved));
        }
    }

    [Test, Spec("P9")]
    public async Task What_is_postponed_is_anybodys_at_its_new_time_and_no_longer_the_holders([Values(-1, 5, 40)] int seconds)
    {
        var request = await AddedDueAsync();
        var held = (await ClaimAsync(request))!;
        var dueAt = Now + Seconds(seconds);

        bool[] postponed = [await PostponeAsync(held, dueAt), await PostponeAsync(held, dueAt), await SettleAsync(held)];
        if (dueAt > Now)
        {
            Time.Advance(dueAt - Now - OneTick);
            Assert.That(await ClaimAsync(request), Is.Null);
            Time.Advance(OneTick);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(postponed, Is.EqualTo(new[] { true, false, false }));
            Assert.That((await ClaimAsync(request, byId: false))!.HeldUntil, Is.EqualTo(Now + Hold));
        }
    }

    [Test, Spec("P9"), Spec("T12")]
    public async Task Tokens_are_kept_with_their_entry_until_it_is_ended()
    {
        byte[] first = [1, 2, 3], second = [4];
        var request = await AddedDueAsync(Push);
        await DecideAsync(request);
        var held = (await ClaimAsync(request))!;

        bool[] kept = [await KeepAsync(held with { HeldUntil = held.HeldUntil + OneTick }, second), await KeepAsync(held, second), await KeepAsync(held, first)];
        Time.Advance(Hold);
        var again = (await ClaimAsync(request, byId: false))!;
        kept = [.. kept, await KeepAsync(held, second)];
        await PostponeAsync(again, Now + OneTick);
        Time.Advance(OneTick);
        var postponed = (await ClaimAsync(request))!;
        await SettleAsync(postponed, CibaSettlement.TokensSent);
        kept = [.. kept, await KeepAsync(postponed, second)];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(kept, Is.EqualTo(new[] { false, true, true, false, false }));
            Assert.That(held.Tokens.IsEmpty, Is.True);
            Assert.That(again.Tokens.ToArray(), Is.EqualTo(first));
            Assert.That(postponed.Tokens.ToArray(), Is.EqualTo(first));
        }

        ValueTask<bool> KeepAsync(CibaOutboxEntry entry, byte[] tokens) => Store.KeepTokensAsync(entry.Request.Id, entry.HeldUntil, tokens, CancellationToken.None);
    }

    [Test, Spec("P9")]
    public async Task An_entry_opens_to_its_own_time_and_its_own_request_only()
    {
        var request = await AddedDueAsync();
        var held = (await ClaimAsync(request))!;
        var other = await AddedDueAsync(Seconds(1));
        CibaOutboxEntry[] wrong = [held with { HeldUntil = held.HeldUntil + OneTick }, held with { HeldUntil = held.HeldUntil - OneTick }, held with { Request = other }, held with { Request = New() }];

        using (Assert.EnterMultipleScope())
        {
            foreach (var entry in wrong)
            {
                Assert.That(await SettleAsync(entry), Is.False);
                Assert.That(await PostponeAsync(entry, Now), Is.False);
            }

            Assert.That(await SettleAsync(held), Is.True);
        }
    }

    [TestCase(""), TestCase("x"), TestCase("no handle at all"), Spec("P9")]
    public async Task What_is_no_handle_has_no_entry(string id)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await Store.ClaimAsync(id, Now, Now + Hold, CancellationToken.None), Is.Null);
            Assert.That(await Store.SettleAsync(id, Now, CibaSettlement.Done, CancellationToken.None), Is.False);
            Assert.That(await Store.PostponeAsync(id, Now, Now + Hold, CancellationToken.None), Is.False);
        }
    }

    [Test, Spec("P9"), Spec("A21")]
    public async Task An_entry_goes_when_its_request_is_withdrawn([Values] bool held)
    {
        var request = await AddedDueAsync();
        var holder = held ? await ClaimAsync(request) : null;

        await Store.RemoveAsync(request.Id, request.Subject, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(holder is not null && await SettleAsync(holder), Is.False);
            Time.Advance(Hold);
            Assert.That(await ClaimAsync(request), Is.Null);
            Assert.That(await ClaimDueAsync(), Is.Empty);
        }
    }

    [Test, Spec("P9")]
    public async Task An_entry_goes_at_the_end_of_its_request([Values] bool approved, [Values] bool byId)
    {
        var request = await AddedDueAsync();
        if (approved)
        {
            await DecideAsync(request);
        }

        Time.Advance(Lifetime + Retention - OneTick);
        var last = await Store.ClaimAsync(request.Id, Now, Now + OneTick, CancellationToken.None);
        Time.Advance(OneTick);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(last!.Status, Is.EqualTo(approved ? CibaRequestStatus.Approved : CibaRequestStatus.Expired));
            Assert.That(await ClaimAsync(request, byId), Is.Null);
            Assert.That(await SettleAsync(last), Is.False);
        }
    }

    [Test, Spec("P9"), Spec("U5")]
    public async Task A_request_beyond_the_limit_leaves_no_entry()
    {
        var request = await AddedDueAsync();
        var refused = New(mode: Ping, dueAt: Now);

        var added = await AddAsync(refused, perUser: 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(added, Is.EqualTo(LimitReached()));
            Assert.That(await ClaimAsync(refused), Is.Null);
            Assert.That(Ids(await ClaimDueAsync()), Is.EqualTo(new[] { request.Id }));
        }
    }

    [Test, Spec("P9")]
    public async Task Each_shard_has_its_own_entries()
    {
        CibaRequest[] requests = [await AddedDueAsync(TimeSpan.Zero, subject: Alice), await AddedDueAsync(TimeSpan.Zero, subject: Bob)];
        Assert.That(CibaRequestId.Shard(Bob), Is.Not.EqualTo(CibaRequestId.Shard(Alice)));

        var ofAlice = await ClaimDueAsync();
        var ofBob = await ClaimDueAsync(Bob);

        Assert.That((string[][])[Ids(ofAlice), Ids(ofBob)], Is.EqualTo(requests.Select(request => new[] { request.Id })));
    }
}
