using System.Security.Cryptography;
using System.Text.Json;
using Ciba.AspNetCore.Redis.Connection;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>The devices that listen for news of a user's requests, and the request that waits already.</summary>
internal sealed partial class RedisRequestStore
{
    public Task WaitForChangeAsync(string userKey, CancellationToken cancellationToken) =>
        signals.WaitForChangeAsync(CibaRequestId.Shard(userKey), RequestRecord.Digest(userKey), cancellationToken);

    public ValueTask MarkPresentAsync(string userKey, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken) =>
        MarkPresentAsync([userKey], now, until, cancellationToken);

    /// <remarks>One step for each shard.</remarks>
    public async ValueTask MarkPresentAsync(IReadOnlyCollection<string> userKeys, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken)
    {
        var life = (long)Math.Ceiling((until - now).TotalMilliseconds);
        await Task.WhenAll(userKeys.GroupBy(CibaRequestId.Shard).Select(async users =>
        {
            var redisTime = await clock.OfAsync(users.Key);
            await redis.RunAsync(RedisScript.MarkPresent, [.. users.Select(user => keys.Present(users.Key, RequestRecord.Digest(user)))], [redisTime.Ticks(until), life]);
        }));
    }

    public async ValueTask<bool> IsPresentAsync(string userKey, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var redisTime = await clock.OfAsync(CibaRequestId.Shard(userKey));
        var until = await redis.ReadAsync((database, flags) => database.StringGetAsync(PresentKey(userKey), flags));
        return !until.IsNull && (long)until > redisTime.Ticks(now);
    }

    /// <summary>A request that waits, with what a callback needs and its interval; null where it does not wait or cannot be read.</summary>
    private async ValueTask<(CibaRequest Request, TimeSpan Interval)?> FindAsync(string id, string userKey, RedisTime redisTime, DateTimeOffset now)
    {
        if (await ReadAsync(id) is not { } record)
        {
            return null;
        }

        try
        {
            var head = RequestRecord.ReadHead(record, redisTime);
            return head.Status(now) == CibaRequestStatus.Pending && ReadWhole(id, head) is { } request && request.UserKey == userKey ? (request, head.Interval) : null;
        }
        catch (Exception exception) when (exception is CryptographicException or JsonException)
        {
            NotReadable(id[..10], exception);
            return null;
        }
    }

    private RedisKey PresentKey(string userKey) => keys.Present(CibaRequestId.Shard(userKey), RequestRecord.Digest(userKey));
}
