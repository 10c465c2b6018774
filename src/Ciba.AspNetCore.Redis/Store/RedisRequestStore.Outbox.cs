using System.Collections.Concurrent;
using System.Security.Cryptography;
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

        var redisTime = await clock.OfAsync(shard);
        var due = await redis.ReadAsync((database, flags) =>
            database.SortedSetRangeByScoreAsync(keys.Outbox(shard), double.NegativeInfinity, redisTime.Ticks(now), take: most + _unreadable.Count, flags: flags));
        (string Id, Task<Claimed?> Claimed)[] claims =
        [
            .. due.Select(digest => shard + (string)digest!)
                .Where(id => !_unreadable.ContainsKey(id))
                .Take(most)
                .Select(id => (id, TakeAsync(id, redisTime, now, heldUntil))),
        ];
        await ((Task)Task.WhenAll(claims.Select(claim => claim.Claimed))).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return await OpenAsync(claims, redisTime, now, heldUntil);
    }

    public async ValueTask<CibaOutboxEntry?> ClaimAsync(string id, DateTimeOffset now, DateTimeOffset heldUntil, CancellationToken cancellationToken)
    {
        if (!CibaRequestId.IsId(id))
        {
            return null;
        }

        var redisTime = await clock.OfAsync(id[0]);
        return await OpenAsync(id, await TakeAsync(id, redisTime, now, heldUntil), redisTime, now, heldUntil);
    }

    public ValueTask<bool> SettleAsync(string id, DateTimeOffset heldUntil, CibaSettlement settlement, CancellationToken cancellationToken) =>
        SettleAsync(id, heldUntil, dueAt: null, settlement == CibaSettlement.TokensSent);

    public ValueTask<bool> PostponeAsync(string id, DateTimeOffset heldUntil, DateTimeOffset dueAt, CancellationToken cancellationToken) =>
        SettleAsync(id, heldUntil, dueAt, tokensSent: false);

    public async ValueTask<bool> KeepTokensAsync(string id, DateTimeOffset heldUntil, ReadOnlyMemory<byte> tokens, CancellationToken cancellationToken)
    {
        if (!CibaRequestId.IsId(id))
        {
            return false;
        }

        var kept = protector.Protect(id, RequestRecord.PushTokens, tokens.ToArray());
        try
        {
            return await AsHolderAsync(await clock.LatelyAsync(id[0]), heldUntil, held => redis.RunUntilKnownAsync(RedisScript.KeepTokens, TouchedByOutbox(id), [RedisKeys.Digest(id), held, kept]));
        }
        catch (CibaStoreUnavailableException exception) when (RedisConnection.IsFull(exception))
        {
            // The entry is the caller's, or nothing would have been written. Better tokens that are not kept than none.
            return true;
        }
    }

    private async ValueTask<bool> SettleAsync(string id, DateTimeOffset heldUntil, DateTimeOffset? dueAt, bool tokensSent)
    {
        if (!CibaRequestId.IsId(id))
        {
            return false;
        }

        var redisTimes = await clock.LatelyAsync(id[0]);
        RedisValue due = dueAt is { } instant ? redisTimes[0].Ticks(instant) : "";
        return await AsHolderAsync(redisTimes, heldUntil, held => redis.RunAsync(RedisScript.Settle, TouchedByOutbox(id), [RedisKeys.Digest(id), held, due, tokensSent ? 1 : 0]));
    }

    // The holder is known by an instant, which was written by the time that was in force then.
    private static async ValueTask<bool> AsHolderAsync(IEnumerable<RedisTime> redisTimes, DateTimeOffset heldUntil, Func<long, Task<RedisResult>> step)
    {
        foreach (var redisTime in redisTimes)
        {
            if ((bool)await step(redisTime.Ticks(heldUntil)))
            {
                return true;
            }
        }

        return false;
    }

    private async Task<Claimed?> TakeAsync(string id, RedisTime redisTime, DateTimeOffset now, DateTimeOffset heldUntil)
    {
        var claimed = await redis.RunOrTakeBackAsync(
            RedisScript.Claim, TouchedByOutbox(id), [RedisKeys.Digest(id), redisTime.Ticks(now), redisTime.Ticks(heldUntil)], RedisScript.Settle, GiveBack(id, redisTime, now, heldUntil));
        return claimed.IsNull ? null : new Claimed((byte[])claimed[0]!, (byte[]?)claimed[1]);
    }

    /// <summary>What was claimed is handed out, whatever became of the others.</summary>
    private async ValueTask<IReadOnlyList<CibaOutboxEntry>> OpenAsync((string Id, Task<Claimed?> Claimed)[] claims, RedisTime redisTime, DateTimeOffset now, DateTimeOffset heldUntil)
    {
        // One after another: where keys must be fetched first, every reader would block a thread, and leave none to those that fetch.
        var entries = new List<CibaOutboxEntry>();
        CibaStoreUnavailableException? failure = null;
        foreach (var (id, claimed) in claims)
        {
            try
            {
                if (await OpenAsync(id, await claimed, redisTime, now, heldUntil) is { } entry)
                {
                    entries.Add(entry);
                }
            }
            catch (CibaStoreUnavailableException exception)
            {
                failure = exception;
            }
        }

        return entries.Count > 0 || failure is null ? entries : throw failure;
    }

    /// <summary>Reads what was claimed; what cannot be read is given back, so that a node that can does not wait for us.</summary>
    private async ValueTask<CibaOutboxEntry?> OpenAsync(string id, Claimed? claimed, RedisTime redisTime, DateTimeOffset now, DateTimeOffset heldUntil)
    {
        if (claimed is null)
        {
            return null;
        }

        try
        {
            return ReadEntry(id, claimed, redisTime, now, heldUntil);
        }
        catch (Exception exception)
        {
            await GiveBackAsync(id, redisTime, now, heldUntil);
            if (exception is CibaStoreUnavailableException { InnerException: CryptographicException })
            {
                throw;
            }

            // The others that are due do not wait for one that cannot be read.
            _unreadable[id] = now;
            EntryNotReadable(id[..10], exception);
            return null;
        }
    }

    private async ValueTask GiveBackAsync(string id, RedisTime redisTime, DateTimeOffset now, DateTimeOffset heldUntil)
    {
        try
        {
            await redis.RunAsync(RedisScript.Settle, TouchedByOutbox(id), GiveBack(id, redisTime, now, heldUntil));
        }
        catch (CibaStoreUnavailableException)
        {
            // It is due again when the hold ends.
        }
    }

    private static RedisValue[] GiveBack(string id, RedisTime redisTime, DateTimeOffset now, DateTimeOffset heldUntil) =>
        [RedisKeys.Digest(id), redisTime.Ticks(heldUntil), redisTime.Ticks(now), 0];

    private RedisKey[] TouchedByOutbox(string id) => [keys.Request(id), keys.Outbox(id[0]), keys.PushTokens(id)];

    private CibaOutboxEntry ReadEntry(string id, Claimed claimed, RedisTime redisTime, DateTimeOffset now, DateTimeOffset heldUntil)
    {
        var head = RequestRecord.ReadHead(claimed.Record, redisTime);
        var request = ReadWhole(id, head);
        var status = RequestRecord.LeaseRanOut(claimed.Record, redisTime, now) ? CibaRequestStatus.Approved : head.Status(now);
        var decision = status == CibaRequestStatus.Approved ? DecidedPayload.Read(request, Content(id, head, RequestRecord.Decided)) : null;
        return new CibaOutboxEntry(request, status, decision, heldUntil)
        {
            Tokens = claimed.Tokens is { } tokens ? protector.Unprotect(id, RequestRecord.PushTokens, tokens).ToArray() : default,
        };
    }

    private CibaRequest ReadWhole(string id, RequestHead head)
    {
        var callback = RequestRecord.Find(head.Sections, RequestRecord.Callback).IsEmpty ? null : CallbackPayload.Read(Content(id, head, RequestRecord.Callback));
        return AskedPayload.Read(id, head, Content(id, head, RequestRecord.Asked), callback);
    }

    [LoggerMessage(2, LogLevel.Error, "What is to be done for request {Request} cannot be read, and is left to another node: do the nodes have the same Data Protection keys?")]
    private partial void EntryNotReadable(string request, Exception exception);

    /// <summary>What a claim has read.</summary>
    private sealed record Claimed(byte[] Record, byte[]? Tokens);
}
