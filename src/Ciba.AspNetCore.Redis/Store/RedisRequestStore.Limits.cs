using System.Security.Cryptography;
using Ciba.AspNetCore.Redis.Connection;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>What is counted beyond the step that adds a request: notifications of pending requests, and a client's requests in all shards.</summary>
internal sealed partial class RedisRequestStore
{
    // From here on half of what a client may have is shared out to the shards, which grant it without a look elsewhere. So it takes a
    // client that has much to cost more than one round trip.
    private const int LeastWithShares = 2048;

    public async ValueTask<CibaNotificationResult> CountNotificationAsync(CibaRequest request, CibaNotificationLimits limits, bool byClient, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var shard = request.Id[0];
        var redisTime = await clock.OfAsync(shard);
        var (user, client) = (RequestRecord.Digest(request.UserKey), RequestRecord.Digest(request.ClientKey));
        RedisValue group = byClient && request.LimitGroup is { } named ? RequestRecord.Group(named) : "";
        var name = NewNotification();
        RedisValue[] values =
        [
            client,
            group,
            request.IsConcealed ? 1 : 0,
            redisTime.Ticks(now),
            limits.PerUser,
            limits.PerUserAndClient,
            redisTime.Ticks(now + limits.Window),
            LifeOf(limits),
            name,
            redisTime.Ticks(now - ForgottenAfter),
        ];

        // Who gets no answer notifies nobody.
        var counted = (RedisResult[])(await redis.RunOrTakeBackAsync(
            RedisScript.Notify, [keys.Notifications(shard, user), keys.Quiet(shard, user, client)], values, RedisScript.TakeBackNotification, [client, group, name]))!;
        var status = (CibaNotificationStatus)(int)counted[0];
        return new()
        {
            Status = status,
            RetryAfter = status is CibaNotificationStatus.LimitReached or CibaNotificationStatus.Cooldown ? redisTime.Instant((long)counted[1]) - now : TimeSpan.Zero,
        };
    }

    /// <summary>How many requests a shard grants a client.</summary>
    private static int ShareOf(int limit) => limit < LeastWithShares ? 0 : limit / (2 * RedisKeys.Shards);

    /// <summary>
    /// Takes a place for a request that was added, of those that all shards share. Where there is none, the request is taken back; the
    /// answer is when there is one.
    /// </summary>
    private async ValueTask<DateTimeOffset?> RoomOfClientAtAsync(CibaRequest request, int limit, byte[] client, RedisKey[] touched, RedisValue[] takenBack)
    {
        var redisTime = await clock.SharedAsync();
        RedisValue[] values =
        [
            PlaceOf(request.Id),
            redisTime.Ticks(request.CreatedAt),
            redisTime.Ticks(request.ExpiresAt),
            limit - (RedisKeys.Shards * ShareOf(limit)),
            (long)Math.Ceiling((request.RetainedUntil - request.CreatedAt).TotalMilliseconds),
        ];
        try
        {
            var room = (long)await redis.RunOrTakeBackAsync(RedisScript.Reserve, [keys.Places(client)], values, RedisScript.Free, [PlaceOf(request.Id)]);
            if (room == 0)
            {
                return null;
            }

            await redis.RunOrTakeBackAsync(RedisScript.Remove, touched, takenBack, RedisScript.Remove, takenBack);
            return redisTime.Instant(room);
        }
        catch (CibaStoreUnavailableException)
        {
            redis.RunLater(RedisScript.Remove, touched, takenBack);
            throw;
        }
    }

    /// <summary>Gives a place back that all shards share. One that cannot be given back is free when its request expires.</summary>
    private async ValueTask FreeAsync(byte[] client, string id)
    {
        if (client.Length == 0)
        {
            return;
        }

        try
        {
            await redis.RunAsync(RedisScript.Free, [keys.Places(client)], [PlaceOf(id)]);
        }
        catch (CibaStoreUnavailableException exception)
        {
            PlaceNotFreed(id[..10], exception.Message);
        }
    }

    private static RedisValue PlaceOf(string id) => RedisKeys.Digest(id)[..16];

    private static long LifeOf(CibaNotificationLimits limits) => (long)Math.Ceiling((limits.Window + ForgottenAfter).TotalMilliseconds);

    // So that what is taken back is this one and no other.
    private static byte[] NewNotification() => RandomNumberGenerator.GetBytes(8);

    [LoggerMessage(3, LogLevel.Warning, "The place of request {Request} among those of its client stays taken until it expires: {Reason}")]
    private partial void PlaceNotFreed(string request, string reason);
}
