using System.Security.Cryptography;
using System.Text.Json;
using StackExchange.Redis;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>The devices that listen for news of a user's requests, and the request that waits already.</summary>
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

    /// <summary>A request that waits, with what a callback needs and its interval; null where it does not wait or cannot be read.</summary>
    private async ValueTask<(CibaRequest Request, TimeSpan Interval)?> FindAsync(string id, string userKey, DateTimeOffset now)
    {
        if (await ReadAsync(id) is not { } record)
        {
            return null;
        }

        try
        {
            var head = RequestRecord.ReadHead(record);
            return head.Status(now) == CibaRequestStatus.Pending && ReadWhole(id, head) is { } request && request.UserKey == userKey ? (request, head.Interval) : null;
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
