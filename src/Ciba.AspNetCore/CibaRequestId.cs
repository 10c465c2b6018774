using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore;

/// <summary>
/// How a request's handle (<see cref="CibaRequest.Id"/>) follows from its <c>auth_req_id</c>: the shard of the user, and a
/// digest. The way back does not exist. Under a <see cref="CibaOptions.ConcealmentKey"/> the digest is keyed, and the
/// <c>auth_req_id</c> shows the shard to nobody without the key.
/// </summary>
public static class CibaRequestId
{
    /// <summary>Every shard: the characters of base64url.</summary>
    internal const string Shards = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    private const int RandomBytes = 32;
    private const int Length = 1 + 43;

    private static readonly SearchValues<char> Characters = SearchValues.Create(Shards);

    /// <summary>The handle of an <c>auth_req_id</c>, or null where the text cannot be one.</summary>
    /// <param name="authReqId">The text that the client sent.</param>
    /// <param name="concealmentKey">The <see cref="CibaOptions.ConcealmentKey"/> where there is one.</param>
    public static string? FromAuthReqId(string? authReqId, string? concealmentKey = null) =>
        FromAuthReqId(authReqId, concealmentKey is null ? null : Encoding.UTF8.GetBytes(concealmentKey));

    /// <summary>The shard of a user (see <see cref="CibaRequest.UserKey"/>), one of 64 characters: all of a user's requests are in one place.</summary>
    public static char Shard(string userKey)
    {
        ArgumentNullException.ThrowIfNull(userKey);
        return Shards[SHA256.HashData(Encoding.UTF8.GetBytes(userKey))[0] & 63];
    }

    /// <summary>
    /// Whether a text can be a handle at all: a store gets texts of anybody's choice from the device's endpoints.
    /// </summary>
    public static bool IsId([NotNullWhen(true)] string? id) => id is { Length: Length } && !id.AsSpan().ContainsAnyExcept(Characters);

    /// <summary>The number of a shard, 0 to 63; 0 for what is no shard.</summary>
    public static int ShardNumber(char shard) => shard switch
    {
        >= 'A' and <= 'Z' => shard - 'A',
        >= 'a' and <= 'z' => shard - 'a' + 26,
        >= '0' and <= '9' => shard - '0' + 52,
        '-' => 62,
        '_' => 63,
        _ => 0,
    };

    internal static string? FromAuthReqId(string? authReqId, byte[]? key)
    {
        // A handle and an auth_req_id look alike.
        if (!IsId(authReqId))
        {
            return null;
        }

        Span<byte> ascii = stackalloc byte[Length];
        Encoding.ASCII.GetBytes(authReqId, ascii);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        if (key is null)
        {
            SHA256.HashData(ascii, digest);
            return WithShard(authReqId[0], digest);
        }

        HMACSHA256.HashData(key, ascii[1..], digest);
        return WithShard(Masked(authReqId[0], digest), digest);
    }

    /// <summary>Section 7.3, section 14: a new <c>auth_req_id</c> with 256 bits of chance in it.</summary>
    internal static string NewAuthReqId(string userKey, byte[]? key = null)
    {
        Span<byte> random = stackalloc byte[RandomBytes];
        RandomNumberGenerator.Fill(random);
        var shard = Shard(userKey);
        if (key is null)
        {
            return WithShard(shard, random);
        }

        Span<byte> ascii = stackalloc byte[Length - 1];
        Base64Url.EncodeToUtf8(random, ascii);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, ascii, digest);
        return WithShard(Masked(shard, digest), random);
    }

    private static char Masked(char shard, ReadOnlySpan<byte> digest) => Shards[ShardNumber(shard) ^ (digest[^1] & 63)];

    private static string WithShard(char shard, ReadOnlySpan<byte> bytes)
    {
        Span<char> text = stackalloc char[Length];
        text[0] = shard;
        Base64Url.EncodeToChars(bytes, text[1..]);
        return new string(text);
    }
}
