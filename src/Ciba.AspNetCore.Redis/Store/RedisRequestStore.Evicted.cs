using Ciba.AspNetCore.Redis.Connection;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>What a Redis has done that evicts keys before their time is put right where it is noticed.</summary>
internal sealed partial class RedisRequestStore
{
    /// <summary>Whether the limit of a user was reached by requests that are there no longer.</summary>
    private async ValueTask<bool> ForgetEvictedAsync(char shard, byte[] user, long now)
    {
        var index = keys.Pending(shard, user);
        var members = await redis.ReadAsync((database, flags) => database.SortedSetRangeByScoreAsync(index, now, double.PositiveInfinity, Exclude.Start, flags: flags));
        return members.Length > 0 && await ForgetAsync(shard, index, members);
    }

    private async ValueTask<bool> ForgetAsync(char shard, RedisKey index, RedisValue[] members)
    {
        RedisKey[] touched = [index, keys.PendingOfShard(shard), .. members.Select(member => keys.Request(RequestRecord.HandleOf(shard, member!)))];
        return (int)await redis.RunAsync(RedisScript.Forget, touched, members) > 0;
    }

    /// <summary>Makes a request that waits visible to its user again.</summary>
    private async ValueTask RelistAsync(string id, long now)
    {
        try
        {
            var head = (byte[]?)await redis.ReadAsync((database, flags) => database.StringGetRangeAsync(keys.Request(id), 0, RequestRecord.UserEndsAt - 1, flags));
            if (head?.Length != RequestRecord.UserEndsAt)
            {
                return;
            }

            var user = RequestRecord.UserOf(head);
            if ((bool)await redis.RunAsync(RedisScript.Relist, [keys.Request(id), keys.Pending(id[0], user)], [RedisKeys.Digest(id), now]))
            {
                signals.CallOut(DecisionSignals.NameOf(id[0], user));
            }
        }
        catch (CibaStoreUnavailableException)
        {
            // The next poll makes up for it.
        }
    }
}
