using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore;

/// <summary>
/// How a request's handle (<see cref="CibaRequest.Id"/>) follows from its <c>auth_req_id</c>: both begin with the shard of
/// the user, and the handle goes on with the SHA-256 of the whole <c>auth_req_id</c>. The way back does not exist.
/// </summary>
public static class CibaRequestId
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    private const int RandomBytes = 32;
    private const int Length = 1 + 43;

    private static readonly SearchValues<char> Characters = SearchValues.Create(Alphabet);

    /// <summary>The handle of an <c>auth_req_id</c>, or null where the text cannot be one.</summary>
    public static string? FromAuthReqId(string? authReqId)
    {
        if (authReqId is not { Length: Length } || authReqId.AsSpan().ContainsAnyExcept(Characters))
        {
            return null;
        }

        Span<byte> ascii = stackalloc byte[Length];
        Encoding.ASCII.GetBytes(authReqId, ascii);
        return WithShard(authReqId[0], SHA256.HashData(ascii));
    }

    /// <summary>The shard of a user, one of 64 characters: all of a user's requests are in one place.</summary>
    public static char Shard(string subject)
    {
        ArgumentNullException.ThrowIfNull(subject);
        return Alphabet[SHA256.HashData(Encoding.UTF8.GetBytes(subject))[0] & 63];
    }

    /// <summary>The number of a shard, 0 to 63; 0 for what is no shard.</summary>
    internal static int ShardNumber(char shard) => shard switch
    {
        >= 'A' and <= 'Z' => shard - 'A',
        >= 'a' and <= 'z' => shard - 'a' + 26,
        >= '0' and <= '9' => shard - '0' + 52,
        '-' => 62,
        '_' => 63,
        _ => 0,
    };

    /// <summary>Section 7.3, section 14: a new <c>auth_req_id</c> with 256 bits of chance in it.</summary>
    internal static string NewAuthReqId(string subject)
    {
        Span<byte> random = stackalloc byte[RandomBytes];
        RandomNumberGenerator.Fill(random);
        return WithShard(Shard(subject), random);
    }

    private static string WithShard(char shard, ReadOnlySpan<byte> bytes)
    {
        Span<char> text = stackalloc char[Length];
        text[0] = shard;
        Base64Url.EncodeToChars(bytes, text[1..]);
        return new string(text);
    }
}
