namespace Ciba.AspNetCore.Tests;

/// <summary>What is still to be done for requests: who is handed it, when, and what becomes of it.</summary>
public abstract partial class RequestStoreContract
{
    private const string Ping = CibaTokenDeliveryModes.Ping;
    private const string Push = CibaTokenDeliveryModes.Push;
    private const string Poll = CibaTokenDeliveryModes.Poll;
    private const int Many = 100;

    private static readonly TimeSpan Hold = TimeSpan.FromSeconds(20);
    private static readonly CibaCallback Callback = new("the-auth_req_id", "the client's token+/=");

    [Test, Spec("P9")]
    public async Task What_is_due_is_handed_out_in_the_order_of_time_and_no_more_than_was_asked_for()
    {
        CibaRequest[] requests = [await AddedDueAsync(Seconds(3)), await AddedDueAsync(Seconds(1)), await AddedDueAsync(Seconds(4)), await AddedDueAsync(Seconds(2))];
        Time.Advance(Seconds(3));

        var first = await ClaimDueAsync(most: 2);
        var rest = await ClaimDueAsync();
        var none = await ClaimDueAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Ids(first), Is.EqualTo(new[] { requests[1].Id, requests[3].Id }));
            Assert.That(Ids(rest), Is.EqualTo(new[] { requests[0].Id }));
            Assert.That(none, Is.Empty);
            Assert.That(await ClaimDueAsync(most: 0), Is.Empty);
        }
    }

    [Test, Spec("P9")]
    public async Task Nothing_is_handed_out_before_it_is_due([Values] bool byId)
    {
        var request = await AddedDueAsync(Seconds(7));
        Time.Advance(Seconds(7) - OneTick);
        var early = await ClaimAsync(request, byId);
        Time.Advance(OneTick);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(early, Is.Null);
            Assert.That((await ClaimAsync(request, byId))!.Request.Id, Is.EqualTo(request.Id));
        }
    }

    [Test, Spec("P9")]
    public async Task An_entry_is_its_holders_alone_until_its_time_and_anybodys_afterwards([Values] bool byId)
    {
        var request = await AddedDueAsync();
        var held = (await ClaimAsync(request, byId))!;
        var heldUntil = Now + Hold;
        Time.Advance(Hold - OneTick);
        CibaOutboxEntry?[] meanwhile = [await ClaimAsync(request, byId: true), await ClaimAsync(request, byId: false)];
        Time.Advance(OneTick);
        var next = (await ClaimAsync(request, byId))!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(held.HeldUntil, Is.EqualTo(heldUntil));
            Assert.That(meanwhile, Is.All.Null);
            Assert.That(next.HeldUntil, Is.EqualTo(heldUntil + Hold));
            Assert.That(await SettleAsync(held), Is.False);
            Assert.That(await PostponeAsync(held, Now), Is.False);
            Assert.That(await SettleAsync(next), Is.True);
        }
    }

    [Test, Spec("P9")]
    public async Task An_entry_that_nobody_else_took_is_still_its_holders_after_its_time([Values] bool settle)
    {
        var request = await AddedDueAsync();
        var held = (await ClaimAsync(request))!;
        Time.Advance(Hold + Seconds(1));

        Assert.That(settle ? await SettleAsync(held) : await PostponeAsync(held, Now), Is.True);
    }

    [TestCase(Ping), TestCase(Push), Spec("P9")]
    public async Task Without_a_time_of_its_own_a_request_is_due_when_it_is_decided(string mode)
    {
        var request = await AddedDueAsync(null, mode);
        Time.Advance(Seconds(10));
        CibaOutboxEntry?[] before = [await ClaimAsync(request, byId: true), await ClaimAsync(request, byId: false)];
        await DecideAsync(request);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Is.All.Null);
            Assert.That((await ClaimAsync(request, byId: false))!.Status, Is.EqualTo(CibaRequestStatus.Approved));
        }
    }

    [Test, Spec("P9")]
    public async Task In_poll_mode_a_decision_leaves_nothing_to_be_done([Values] bool held)
    {
        var request = await AddedDueAsync(mode: Poll);
        var holder = held ? await ClaimAsync(request) : null;
        await DecideAsync(request);
        Time.Advance(Hold);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(holder is null || !await SettleAsync(holder), Is.True);
            Assert.That(holder is null || !await PostponeAsync(holder, Now), Is.True);
            Assert.That(await ClaimAsync(request), Is.Null);
            Assert.That(await ClaimDueAsync(), Is.Empty);
        }
    }

    [Test, Spec("P9")]
    public async Task A_decision_takes_the_entry_from_its_holder_and_makes_it_due_at_once([Values(Ping, Push)] string mode, [Values] bool atTheEndOfTheHold)
    {
        var request = await AddedDueAsync(mode: mode);
        var held = (await ClaimAsync(request))!;
        Time.Advance(atTheEndOfTheHold ? Hold : Seconds(1));
        await DecideAsync(request, CibaRequestStatus.Denied);

        bool[] lost = [await SettleAsync(held), await PostponeAsync(held, Now)];
        var next = (await ClaimAsync(request, byId: false))!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(held.Status, Is.EqualTo(CibaRequestStatus.Pending));
            Assert.That(lost, Is.All.False);
            Assert.That(next.Status, Is.EqualTo(CibaRequestStatus.Denied));
            Assert.That(await SettleAsync(next), Is.True);
        }
    }

    [Test, Spec("P9")]
    public async Task An_answer_that_does_not_count_changes_nothing_in_the_outbox()
    {
        var request = await AddedDueAsync();
        await DecideAsync(request);
        var held = (await ClaimAsync(request))!;

        await DecideAsync(request, CibaRequestStatus.Denied);
        await Store.DecideAsync(request.Id, Bob, new CibaDecision { Outcome = CibaRequestStatus.Denied, DecidedAt = Now }, Now, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await ClaimAsync(request), Is.Null);
            Assert.That(await SettleAsync(held), Is.True);
        }
    }

    [TestCase(CibaRequestStatus.Pending), TestCase(CibaRequestStatus.Approved), TestCase(CibaRequestStatus.Denied), TestCase(CibaRequestStatus.Failed)]
    [TestCase(CibaRequestStatus.Expired), TestCase(CibaRequestStatus.Redeeming), TestCase(CibaRequestStatus.Redeemed), Spec("P9")]
    public async Task Who_is_handed_an_entry_sees_where_the_request_stands(CibaRequestStatus status)
    {
        var request = await AddedDueAsync();
        switch (status)
        {
            case CibaRequestStatus.Expired:
                Time.Advance(Lifetime);
                break;
            case CibaRequestStatus.Approved or CibaRequestStatus.Denied or CibaRequestStatus.Failed:
                await DecideAsync(request, status);
                break;
            case CibaRequestStatus.Redeeming or CibaRequestStatus.Redeemed:
                await DecideAsync(request);
                var lease = (await PollForLeaseAsync(request)).Lease!;
                Assert.That(status == CibaRequestStatus.Redeeming || await CompleteAsync(request, lease), Is.True);
                break;
        }

        var entry = (await ClaimAsync(request))!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(entry.Status, Is.EqualTo(status));
            Assert.That(entry.Decision is null ? null : Content(entry.Decision), Is.EqualTo(
                status == CibaRequestStatus.Approved ? Content(new CibaDecision { Outcome = status, DecidedAt = Now, Scopes = ["openid"], AuthTime = Now }) : null));
        }
    }

    [TestCase(Ping), TestCase(Push), TestCase(Poll), Spec("P9"), Spec("A16")]
    public async Task An_entry_has_the_request_as_it_was_and_what_a_callback_needs(string mode)
    {
        var request = await AddedDueAsync(mode: mode);

        var byShard = (await ClaimAsync(request, byId: false))!;
        Time.Advance(Hold);
        var byId = (await ClaimAsync(request))!;
        var got = await Store.GetAsync(request.Id, Alice, Now, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { Content(byShard.Request), Content(byId.Request), Content(got!.Request) }, Is.All.EqualTo(Content(request)));
            Assert.That(new[] { byShard.Request.Callback, byId.Request.Callback }, Is.All.EqualTo(mode == Poll ? null : Callback));
        }
    }

    private Task<CibaRequest> AddedDueAsync(string mode = Ping) => AddedDueAsync(TimeSpan.Zero, mode);

    /// <summary>A request that is due so much later; null: not before it is decided.</summary>
    private async Task<CibaRequest> AddedDueAsync(TimeSpan? later, string mode = Ping, string subject = Alice)
    {
        var request = New(subject, mode: mode, dueAt: Now + later);
        Assert.That(await AddAsync(request), Is.EqualTo(CibaAddResult.Added));
        return request;
    }

    private ValueTask<IReadOnlyList<CibaOutboxEntry>> ClaimDueAsync(string subject = Alice, int most = Many) =>
        Store.ClaimDueAsync(CibaRequestId.Shard(subject), Now, Now + Hold, most, CancellationToken.None);

    private async Task<CibaOutboxEntry?> ClaimAsync(CibaRequest request, bool byId = true) => byId
        ? await Store.ClaimAsync(request.Id, Now, Now + Hold, CancellationToken.None)
        : (await ClaimDueAsync(request.Subject)).SingleOrDefault(entry => entry.Request.Id == request.Id);

    private ValueTask<bool> SettleAsync(CibaOutboxEntry entry, CibaSettlement settlement = CibaSettlement.Done) =>
        Store.SettleAsync(entry.Request.Id, entry.HeldUntil, settlement, CancellationToken.None);

    private ValueTask<bool> PostponeAsync(CibaOutboxEntry entry, DateTimeOffset dueAt) =>
        Store.PostponeAsync(entry.Request.Id, entry.HeldUntil, dueAt, CancellationToken.None);

    private static string[] Ids(IEnumerable<CibaOutboxEntry> entries) => [.. entries.Select(entry => entry.Request.Id)];
}
