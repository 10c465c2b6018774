using System.Security.Cryptography;
using Ciba.AspNetCore.Redis.Store;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>
/// Takes a request of a nonexistent user through its whole life on each master: Redis may answer and yet refuse a command, a key or the
/// channel. No device is notified, no other limit counts it, and nothing of it remains.
/// </summary>
internal sealed class RedisTrial(
    ICibaRequestStore store,
    RedisTimeSource masters,
    RedisConnection redis,
    RedisKeys keys,
    DecisionSignals signals,
    TimeProvider time) : ICibaStoreProbe
{
    // The place of a client is granted by its shard, or one that all shards share.
    private const int GrantedByShard = 1_000_000;
    private const int Shared = 1;

    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public async ValueTask<string?> FindProblemAsync(CancellationToken cancellationToken)
    {
        await RunAsync(cancellationToken);
        return await signals.SubscribeAsync().WaitAsync(cancellationToken)
            ? null
            : $"This node cannot listen to the channel {keys.Changes} of Redis: waiting polls and devices learn of what other nodes do with a delay.";
    }

    /// <exception cref="CibaStoreUnavailableException">A master refused a step, or did not answer.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAll((await masters.MastersAsync()).Select(shards => LiveAsync(shards, cancellationToken)));
            await redis.ReadAsync((database, flags) => database.PublishAsync(keys.Changes, "", flags));
        }
        catch (CryptographicException exception)
        {
            throw new CibaStoreUnavailableException("The Data Protection keys cannot be used.", exception);
        }
    }

    private async Task LiveAsync(char[] shards, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var request = New(shards, now);
        var limits = new CibaRequestLimits(1, 1);
        await store.AddAsync(request, limits with { PerClient = Shared }, cancellationToken);
        await store.RemoveAsync(request.Id, request.UserKey, cancellationToken);
        await store.AddAsync(request, limits with { PerClient = GrantedByShard }, cancellationToken);
        await store.ListPendingAsync(request.UserKey, now, cancellationToken);

        // Due after its end, so that no worker claims it.
        var due = request.DueAt!.Value;
        await store.ClaimAsync(request.Id, due, due + Lifetime, cancellationToken);
        await store.SettleAsync(request.Id, due + Lifetime, CibaSettlement.Done, cancellationToken);
        var decision = new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = now, Scopes = request.Scopes };
        await store.DecideAsync(request.Id, request.UserKey, decision, now, cancellationToken);
        if ((await store.PollAsync(request.Id, request.ClientKey, now, Lifetime, cancellationToken)).Lease is { } lease)
        {
            await store.CompleteAsync(request.Id, lease, cancellationToken);
        }

        // A poll after its end deletes it.
        await store.PollAsync(request.Id, request.ClientKey, request.RetainedUntil, Lifetime, cancellationToken);
    }

    private static CibaRequest New(char[] shards, DateTimeOffset now)
    {
        string nobody;
        do
        {
            nobody = $"nobody {Guid.NewGuid():N}";
        }
        while (!shards.Contains(CibaRequestId.Shard(nobody)));

        return new CibaRequest
        {
            Id = CibaRequestId.Shard(nobody) + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32)),
            ClientId = nobody,
            ClientName = nobody,
            Subject = nobody,
            Scopes = ["openid"],
            Interval = TimeSpan.FromSeconds(1),
            Fingerprint = nobody,
            DueAt = now + (Lifetime * 2),
            CreatedAt = now,
            ExpiresAt = now + Lifetime,
            RetainedUntil = now + Lifetime,
        };
    }
}
