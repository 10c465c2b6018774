namespace Ciba.AspNetCore.Tests;

/// <summary>Two callers at the same step at the same moment, a thousand times each: one of them is first, and no third thing happens.</summary>
public abstract partial class RequestStoreContract
{
    [Test, Spec("T8")]
    public async Task Of_polls_at_once_one_gets_the_lease()
    {
        var requests = await ManyAsync(request => DecideAsync(request).AsTask());

        var rounds = await Race.RunAsync(Same(3, round => PollAsync(requests[round])));

        Assert.That(rounds.Select(Sorted), Is.All.EqualTo(new[] { CibaPollStatus.Pending, CibaPollStatus.Pending, CibaPollStatus.Approved }));
    }

    [Test, Spec("T3")]
    public async Task Of_polls_at_once_one_is_in_time_and_each_other_makes_the_interval_longer()
    {
        var requests = await ManyAsync();

        var rounds = await Race.RunAsync(Same(3, round => PollAsync(requests[round])));
        Time.Advance(Seconds(15));
        var next = await Task.WhenAll(requests.Select(request => PollAsync(request).AsTask()));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(rounds.Select(Sorted), Is.All.EqualTo(new[] { CibaPollStatus.Pending, CibaPollStatus.SlowDown, CibaPollStatus.SlowDown }));
            Assert.That(next, Is.All.EqualTo(CibaPollStatus.Pending));
            Time.Advance(Seconds(15) - OneTick);
            Assert.That(await PollAsync(requests[0]), Is.EqualTo(CibaPollStatus.SlowDown));
        }
    }

    [Test, Spec("U3")]
    public async Task Of_answers_at_once_one_counts()
    {
        var requests = await ManyAsync();

        var rounds = await Race.RunAsync(round => DecideAsync(requests[round]), round => DecideAsync(requests[round], CibaRequestStatus.Denied));

        var stored = await StatusesAsync(requests);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(rounds.Select(Sorted), Is.All.EqualTo(new[] { CibaDecideResult.Done, CibaDecideResult.AlreadyDecided }));
            Assert.That(rounds.Zip(stored), Is.All.Matches<(CibaDecideResult[] Round, CibaRequestStatus Stored)>(
                result => result.Stored == (result.Round[0] == CibaDecideResult.Done ? CibaRequestStatus.Approved : CibaRequestStatus.Denied)));
        }
    }

    [Test, Spec("U3"), Spec("U5")]
    public async Task An_answer_at_the_expiry_leaves_the_count_of_the_user_right()
    {
        var requests = await ManyAsync();
        var expiry = requests[0].ExpiresAt;

        var rounds = await Race.RunAsync(
            async round => (await DecideAsync(requests[round], now: expiry - OneTick)).ToString(),
            async round => (await Store.PollAsync(requests[round].Id, Client, expiry, LeaseTime, CancellationToken.None)).Status.ToString());
        Time.Advance(Lifetime);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(rounds, Is.All.EqualTo(new[] { "Done", "Expired" }));
            Assert.That(await CountedAsync(requests), Is.All.EqualTo(new[] { CibaAddResult.Added, LimitReached() }));
        }
    }

    [Test, Spec("T8"), Spec("T12")]
    public async Task At_the_end_of_a_lease_either_its_holder_completes_or_the_next_poll_has_it()
    {
        var leases = new List<string>();
        var requests = await ManyAsync(async request =>
        {
            await DecideAsync(request);
            leases.Add((await PollForLeaseAsync(request)).Lease!);
        });
        Time.Advance(LeaseTime);

        var rounds = await Race.RunAsync(
            async round => (await CompleteAsync(requests[round], leases[round])).ToString(),
            async round => (await PollAsync(requests[round])).ToString());

        Assert.That(rounds, Is.All.EqualTo(new[] { "True", "Redeemed" }).Or.EqualTo(new[] { "False", "Approved" }));
    }

    [Test, Spec("T8")]
    public async Task A_lease_ends_in_one_way([Values] bool bothComplete)
    {
        var leases = new List<string>();
        var requests = await ManyAsync(async request =>
        {
            await DecideAsync(request);
            leases.Add((await PollForLeaseAsync(request)).Lease!);
        });

        var rounds = await Race.RunAsync(
            round => CompleteAsync(requests[round], leases[round]),
            round => bothComplete ? CompleteAsync(requests[round], leases[round]) : ReleaseAsync(requests[round], leases[round]));

        // Who completes it a second time did not hear of the first.
        Assert.That(rounds.Select(Sorted), Is.All.EqualTo(new[] { bothComplete, true }));
    }

    [Test, Spec("U5")]
    public async Task Of_requests_at_once_the_last_free_place_goes_to_one([Values] bool limitOfClient)
    {
        var requests = await ManyAsync();
        var more = requests.Select(request => new[] { New(request.Subject), New(request.Subject) }).ToArray();

        var rounds = await Race.RunAsync(
            async round => (await AddAsync(more[round][0], limitOfClient ? 0 : 2, limitOfClient ? 2 : 0)).Status,
            async round => (await AddAsync(more[round][1], limitOfClient ? 0 : 2, limitOfClient ? 2 : 0)).Status);

        var pending = new List<string[]>();
        foreach (var request in requests)
        {
            pending.Add(await PendingAsync(request.Subject));
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(rounds.Select(Sorted), Is.All.EqualTo(new[] { CibaAddStatus.Added, CibaAddStatus.LimitReached }));
            Assert.That(
                pending.Select(Sorted),
                Is.EqualTo(rounds.Select((round, i) => Sorted([requests[i].Id, more[i][round[0] == CibaAddStatus.Added ? 0 : 1].Id]))));
        }
    }

    [Test, Spec("A21")]
    public async Task A_request_is_withdrawn_or_answered_and_never_both()
    {
        var requests = await ManyAsync();

        var rounds = await Race.RunAsync(
            async round => (await Store.RemoveAsync(requests[round].Id, requests[round].Subject, CancellationToken.None)).ToString(),
            async round => (await DecideAsync(requests[round])).ToString());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(rounds, Is.All.EqualTo(new[] { "True", "Unknown" }).Or.EqualTo(new[] { "False", "Done" }));
            Assert.That(await CountedAsync(requests), Is.All.EqualTo(new[] { CibaAddResult.Added, LimitReached() }));
        }
    }

    private static Func<int, ValueTask<T>>[] Same<T>(int callers, Func<int, ValueTask<T>> call) => [.. Enumerable.Repeat(call, callers)];

    private static T[] Sorted<T>(T[] results) => [.. results.Order()];

    private async Task<CibaRequest[]> ManyAsync(Func<CibaRequest, Task>? prepare = null)
    {
        var requests = new CibaRequest[Race.Rounds];
        for (var i = 0; i < requests.Length; i++)
        {
            requests[i] = await AddedAsync($"user {i}");
            await (prepare?.Invoke(requests[i]) ?? Task.CompletedTask);
        }

        return requests;
    }

    /// <summary>What two more requests of each user get under a limit of one: added and refused, where the count is zero.</summary>
    private async Task<CibaAddResult[][]> CountedAsync(CibaRequest[] requests)
    {
        var results = new List<CibaAddResult[]>();
        foreach (var request in requests)
        {
            results.Add([await AddAsync(New(request.Subject), perUser: 1), await AddAsync(New(request.Subject), perUser: 1)]);
        }

        return [.. results];
    }
}
