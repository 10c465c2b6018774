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

    private static readonly string[] TextMembers = ["kty", "use", "alg", "kid", "crv", "x", "y", "n", "e"];

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

    /// <summary>RFC 7517 section 4.3, <c>key_ops</c>. Only ever read.</summary>
    [JsonIgnore]
    public IReadOnlyList<string>? Operations { get; init; }

    /// <summary>RFC 7517 section 4.7, <c>x5c</c>; of any shape, because most who read keys have no use for it. Only ever read.</summary>
    [JsonIgnore]
    public JsonElement? Certificates { get; init; }

    /// <summary>RFC 7517 sections 4.2 and 4.3: whether the key is there to check signatures.</summary>
    [JsonIgnore]
    public bool IsForSignatures => Use is null or "sig" && Operations?.Contains("verify") is not false;

    /// <summary>
    /// Reads a JWK that somebody sent. Null where it is not one: RFC 7517 section 5 has a key ignored that a reader cannot make out.
    /// A member that is null is absent.
    /// </summary>
    public static PublicKey? Read(JsonElement jwk)
    {
        if (jwk.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        try
        {
            return TextMembers.All(name => Member(jwk, name) is not { } member || Jwt.Text(member) is not null) && TryReadOperations(jwk, out var operations)
                ? new PublicKey
                {
                    KeyType = Jwt.Text(jwk, "kty"),
                    Use = Jwt.Text(jwk, "use"),
                    Operations = operations,
                    Algorithm = Jwt.Text(jwk, "alg"),
                    KeyId = Jwt.Text(jwk, "kid"),
                    Curve = Jwt.Text(jwk, "crv"),
                    X = Jwt.Text(jwk, "x"),
                    Y = Jwt.Text(jwk, "y"),
                    Modulus = Jwt.Text(jwk, "n"),
                    Exponent = Jwt.Text(jwk, "e"),
                    Certificates = Member(jwk, "x5c"),
                }
                : null;
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair in the name of a member.
            return null;
        }
    }

    /// <summary>Returns whether the key is there to check signatures by this algorithm (RFC 7517 sections 4.2 to 4.4).</summary>
    public bool IsFor(string algorithm) => IsForSignatures && (Algorithm is null || Algorithm == algorithm);

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
                "RSA" when Modulus is not null && Exponent is not null && JoseAlgorithms.AreRsaNumbers(Number(Modulus), Number(Exponent)) =>
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

    private static JsonElement? Member(JsonElement jwk, string name) =>
        jwk.TryGetProperty(name, out var member) && member.ValueKind != JsonValueKind.Null ? member : null;

    private static bool TryReadOperations(JsonElement jwk, out IReadOnlyList<string>? operations)
    {
        operations = null;
        if (Member(jwk, "key_ops") is not { } member)
        {
            return true;
        }

        if (member.ValueKind != JsonValueKind.Array)
        {
            return false;
        }

        operations = [.. member.EnumerateArray().Select(Jwt.Text).OfType<string>()];
        return operations.Count == member.GetArrayLength();
    }

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
