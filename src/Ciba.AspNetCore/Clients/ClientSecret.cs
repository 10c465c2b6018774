using System.Buffers;
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;

namespace Ciba.AspNetCore.Clients;

/// <summary>
/// Client secrets as their SHA-256. A fast hash is right for secrets of a machine's making, which nobody can guess.
/// </summary>
internal static class ClientSecret
{
    private const string Prefix = "sha256:";

    // As other systems write hashes of secrets: a name and a colon, or the modular crypt format.
    private static readonly FrozenSet<string> HashNames = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "md5", "sha", "sha1", "sha-1", "sha224", "sha-224", "sha256", "sha-256", "sha384", "sha-384", "sha512", "sha-512", "sha3-256", "sha3-384", "sha3-512",
        "pbkdf2", "bcrypt", "scrypt", "argon2", "argon2i", "argon2d", "argon2id");

    private static readonly string[] CryptFormats = ["$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$argon2", "$pbkdf2", "$scrypt$", "$y$"];

    private const int MinBits = 128;

    // Fewer kinds of characters than that are no accident.
    private const int MinDistinct = 6;

    private static readonly SearchValues<char> Base64Symbols = SearchValues.Create("-_+/=");

    private static readonly SearchValues<char> Hexadecimal = SearchValues.Create("0123456789abcdefABCDEF");

    public static string Hash(string secret) => Prefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    /// <summary>Whether the registered text is a hash, from which the secret cannot be had back.</summary>
    public static bool IsHash(string registered) =>
        registered.Length == Prefix.Length + (2 * SHA256.HashSizeInBytes)
        && registered.StartsWith(Prefix, StringComparison.Ordinal)
        && !registered.AsSpan(Prefix.Length).ContainsAnyExcept(Hexadecimal);

    /// <summary>Whether the registered text is meant as a hash and is not one that can be compared with: taken for the secret itself, the hash would open.</summary>
    public static bool IsBrokenHash(string registered)
    {
        var text = registered.Trim();
        var colon = text.IndexOf(':');
        return !IsHash(registered)
            && ((colon > 0 && HashNames.Contains(text[..colon].TrimEnd()))
                || CryptFormats.Any(format => text.StartsWith(format, StringComparison.Ordinal)));
    }

    /// <summary>
    /// Whether the secret has less than 128 bits (RFC 6749 section 10.10), by its length and the kinds of its characters, as if they were
    /// random. A hash tells nothing.
    /// </summary>
    public static bool IsWeak(string registered) => !IsHash(registered) && registered.Length * Math.Log2(AlphabetOf(registered)) < MinBits;

    private static int AlphabetOf(string secret)
    {
        var distinct = secret.Distinct().Count();
        if (distinct < MinDistinct)
        {
            return Math.Max(1, distinct);
        }

        if (!secret.AsSpan().ContainsAnyExcept(Hexadecimal))
        {
            return secret.All(char.IsAsciiDigit) ? 10 : 16;
        }

        return (secret.Any(char.IsAsciiDigit) ? 10 : 0)
            + (secret.Any(char.IsAsciiLetterLower) ? 26 : 0)
            + (secret.Any(char.IsAsciiLetterUpper) ? 26 : 0)
            + (secret.AsSpan().ContainsAny(Base64Symbols) ? 2 : 0)
            + (secret.Any(c => !char.IsAsciiLetterOrDigit(c) && !Base64Symbols.Contains(c)) ? 31 : 0);
    }

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
