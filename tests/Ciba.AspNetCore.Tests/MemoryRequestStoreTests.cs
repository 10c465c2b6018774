using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests;

/// <summary>The store in memory: the contract of all stores, and that it forgets.</summary>
public sealed class MemoryRequestStoreTests : RequestStoreContract
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Sweep = TimeSpan.FromSeconds(5);

    private MemoryCibaRequestStore Memory => (MemoryCibaRequestStore)Store;

    protected override ICibaRequestStore CreateStore(ManualTime time) => new MemoryCibaRequestStore(time);

    [Test, Spec("T4")]
    public void It_forgets_by_itself_when_nobody_calls()
    {
        AddInEveryState(200);
        var kept = Memory.Count;

        Time.Advance(Kept - TimeSpan.FromTicks(1));
        var before = Memory.Count;
        Time.Advance(Sweep);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { kept, before }, Is.All.EqualTo(160));
            Assert.That(Memory.Count, Is.Zero);
        }
    }

    [Test, Spec("T4")]
    public void What_it_forgets_is_free_for_the_garbage_collector()
    {
        var requests = AddInEveryState(200);

        Time.Advance(Kept + Sweep);
        GC.Collect();

        Assert.That(requests.Count(request => request.TryGetTarget(out _)), Is.Zero);
    }

    [Test, Spec("A21")]
    public void What_is_withdrawn_is_free_for_the_garbage_collector_at_its_expiry()
    {
        var requests = AddInEveryState(200).Where((_, i) => i % 5 == 4).ToList();

        Time.Advance(Lifetime + Sweep);
        GC.Collect();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(requests, Has.Count.EqualTo(40));
            Assert.That(requests.Count(request => request.TryGetTarget(out _)), Is.Zero);
        }
    }

    [TestCase("add"), TestCase("poll"), TestCase("decide"), TestCase("get"), TestCase("list"), Spec("T4")]
    public async Task Every_call_forgets_what_is_past_its_end(string call)
    {
        using var memory = new MemoryCibaRequestStore(new ManualTime());
        var old = New("alice");
        await memory.AddAsync(old, default, CancellationToken.None);
        Time.Advance(Kept);
        var now = Time.GetUtcNow();

        switch (call)
        {
            case "add":
                await memory.AddAsync(New("alice"), default, CancellationToken.None);
                break;
            case "poll":
                await memory.PollAsync(old.Id, "client", now, Sweep, CancellationToken.None);
                break;
            case "decide":
                await memory.DecideAsync(old.Id, "alice", new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = now }, now, CancellationToken.None);
                break;
            case "get":
                await memory.GetAsync(old.Id, "alice", now, CancellationToken.None);
                break;
            default:
                await memory.ListPendingAsync("alice", now, CancellationToken.None);
                break;
        }

        Assert.That(memory.Count, Is.EqualTo(call == "add" ? 1 : 0));
    }

    [Test, Spec("T4")]
    public async Task A_steady_stream_of_requests_does_not_grow_it()
    {
        const int Each = 100;
        var most = 0;
        for (var round = 0; round < 60; round++)
        {
            for (var i = 0; i < Each; i++)
            {
                await Store.AddAsync(New($"user {i}"), default, CancellationToken.None);
            }

            most = Math.Max(most, Memory.Count);
            Time.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.That(most, Is.InRange(Each * 18, Each * 19));
    }

    [Test, Spec("U5")]
    public async Task A_refused_request_leaves_nothing_behind()
    {
        await Store.AddAsync(New("alice"), new CibaRequestLimits(1, 0), CancellationToken.None);

        for (var i = 0; i < 100; i++)
        {
            await Store.AddAsync(New("alice"), new CibaRequestLimits(1, 0), CancellationToken.None);
        }

        Assert.That(Memory.Count, Is.EqualTo(1));
    }

    [Test, Spec("T4")]
    public void It_leaves_no_timer_behind()
    {
        var time = new ManualTime();
        var memory = new MemoryCibaRequestStore(time);
        var timers = time.Timers;

        memory.Dispose();

        Assert.That(new[] { timers, time.Timers }, Is.EqualTo(new[] { 1, 0 }));
    }

    /// <summary>Requests of which each fifth is pending, approved, denied, redeemed and withdrawn.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private List<WeakReference<CibaRequest>> AddInEveryState(int count)
    {
        var now = Time.GetUtcNow();
        var all = new List<WeakReference<CibaRequest>>();
        for (var i = 0; i < count; i++)
        {
            var request = New($"user {i % 7}");
            all.Add(new(request));
            Get(Store.AddAsync(request, default, CancellationToken.None));
            if (i % 5 == 4)
            {
                Get(Store.RemoveAsync(request.Id, request.Subject, CancellationToken.None));
            }
            else if (i % 5 > 0)
            {
                var outcome = i % 5 == 2 ? CibaRequestStatus.Denied : CibaRequestStatus.Approved;
                Get(Store.DecideAsync(request.Id, request.Subject, new CibaDecision { Outcome = outcome, DecidedAt = now }, now, CancellationToken.None));
                if (i % 5 == 3)
                {
                    var lease = Get(Store.PollAsync(request.Id, request.ClientId, now, Sweep, CancellationToken.None)).Lease!;
                    Get(Store.CompleteAsync(request.Id, lease, CancellationToken.None));
                }
            }
        }

        return all;

        // Without await, whose state machine would keep the last request alive.
        static T Get<T>(ValueTask<T> step) => step.AsTask().GetAwaiter().GetResult();
    }

    private CibaRequest New(string subject) => new()
    {
        Id = CibaRequestId.FromAuthReqId(CibaRequestId.Shard(subject) + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32)))!,
        ClientId = "client",
        ClientName = "The client",
        Subject = subject,
        Scopes = ["openid"],
        Interval = Sweep,
        CreatedAt = Time.GetUtcNow(),
        ExpiresAt = Time.GetUtcNow() + Lifetime,
        RetainedUntil = Time.GetUtcNow() + Kept,
    };
}
