using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.IdentityModel.Tokens;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Jose;

/// <summary>RFC 7517 section 5: a JWK Set, as it is published and as clients register it.</summary>
internal sealed record PublicKeySet([property: JsonPropertyName("keys")] IReadOnlyList<PublicKey>? Keys);

/// <summary>RFC 7517 section 4, RFC 7518 section 6: the public half of an EC or RSA key.</summary>
internal sealed record PublicKey
{
    private static readonly Dictionary<string, ECCurve> Curves = new()
    {
        ["P-256"] = ECCurve.NamedCurves.nistP256,
        ["P-384"] = ECCurve.NamedCurves.nistP384,
        ["P-521"] = ECCurve.NamedCurves.nistP521,
    };

    [JsonPropertyName("kty")]
    public string? KeyType { get; init; }

    [JsonPropertyName("use")]
    public string? Use { get; init; }

    [JsonPropertyName("alg")]
    public string? Algorithm { get; init; }

    [JsonPropertyName("kid")]
    public string? KeyId { get; init; }

    [JsonPropertyName("crv")]
    public string? Curve { get; init; }

    [JsonPropertyName("x")]
    public string? X { get; init; }

    [JsonPropertyName("y")]
    public string? Y { get; init; }

    [JsonPropertyName("n")]
    public string? Modulus { get; init; }

    [JsonPropertyName("e")]
    public string? Exponent { get; init; }

    /// <summary>RFC 7517 section 4.7; of any shape, because most who read keys have no use for it.</summary>
    [JsonPropertyName("x5c")]
    public JsonElement? Certificates { get; init; }

    /// <summary>Only ever read, to tell a client that it has given its private key away.</summary>
    [JsonPropertyName("d")]
    public string? Private { get; init; }

    public static PublicKey From(SecurityKey key, string algorithm)
    {
        if (JoseAlgorithms.Ecdsa(key) is { } ecdsa)
        {
            var point = ecdsa.ExportParameters(includePrivateParameters: false);
            return Identified(key, new PublicKey
            {
                KeyType = "EC",
                Use = "sig",
                Algorithm = algorithm,
                Curve = $"P-{ecdsa.KeySize}",
                X = Base64Url.EncodeToString(point.Q.X),
                Y = Base64Url.EncodeToString(point.Q.Y),
            });
        }

        if (JoseAlgorithms.RsaNumbers(key) is { } number)
        {
            return Identified(key, new PublicKey
            {
                KeyType = "RSA",
                Use = "sig",
                Algorithm = algorithm,
                Modulus = Base64Url.EncodeToString(number.Modulus),
                Exponent = Base64Url.EncodeToString(number.Exponent),
            });
        }

        throw new NotSupportedException($"A signing key is an EC or an RSA key, not a {key.GetType().Name}.");
    }

    /// <summary>The key, or null where it is of no kind that is used here or not well-formed.</summary>
    public SecurityKey? ToSecurityKey()
    {
        try
        {
            return KeyType switch
            {
                "EC" when Curve is not null && X is not null && Y is not null && Curves.TryGetValue(Curve, out var curve) =>
                    new ECDsaSecurityKey(ECDsa.Create(new ECParameters { Curve = curve, Q = new() { X = Number(X), Y = Number(Y) } })) { KeyId = KeyId },
                "RSA" when Modulus is not null && Exponent is not null =>
                    new RsaSecurityKey(RSA.Create(new RSAParameters { Modulus = Number(Modulus), Exponent = Number(Exponent) })) { KeyId = KeyId },
                _ => null,
            };
        }
        catch (Exception exception) when (exception is CryptographicException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    // An RSA number without bytes makes the framework throw an IndexOutOfRangeException.
    private static byte[] Number(string text) => Base64Url.DecodeFromChars(text) is { Length: > 0 } number ? number : throw new FormatException();

    private static PublicKey Identified(SecurityKey key, PublicKey publicKey) =>
        publicKey with { KeyId = string.IsNullOrEmpty(key.KeyId) ? publicKey.Thumbprint() : key.KeyId };

    /// <summary>RFC 7638: the hash of the required members in the order of their names.</summary>
    public string Thumbprint()
    {
        var required = KeyType == "EC"
            ? $$"""{"crv":"{{Curve}}","kty":"EC","x":"{{X}}","y":"{{Y}}"}"""
            : $$"""{"e":"{{Exponent}}","kty":"RSA","n":"{{Modulus}}"}""";
        return Base64Url.EncodeToString(SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(required)));
    }
}
