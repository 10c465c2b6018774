using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Ciba.AspNetCore.Clients;

/// <summary>
/// Client secrets as their SHA-256. A fast hash is right for secrets of a machine's making, which nobody can guess.
/// </summary>
internal static class ClientSecret
{
    private const string Prefix = "sha256:";

    private static readonly SearchValues<char> Hexadecimal = SearchValues.Create("0123456789abcdefABCDEF");

    public static string Hash(string secret) => Prefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    /// <summary>Whether the registered text is a hash, from which the secret cannot be had back.</summary>
    public static bool IsHash(string registered) =>
        registered.Length == Prefix.Length + (2 * SHA256.HashSizeInBytes)
        && registered.StartsWith(Prefix, StringComparison.Ordinal)
        && !registered.AsSpan(Prefix.Length).ContainsAnyExcept(Hexadecimal);

    public static byte[] Digest(string registered) => IsHash(registered)
        ? Convert.FromHexString(registered.AsSpan(Prefix.Length))
        : SHA256.HashData(Encoding.UTF8.GetBytes(registered));

    /// <summary>Compares with every digest, so that the time taken does not tell which one fits.</summary>
    public static bool Matches(string presented, byte[][] digests)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        var length = Encoding.UTF8.GetByteCount(presented);
        Span<byte> utf8 = length <= 512 ? stackalloc byte[length] : new byte[length];
        Encoding.UTF8.GetBytes(presented, utf8);
        SHA256.HashData(utf8, digest);

        var matches = false;
        foreach (var candidate in digests)
        {
            matches |= CryptographicOperations.FixedTimeEquals(digest, candidate);
        }

        return matches;
    }
}
