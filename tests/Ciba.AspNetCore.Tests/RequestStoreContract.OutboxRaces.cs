namespace Ciba.AspNetCore.Tests;

/// <summary>Two callers at the same entry of the outbox at the same moment, a thousand times each.</summary>
public abstract partial class RequestStoreContract
{
    [Test, Spec("P9")]
    public async Task Of_claims_at_once_one_gets_the_entry()
    {
        var requests = await ManyDueAsync();

        var rounds = await Race.RunAsync(Same(3, async round => await ClaimAsync(requests[round]) is not null));

        Assert.That(rounds.Select(Sorted), Is.All.EqualTo(new[] { false, false, true }));
    }

    [Test, Spec("P9")]
    public async Task Of_claims_of_a_shard_at_once_each_gets_what_no_other_gets()
    {
        var requests = await ManyDueAsync();

        var rounds = await Race.RunAsync(Same(2, round => ClaimDueAsync(requests[round].Subject, most: 3)));

        var claimed = rounds.SelectMany(round => round).SelectMany(Ids).ToList();
        var rest = new List<string>();
        foreach (var request in requests)
        {
            rest.AddRange(Ids(await ClaimDueAsync(request.Subject)));
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(claimed, Is.Not.Empty);
            Assert.That(claimed.Concat(rest).Order(), Is.EqualTo(requests.Select(request => request.Id).Order()));
        }
    }

    [Test, Spec("P9"), Spec("U3")]
    public async Task A_claim_sees_the_decision_or_loses_the_entry_to_it([Values(Ping, Push)] string mode)
    {
        var requests = await ManyDueAsync(mode);
        var claimed = new CibaOutboxEntry[requests.Length];

        await Race.RunAsync(
            async round => (claimed[round] = (await ClaimAsync(requests[round]))!) is not null,
            async round => await DecideAsync(requests[round]) == CibaDecideResult.Done);

        var found = new List<(CibaRequestStatus Seen, bool Settled, CibaRequestStatus? Next)>();
        foreach (var entry in claimed)
        {
            found.Add((entry.Status, await SettleAsync(entry), (await ClaimAsync(entry.Request))?.Status));
        }

        Assert.That(found, Is.All.EqualTo((CibaRequestStatus.Pending, false, (CibaRequestStatus?)CibaRequestStatus.Approved))
            .Or.EqualTo((CibaRequestStatus.Approved, true, (CibaRequestStatus?)null)));
    }

    [Test, Spec("P9")]
    public async Task What_a_decision_puts_into_the_outbox_is_not_settled_by_who_held_the_entry_before_it([Values] bool postpone)
    {
        var requests = await ManyDueAsync();
        var held = await HeldAsync(requests);

        var rounds = await Race.RunAsync(
            async round => (postpone ? await PostponeAsync(held[round], Now + Lifetime) : await SettleAsync(held[round])).ToString(),
            async round => (await DecideAsync(requests[round])).ToString());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(rounds, Is.All.EqualTo(new[] { "True", "Done" }).Or.EqualTo(new[] { "False", "Done" }));
            Assert.That((await HeldAsync(requests)).Select(entry => entry.Status), Is.All.EqualTo(CibaRequestStatus.Approved));
        }
    }

    [Test, Spec("P9")]
    public async Task At_the_end_of_a_hold_either_its_holder_settles_or_the_next_one_has_the_entry()
    {
        var requests = await ManyDueAsync();
        var held = await HeldAsync(requests);
        Time.Advance(Hold);

        var rounds = await Race.RunAsync(
            round => SettleAsync(held[round]),
            async round => await ClaimAsync(requests[round]) is not null);

        Assert.That(rounds, Is.All.EqualTo(new[] { true, false }).Or.EqualTo(new[] { false, true }));
    }

    [Test, Spec("P9"), Spec("A21")]
    public async Task A_claim_of_what_is_withdrawn_finds_it_whole_or_not_at_all()
    {
        var requests = await ManyDueAsync();

        var rounds = await Race.RunAsync(
            async round => await ClaimAsync(requests[round]) is { } entry ? $"{entry.Status}, settled: {await SettleAsync(entry)}" : "nothing",
            async round => (await Store.RemoveAsync(requests[round].Id, requests[round].Subject, CancellationToken.None)).ToString());

        Assert.That(rounds, Is.All.EqualTo(new[] { "nothing", "True" }).Or.EqualTo(new[] { "Pending, settled: True", "True" }).Or.EqualTo(new[] { "Pending, settled: False", "True" }));
    }

    private async Task<CibaRequest[]> ManyDueAsync(string mode = Ping)
    {
        var requests = new CibaRequest[Race.Rounds];
        for (var i = 0; i < requests.Length; i++)
        {
            requests[i] = await AddedDueAsync(TimeSpan.Zero, mode, $"user {i}");
        }

        return requests;
    }

    private async Task<CibaOutboxEntry[]> HeldAsync(CibaRequest[] requests)
    {
        var held = new List<CibaOutboxEntry>();
        foreach (var request in requests)
        {
            held.Add((await ClaimAsync(request))!);
        }

        return [.. held];
    }
}
