using Ciba.AspNetCore.Store;

namespace Ciba.AspNetCore;

/// <summary>
/// Keeps the requests in the memory of this process: for one node, and gone when it ends. Forgets by itself what is past
/// its time, at a cost that does not grow with what it holds.
/// </summary>
public sealed class MemoryCibaRequestStore : ICibaRequestStore, IDisposable
{
    private const int Shards = 64;

    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(5);

    private readonly MemoryShard[] _shards;
    private readonly ITimer _sweep;

    /// <summary>Creates an empty store.</summary>
    /// <param name="time">The clock by which it forgets.</param>
    public MemoryCibaRequestStore(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);

        var counts = new PendingCounts();
        _shards = [.. Enumerable.Range(0, Shards).Select(_ => new MemoryShard(counts))];

        // Every call sweeps its shard; the timer is for the time when nobody calls.
        _sweep = time.CreateTimer(_ => Sweep(time.GetUtcNow()), null, SweepEvery, SweepEvery);
    }

    /// <summary>How many requests are in memory, the expired and the redeemed ones included.</summary>
    public int Count => _shards.Sum(shard => shard.Count);

    /// <inheritdoc/>
    public ValueTask<CibaAddResult> AddAsync(CibaRequest request, CibaRequestLimits limits, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return new(ShardOf(request.Id).Add(request, limits));
    }

    /// <inheritdoc/>
    public ValueTask<CibaPollResult> PollAsync(string id, string clientKey, DateTimeOffset now, TimeSpan leaseTime, CancellationToken cancellationToken) =>
        new(ShardOf(id).Poll(id, clientKey, now, leaseTime, waited: false));

    /// <inheritdoc/>
    public ValueTask<CibaPollResult> PollAfterWaitAsync(string id, string clientKey, DateTimeOffset now, TimeSpan leaseTime, CancellationToken cancellationToken) =>
        new(ShardOf(id).Poll(id, clientKey, now, leaseTime, waited: true));

    /// <inheritdoc/>
    public Task WaitForDecisionAsync(string id, CancellationToken cancellationToken) => ShardOf(id).WaitForDecision(id).WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask<bool> CompleteAsync(string id, string lease, CancellationToken cancellationToken) => new(ShardOf(id).Complete(id, lease));

    /// <inheritdoc/>
    public ValueTask<bool> ReleaseAsync(string id, string lease, CancellationToken cancellationToken) => new(ShardOf(id).Release(id, lease));

    /// <inheritdoc/>
    public ValueTask<CibaDecideResult> DecideAsync(string id, string userKey, CibaDecision decision, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(decision);
        return new(ShardOf(id).Decide(id, userKey, decision, now));
    }

    /// <inheritdoc/>
    public ValueTask<CibaRequestState?> GetAsync(string id, string userKey, DateTimeOffset now, CancellationToken cancellationToken) =>
        new(ShardOf(id).Get(id, userKey, now));

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<CibaRequest>> ListPendingAsync(string userKey, DateTimeOffset now, CancellationToken cancellationToken) =>
        new(ShardOfUser(userKey).ListPending(userKey, now));

    /// <inheritdoc/>
    public ValueTask<bool> RemoveAsync(string id, string userKey, CancellationToken cancellationToken) => new(ShardOf(id).Remove(id, userKey));

    /// <inheritdoc/>
    public ValueTask<CibaNotificationResult> CountNotificationAsync(CibaRequest request, CibaNotificationLimits limits, bool byClient, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return new(ShardOf(request.Id).CountNotification(request, limits, byClient, now));
    }

    /// <inheritdoc/>
    public ValueTask<CibaRequestState?> GetForClientAsync(string id, string clientKey, DateTimeOffset now, CancellationToken cancellationToken) =>
        new(ShardOf(id).GetForClient(id, clientKey, now));

    /// <inheritdoc/>
    public Task WaitForChangeAsync(string userKey, CancellationToken cancellationToken) => ShardOfUser(userKey).WaitForChangeAsync(userKey, cancellationToken);

    /// <inheritdoc/>
    public ValueTask MarkPresentAsync(string userKey, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken)
    {
        ShardOfUser(userKey).MarkPresent(userKey, until);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<bool> IsPresentAsync(string userKey, DateTimeOffset now, CancellationToken cancellationToken) => new(ShardOfUser(userKey).IsPresent(userKey, now));

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<CibaOutboxEntry>> ClaimDueAsync(char shard, DateTimeOffset now, DateTimeOffset heldUntil, int most, CancellationToken cancellationToken) =>
        new(_shards[CibaRequestId.ShardNumber(shard)].ClaimDue(now, heldUntil, most));

    /// <inheritdoc/>
    public ValueTask<CibaOutboxEntry?> ClaimAsync(string id, DateTimeOffset now, DateTimeOffset heldUntil, CancellationToken cancellationToken) =>
        new(ShardOf(id).Claim(id, now, heldUntil));

    /// <inheritdoc/>
    public ValueTask<bool> SettleAsync(string id, DateTimeOffset heldUntil, CibaSettlement settlement, CancellationToken cancellationToken) =>
        new(ShardOf(id).Settle(id, heldUntil, settlement));

    /// <inheritdoc/>
    public ValueTask<bool> PostponeAsync(string id, DateTimeOffset heldUntil, DateTimeOffset dueAt, CancellationToken cancellationToken) =>
        new(ShardOf(id).Postpone(id, heldUntil, dueAt));

    /// <inheritdoc/>
    public ValueTask<bool> KeepTokensAsync(string id, DateTimeOffset heldUntil, ReadOnlyMemory<byte> tokens, CancellationToken cancellationToken) =>
        new(ShardOf(id).KeepTokens(id, heldUntil, tokens));

    /// <summary>Stops the sweeping.</summary>
    public void Dispose() => _sweep.Dispose();

    // The first character of a handle is the shard of its user, so that a user's requests share one lock and one count.
    private MemoryShard ShardOf(string id) => _shards[id is { Length: > 0 } ? CibaRequestId.ShardNumber(id[0]) : 0];

    private MemoryShard ShardOfUser(string userKey) => _shards[CibaRequestId.ShardNumber(CibaRequestId.Shard(userKey))];

    private void Sweep(DateTimeOffset now)
    {
        foreach (var shard in _shards)
        {
            shard.Sweep(now);
        }
    }
}
