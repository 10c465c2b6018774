using System.Collections.Concurrent;
using Ciba.AspNetCore.Redis.Connection;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>The outbox: a sorted set for each shard, of the digests of requests by when they are due or until when they are held.</summary>
internal sealed partial class RedisRequestStore
{
    private static readonly TimeSpan UnreadableFor = TimeSpan.FromMinutes(10);

    // What this node could not read, and when: it is left to nodes that can, and would be in their way if it were claimed again.
    private readonly ConcurrentDictionary<string, DateTimeOffset> _unreadable = new(StringComparer.Ordinal);

    /// <remarks>What is due is read without claiming it, because a script declares its keys: each claim is a step of its own.</remarks>
    public async ValueTask<IReadOnlyList<CibaOutboxEntry>> ClaimDueAsync(char shard, DateTimeOffset now, DateTimeOffset heldUntil, int most, CancellationToken cancellationToken)
    {
        if (most <= 0)
        {
            return [];
        }

        foreach (var old in _unreadable.Where(known => now - known.Value > UnreadableFor))
        {
            _unreadable.TryRemove(old);
        }

        var due = await redis.ReadAsync((database, flags) =>
            database.SortedSetRangeByScoreAsync(keys.Outbox(shard), double.NegativeInfinity, RedisTicks.Of(now), take: most + _unreadable.Count, flags: flags));
        Task<CibaOutboxEntry?>[] claims =
        [
            .. due.Select(digest => shard + (string)digest!)
                .Where(id => !_unreadable.ContainsKey(id))
                .Take(most)
                .Select(id => ClaimAsync(id, now, heldUntil, cancellationToken).AsTask()),
        ];
        var all = Task.WhenAll(claims);
        await ((Task)all).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // What was claimed is handed out, whatever became of the others.
        CibaOutboxEntry[] claimed = [.. claims.Where(claim => claim.IsCompletedSuccessfully).Select(claim => claim.Result).OfType<CibaOutboxEntry>()];
        return claimed.Length > 0 ? claimed : [.. (await all).OfType<CibaOutboxEntry>()];
    }

    public async ValueTask<CibaOutboxEntry?> ClaimAsync(string id, DateTimeOffset now, DateTimeOffset heldUntil, CancellationToken cancellationToken)
    {
        if (!CibaRequestId.IsId(id))
        {
            return null;
        }

        var digest = RedisKeys.Digest(id);
        RedisValue[] giveBack = [digest, RedisTicks.Of(heldUntil), RedisTicks.Of(now), 0];
        byte[]? record = (byte[]?)await redis.RunOrTakeBackAsync(
            RedisScript.Claim, TouchedByOutbox(id), [digest, RedisTicks.Of(now), RedisTicks.Of(heldUntil)], RedisScript.Settle, giveBack);
        var entry = record is null ? null : TryReadEntry(id, record, now, heldUntil);
        if (record is not null && entry is null)
        {
            // A node that can read it does not wait for us.
            await GiveBackAsync(TouchedByOutbox(id), giveBack);
        }

        return entry;
    }

    public ValueTask<bool> SettleAsync(string id, DateTimeOffset heldUntil, CibaSettlement settlement, CancellationToken cancellationToken) =>
        SettleAsync(id, heldUntil, "", settlement == CibaSettlement.TokensSent);

    public ValueTask<bool> PostponeAsync(string id, DateTimeOffset heldUntil, DateTimeOffset dueAt, CancellationToken cancellationToken) =>
        SettleAsync(id, heldUntil, RedisTicks.Of(dueAt), tokensSent: false);

    private async ValueTask<bool> SettleAsync(string id, DateTimeOffset heldUntil, RedisValue dueAt, bool tokensSent) =>
        CibaRequestId.IsId(id)
        && (bool)await redis.RunAsync(RedisScript.Settle, TouchedByOutbox(id), [RedisKeys.Digest(id), RedisTicks.Of(heldUntil), dueAt, tokensSent ? 1 : 0]);

    private async ValueTask GiveBackAsync(RedisKey[] touched, RedisValue[] giveBack)
    {
        try
        {
            await redis.RunAsync(RedisScript.Settle, touched, giveBack);
        }
        catch (CibaStoreUnavailableException)
        {
            // It is due again when the hold ends.
        }
    }

    private RedisKey[] TouchedByOutbox(string id) => [keys.Request(id), keys.Outbox(id[0])];

    private CibaOutboxEntry? TryReadEntry(string id, byte[] record, DateTimeOffset now, DateTimeOffset heldUntil)
    {
        try
        {
            var head = RequestRecord.ReadHead(record);
            var request = ReadWhole(id, head);
            var status = RequestRecord.LeaseRanOut(record, now) ? CibaRequestStatus.Approved : head.Status(now);
            var decision = status == CibaRequestStatus.Approved ? DecidedPayload.Read(request, Content(id, head, RequestRecord.Decided)) : null;
            return new CibaOutboxEntry(request, status, decision, heldUntil);
        }
        catch (Exception exception)
        {
            // The others that are due do not wait for one that cannot be read.
            _unreadable[id] = now;
            EntryNotReadable(id[..10], exception);
            return null;
        }
    }

    private CibaRequest ReadWhole(string id, RequestHead head)
    {
        var callback = RequestRecord.Find(head.Sections, RequestRecord.Callback).IsEmpty ? null : CallbackPayload.Read(Content(id, head, RequestRecord.Callback));
        return AskedPayload.Read(id, head, Content(id, head, RequestRecord.Asked), callback);
    }

    [LoggerMessage(2, LogLevel.Error, "What is to be done for request {Request} cannot be read, and is left to another node: do the nodes have the same Data Protection keys?")]
    private partial void EntryNotReadable(string request, Exception exception);
}
