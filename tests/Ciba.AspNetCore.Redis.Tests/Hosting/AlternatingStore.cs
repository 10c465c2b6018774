namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>Takes each step on the next of several nodes, as a load balancer would.</summary>
public sealed class AlternatingStore(params RedisNode[] nodes) : ICibaRequestStore, IAsyncDisposable
{
    private int _steps;

    private ICibaRequestStore Next => nodes[(uint)Interlocked.Increment(ref _steps) % nodes.Length].Store;

    public ValueTask<CibaAddResult> AddAsync(CibaRequest request, CibaRequestLimits limits, CancellationToken cancellationToken) => Next.AddAsync(request, limits, cancellationToken);

    public ValueTask<CibaPollResult> PollAsync(string id, string clientKey, DateTimeOffset now, TimeSpan leaseTime, CancellationToken cancellationToken) =>
        Next.PollAsync(id, clientKey, now, leaseTime, cancellationToken);

    public ValueTask<CibaPollResult> PollAfterWaitAsync(string id, string clientKey, DateTimeOffset now, TimeSpan leaseTime, CancellationToken cancellationToken) =>
        Next.PollAfterWaitAsync(id, clientKey, now, leaseTime, cancellationToken);

    public Task WaitForDecisionAsync(string id, CancellationToken cancellationToken) => Next.WaitForDecisionAsync(id, cancellationToken);

    public ValueTask<bool> CompleteAsync(string id, string lease, CancellationToken cancellationToken) => Next.CompleteAsync(id, lease, cancellationToken);

    public ValueTask<bool> ReleaseAsync(string id, string lease, CancellationToken cancellationToken) => Next.ReleaseAsync(id, lease, cancellationToken);

    public ValueTask<CibaDecideResult> DecideAsync(string id, string userKey, CibaDecision decision, DateTimeOffset now, CancellationToken cancellationToken) =>
        Next.DecideAsync(id, userKey, decision, now, cancellationToken);

    public ValueTask<CibaRequestState?> GetAsync(string id, string userKey, DateTimeOffset now, CancellationToken cancellationToken) => Next.GetAsync(id, userKey, now, cancellationToken);

    public ValueTask<IReadOnlyList<CibaRequest>> ListPendingAsync(string userKey, DateTimeOffset now, CancellationToken cancellationToken) => Next.ListPendingAsync(userKey, now, cancellationToken);

    public ValueTask<bool> RemoveAsync(string id, string userKey, CancellationToken cancellationToken) => Next.RemoveAsync(id, userKey, cancellationToken);

    public ValueTask<CibaNotificationResult> CountNotificationAsync(CibaRequest request, CibaNotificationLimits limits, bool byClient, DateTimeOffset now, CancellationToken cancellationToken) =>
        Next.CountNotificationAsync(request, limits, byClient, now, cancellationToken);

    public ValueTask<CibaRequestState?> GetForClientAsync(string id, string clientKey, DateTimeOffset now, CancellationToken cancellationToken) =>
        Next.GetForClientAsync(id, clientKey, now, cancellationToken);

    public Task WaitForChangeAsync(string userKey, CancellationToken cancellationToken) => Next.WaitForChangeAsync(userKey, cancellationToken);

    public ValueTask MarkPresentAsync(string userKey, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken) =>
        Next.MarkPresentAsync(userKey, now, until, cancellationToken);

    public ValueTask<bool> IsPresentAsync(string userKey, DateTimeOffset now, CancellationToken cancellationToken) => Next.IsPresentAsync(userKey, now, cancellationToken);

    public ValueTask<IReadOnlyList<CibaOutboxEntry>> ClaimDueAsync(char shard, DateTimeOffset now, DateTimeOffset heldUntil, int most, CancellationToken cancellationToken) =>
        Next.ClaimDueAsync(shard, now, heldUntil, most, cancellationToken);

    public ValueTask<CibaOutboxEntry?> ClaimAsync(string id, DateTimeOffset now, DateTimeOffset heldUntil, CancellationToken cancellationToken) => Next.ClaimAsync(id, now, heldUntil, cancellationToken);

    public ValueTask<bool> SettleAsync(string id, DateTimeOffset heldUntil, CibaSettlement settlement, CancellationToken cancellationToken) => Next.SettleAsync(id, heldUntil, settlement, cancellationToken);

    public ValueTask<bool> PostponeAsync(string id, DateTimeOffset heldUntil, DateTimeOffset dueAt, CancellationToken cancellationToken) => Next.PostponeAsync(id, heldUntil, dueAt, cancellationToken);

    public ValueTask<bool> KeepTokensAsync(string id, DateTimeOffset heldUntil, ReadOnlyMemory<byte> tokens, CancellationToken cancellationToken) => Next.KeepTokensAsync(id, heldUntil, tokens, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in nodes)
        {
            await node.DisposeAsync();
        }
    }
}
