using System.Security.Cryptography;
using System.Text.Json;
using StackExchange.Redis;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>The devices that listen for news of a user's requests, and what a client may do to its own.</summary>
internal sealed partial class RedisRequestStore
{
    public Task WaitForChangeAsync(string userKey, CancellationToken cancellationToken) =>
        signals.WaitAsync(NameOf(RequestRecord.Digest(userKey)), cancellationToken);

    public async ValueTask MarkPresentAsync(string userKey, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken)
    {
        // Tried again without harm where the answer is lost: a key that is simply set.
        await redis.ReadAsync((database, flags) => database.StringSetAsync(PresentKey(userKey), RedisTicks.Of(until), until - now, flags: flags));
    }

    public async ValueTask<bool> IsPresentAsync(string userKey, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var until = await redis.ReadAsync((database, flags) => database.StringGetAsync(PresentKey(userKey), flags));
        return !until.IsNull && (long)until > RedisTicks.Of(now);
    }

    public async ValueTask<CibaRequestState?> GetForClientAsync(string id, string clientKey, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (!CibaRequestId.IsId(id))
        {
            return null;
        }

        byte[]? record = await redis.ReadAsync((database, flags) => database.StringGetAsync(keys.Request(id), flags));
        return record is not null && TryRead(id, record, now) is { } found && found.Request.ClientKey == clientKey ? found : null;
    }

    /// <summary>A request that waits, with what a callback needs; null where it does not wait or cannot be read.</summary>
    private async ValueTask<CibaRequest?> FindAsync(string id, string userKey, DateTimeOffset now)
    {
        byte[]? record = await redis.ReadAsync((database, flags) => database.StringGetAsync(keys.Request(id), flags));
        try
        {
            return record is not null && TryRead(id, userKey, record, now) is { Status: CibaRequestStatus.Pending } ? ReadWhole(id, RequestRecord.ReadHead(record)) : null;
        }
        catch (Exception exception) when (exception is CryptographicException or JsonException)
        {
            NotReadable(id[..10], exception);
            return null;
        }
    }

    private RedisKey PresentKey(string userKey) => keys.Present(CibaRequestId.Shard(userKey), RequestRecord.Digest(userKey));

    /// <summary>The name under which the devices of a user wait.</summary>
    private static string NameOf(byte[] user) => Base64Url.EncodeToString(user);
}
