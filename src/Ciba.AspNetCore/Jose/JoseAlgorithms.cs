using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore.Jose;

/// <summary>
/// The signature algorithms of RFC 7518 that are in use here, and which keys may be used with them. IdentityModel 6 takes
/// short HMAC keys and 1024 bits of RSA, so sizes are checked here.
/// </summary>
internal static class JoseAlgorithms
{
    public static readonly string[] Symmetric = ["HS256", "HS384", "HS512"];

    public static readonly string[] Asymmetric =
        ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

    public const int MinRsaBits = 2048;
    public const int MaxRsaBits = 8192;

    // Longer ones, which nobody has, make a check expensive.
    private const int MaxRsaExponentBytes = 8;

    /// <summary>Null where the key may be used with the algorithm, else why not.</summary>
    public static string? WhyNot(string algorithm, SecurityKey key)
    {
        if (key is JsonWebKey)
        {
            return "a JsonWebKey is not taken: give an ECDsaSecurityKey, an RsaSecurityKey or an X509SecurityKey";
        }

        var bits = Bits(algorithm);
        switch (algorithm[..2])
        {
            case "HS":
                return key is SymmetricSecurityKey && key.KeySize >= bits ? null : $"{algorithm} needs a secret of {bits / 8} bytes at least (RFC 7518 section 3.2)";

            case "ES":
                var curve = bits == 512 ? 521 : bits;
                return Ecdsa(key) is { } ecdsa && ecdsa.KeySize == curve ? null : $"{algorithm} needs an EC key on the curve P-{curve}";

            default:
                return RsaBits(key) is >= MinRsaBits and <= MaxRsaBits ? null : $"{algorithm} needs an RSA key of {MinRsaBits} to {MaxRsaBits} bits";
        }
    }

    /// <summary>The same where the algorithm may be any text, and what is signed with a secret is not wanted.</summary>
    public static string? WhyNotAsymmetric(string algorithm, SecurityKey key) =>
        Asymmetric.Contains(algorithm) ? WhyNot(algorithm, key) : $"the algorithm '{algorithm}' is not one of {string.Join(", ", Asymmetric)}";

    public static ECDsa? Ecdsa(SecurityKey key) => key switch
    {
        ECDsaSecurityKey ec => ec.ECDsa,
        X509SecurityKey x509 => x509.PublicKey as ECDsa,
        _ => null,
    };

    public static RSA? Rsa(SecurityKey key) => key switch
    {
        RsaSecurityKey rsa => rsa.Rsa,
        X509SecurityKey x509 => x509.PublicKey as RSA,
        _ => null,
    };

    /// <summary>
    /// Returns whether an RSA key may have these numbers. Others are expensive to check with, or, with an exponent of 1, verify what
    /// anybody can make. <see cref="WhyNot"/> says whether the modulus is long enough.
    /// </summary>
    public static bool AreRsaNumbers(ReadOnlySpan<byte> modulus, ReadOnlySpan<byte> exponent)
    {
        exponent = exponent.TrimStart((byte)0);
        return modulus.TrimStart((byte)0).Length <= MaxRsaBits / 8
            && exponent.Length is > 0 and <= MaxRsaExponentBytes
            && (exponent[^1] & 1) == 1
            && exponent is not [1];
    }

    /// <summary>The modulus and the exponent; also of a key that was made from them, for which nobody has to make an RSA object then.</summary>
    public static RSAParameters? RsaNumbers(SecurityKey key) =>
        key is RsaSecurityKey { Rsa: null } made ? made.Parameters : Rsa(key)?.ExportParameters(includePrivateParameters: false);

    private static int? RsaBits(SecurityKey key) =>
        key is RsaSecurityKey { Rsa: null } made ? made.Parameters.Modulus?.Length * 8 : Rsa(key)?.KeySize;

    /// <summary>OpenID Connect Core section 3.1.3.6: the left half of the hash that goes with the signature's algorithm.</summary>
    public static byte[] LeftHalfOfHash(string algorithm, ReadOnlySpan<byte> ascii)
    {
        var hash = Bits(algorithm) switch
        {
            256 => SHA256.HashData(ascii),
            384 => SHA384.HashData(ascii),
            _ => SHA512.HashData(ascii),
        };
        return hash[..(hash.Length / 2)];
    }

    private static int Bits(string algorithm) => algorithm[2..] switch { "256" => 256, "384" => 384, _ => 512 };
}
