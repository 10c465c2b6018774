using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>
/// The names of the keys: digests only. All that one step touches has the hash tag of the user's shard, so that it lies on
/// one node of a cluster.
/// </summary>
internal sealed class RedisKeys
{
    public const int Shards = 64;

    /// <summary>The first character of the handles in each shard.</summary>
    public const string ShardNames = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    private readonly string[] _shards;
    private readonly string _prefix;

    public RedisKeys(string prefix)
    {
        _prefix = prefix;
        _shards = [.. Enumerable.Range(0, Shards).Select(shard => string.Create(CultureInfo.InvariantCulture, $"{{{prefix}:{shard:00}}}:"))];
    }

    /// <summary>A handle without its shard: what the record's key and the user's index have of it.</summary>
    public static string Digest(string id) => id[1..];

    public RedisKey Request(string id) => string.Concat(_shards[CibaRequestId.ShardNumber(id[0])], "r:", id.AsSpan(1));

    /// <summary>The tokens of a push that is not ended.</summary>
    public RedisKey PushTokens(string id) => string.Concat(_shards[CibaRequestId.ShardNumber(id[0])], "t:", id.AsSpan(1));

    /// <summary>The pending requests of a user, in the shard that a request names.</summary>
    public RedisKey Pending(char shard, byte[] user) => string.Concat(_shards[CibaRequestId.ShardNumber(shard)], "u:", Base64Url.EncodeToString(user));

    /// <summary>What is still to be done for the requests of a shard, by when it is due.</summary>
    public RedisKey Outbox(char shard) => _shards[CibaRequestId.ShardNumber(shard)] + "o";

    /// <summary>The pending requests of all users of a shard.</summary>
    public RedisKey PendingOfShard(char shard) => _shards[CibaRequestId.ShardNumber(shard)] + "p";

    /// <summary>The places of a client that all shards share.</summary>
    public RedisKey Places(byte[] client) => $"{_prefix}:k:{Base64Url.EncodeToString(client)}";

    /// <summary>How often a user was notified in the last while.</summary>
    public RedisKey Notifications(char shard, byte[] user) => string.Concat(_shards[CibaRequestId.ShardNumber(shard)], "n:", Base64Url.EncodeToString(user));

    /// <summary>Until when a client is to leave a user alone.</summary>
    public RedisKey Quiet(char shard, byte[] user, byte[] client) =>
        string.Concat(_shards[CibaRequestId.ShardNumber(shard)], "q:", Base64Url.EncodeToString(user), Base64Url.EncodeToString(client));

    /// <summary>Until when a device of a user listens.</summary>
    public RedisKey Present(char shard, byte[] user) => string.Concat(_shards[CibaRequestId.ShardNumber(shard)], "l:", Base64Url.EncodeToString(user));

    public RedisKey UsedJwt(string key) => $"{_prefix}:j:{Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(key)))}";

    public RedisKey WrongCodes(string subject) => $"{_prefix}:c:{Base64Url.EncodeToString(RequestRecord.Digest(subject))}";

    /// <summary>The nodes that work under this prefix.</summary>
    public RedisKey Nodes => $"{_prefix}:nodes";

    /// <summary>The channel on which the handles of decided requests are called out, and the users for whom something changed.</summary>
    public RedisChannel Changes => new($"{_prefix}:changed", RedisChannel.PatternMode.Literal);
}
