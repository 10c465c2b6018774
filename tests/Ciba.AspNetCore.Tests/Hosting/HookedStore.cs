using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A memory store whose steps a test watches, holds up or breaks.</summary>
public sealed class HookedStore : ICibaRequestStore, IDisposable
{
    private MemoryCibaRequestStore _store = null!;

    /// <summary>Runs before every step, with the name of its method.</summary>
    public Func<string, Task> Before { get; set; } = _ => Task.CompletedTask;

    /// <summary>Runs before what is due in a shard is asked for.</summary>
    public Action<char> BeforeLook { get; set; } = _ => { };

    /// <summary>Changes what an entry of the outbox says to who is handed it.</summary>
    public Func<CibaOutboxEntry, CibaOutboxEntry> Entry { get; set; } = entry => entry;

    /// <summary>Runs after an entry of the outbox was put off.</summary>
    public Action AfterPostpone { get; set; } = () => { };

    /// <summary>Breaks its promise: every wait is over at once.</summary>
    public bool MakesNobodyWait { get; set; }

    /// <summary>Runs before a lease ends with success.</summary>
    public Action OnComplete { get; set; } = () => { };

    /// <summary>Runs before a lease is given back.</summary>
    public Action OnRelease { get; set; } = () => { };

    /// <summary>Runs after a lease was given back.</summary>
    public Action AfterRelease { get; set; } = () => { };

    /// <summary>The names of the methods that were called, in their order.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>The waits for a change that were begun.</summary>
    public ConcurrentQueue<Task> Waits { get; } = new();

    public int Count => _store.Count;

    /// <summary>Puts this store in the place of the ready one.</summary>
    public void Use(CibaBuilder builder) => builder.Services.Replace(ServiceDescriptor.Singleton<ICibaRequestStore>(provider =>
    {
        _store = new MemoryCibaRequestStore(provider.GetRequiredService<TimeProvider>());
        return this;
    }));

    public async ValueTask<CibaAddResult> AddAsync(CibaRequest request, CibaRequestLimits limits, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(AddAsync));
        return await _store.AddAsync(request, limits, cancellationToken);
    }

    public async ValueTask<CibaPollResult> PollAsync(string id, string clientKey, DateTimeOffset now, TimeSpan leaseTime, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(PollAsync));
        return await _store.PollAsync(id, clientKey, now, leaseTime, cancellationToken);
    }

    public async ValueTask<CibaPollResult> PollAfterWaitAsync(string id, string clientKey, DateTimeOffset now, TimeSpan leaseTime, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(PollAfterWaitAsync));
        return await _store.PollAfterWaitAsync(id, clientKey, now, leaseTime, cancellationToken);
    }

    public Task WaitForDecisionAsync(string id, CancellationToken cancellationToken)
    {
        Calls.Enqueue(nameof(WaitForDecisionAsync));
        return MakesNobodyWait ? Task.CompletedTask : _store.WaitForDecisionAsync(id, cancellationToken);
    }

    public async ValueTask<bool> CompleteAsync(string id, string lease, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(CompleteAsync));
        OnComplete();
        return await _store.CompleteAsync(id, lease, cancellationToken);
    }

    public async ValueTask<bool> ReleaseAsync(string id, string lease, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(ReleaseAsync));
        OnRelease();
        var released = await _store.ReleaseAsync(id, lease, cancellationToken);
        AfterRelease();
        return released;
    }

    public async ValueTask<CibaDecideResult> DecideAsync(string id, string userKey, CibaDecision decision, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(DecideAsync));
        return await _store.DecideAsync(id, userKey, decision, now, cancellationToken);
    }

    public async ValueTask<CibaRequestState?> GetAsync(string id, string userKey, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(GetAsync));
        return await _store.GetAsync(id, userKey, now, cancellationToken);
    }

    public async ValueTask<IReadOnlyList<CibaRequest>> ListPendingAsync(string userKey, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(ListPendingAsync));
        return await _store.ListPendingAsync(userKey, now, cancellationToken);
    }

    public async ValueTask<bool> RemoveAsync(string id, string userKey, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(RemoveAsync));
        return await _store.RemoveAsync(id, userKey, cancellationToken);
    }

    public async ValueTask<CibaNotificationResult> CountNotificationAsync(CibaRequest request, CibaNotificationLimits limits, bool byClient, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(CountNotificationAsync));
        return await _store.CountNotificationAsync(request, limits, byClient, now, cancellationToken);
    }

    public async ValueTask<CibaRequestState?> GetForClientAsync(string id, string clientKey, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(GetForClientAsync));
        return await _store.GetForClientAsync(id, clientKey, now, cancellationToken);
    }

    public Task WaitForChangeAsync(string userKey, CancellationToken cancellationToken)
    {
        Calls.Enqueue(nameof(WaitForChangeAsync));
        var wait = _store.WaitForChangeAsync(userKey, cancellationToken);
        Waits.Enqueue(wait);
        return wait;
    }

    public async ValueTask MarkPresentAsync(string userKey, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(MarkPresentAsync));
        await _store.MarkPresentAsync(userKey, now, until, cancellationToken);
    }

    public async ValueTask<bool> IsPresentAsync(string userKey, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(IsPresentAsync));
        return await _store.IsPresentAsync(userKey, now, cancellationToken);
    }

    public async ValueTask<IReadOnlyList<CibaOutboxEntry>> ClaimDueAsync(char shard, DateTimeOffset now, DateTimeOffset heldUntil, int most, CancellationToken cancellationToken)
    {
        // Asked for all shards again and again: of no interest to tests.
        await Before(nameof(ClaimDueAsync));
        BeforeLook(shard);
        return [.. (await _store.ClaimDueAsync(shard, now, heldUntil, most, cancellationToken)).Select(Entry)];
    }

    public async ValueTask<CibaOutboxEntry?> ClaimAsync(string id, DateTimeOffset now, DateTimeOffset heldUntil, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(ClaimAsync));
        return await _store.ClaimAsync(id, now, heldUntil, cancellationToken);
    }

    public async ValueTask<bool> SettleAsync(string id, DateTimeOffset heldUntil, CibaSettlement settlement, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(SettleAsync));
        return await _store.SettleAsync(id, heldUntil, settlement, cancellationToken);
    }

    public async ValueTask<bool> PostponeAsync(string id, DateTimeOffset heldUntil, DateTimeOffset dueAt, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(PostponeAsync));
        var postponed = await _store.PostponeAsync(id, heldUntil, dueAt, cancellationToken);
        AfterPostpone();
        return postponed;
    }

    public async ValueTask<bool> KeepTokensAsync(string id, DateTimeOffset heldUntil, ReadOnlyMemory<byte> tokens, CancellationToken cancellationToken)
    {
        await BeginAsync(nameof(KeepTokensAsync));
        return await _store.KeepTokensAsync(id, heldUntil, tokens, cancellationToken);
    }

    public void Dispose() => _store?.Dispose();

    private Task BeginAsync(string method)
    {
        Calls.Enqueue(method);
        return Before(method);
    }
}
