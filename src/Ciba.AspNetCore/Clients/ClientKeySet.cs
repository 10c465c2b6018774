using System.Text.Json;
using Ciba.AspNetCore.Jose;

namespace Ciba.AspNetCore.Clients;

/// <summary>The keys of one client, each ready for every algorithm that it fits.</summary>
internal sealed class ClientKeySet
{
    public const string NoKey = "holds no key that can check a signature (EC P-256, P-384, P-521, or RSA of 2048 to 8192 bits)";

    /// <summary>How many keys are tried for one signature: anybody may send junk, which costs a check for each.</summary>
    public const int MaxTried = 4;

    /// <summary>What a client has that publishes no usable key.</summary>
    public static readonly ClientKeySet Empty = new([]);

    private readonly IReadOnlyList<SignatureKey> _keys;

    private readonly IReadOnlyList<byte[]> _certificates;

    private readonly int _maxTried;

    /// <summary>Creates a set of keys that are all tried, such as secrets, with which a check costs next to nothing.</summary>
    public ClientKeySet(IReadOnlyList<SignatureKey> keys)
        : this(keys, [], int.MaxValue)
    {
    }

    private ClientKeySet(IReadOnlyList<SignatureKey> keys, IReadOnlyList<byte[]> certificates, int maxTried) =>
        (_keys, _certificates, _maxTried) = (keys, certificates, maxTried);

    /// <summary>How many keys the JWK Set has, usable or not.</summary>
    public int Count { get; private init; }

    /// <summary>Whether any key can check a signature.</summary>
    public bool HasKeys => _keys.Count > 0;

    public bool HasCertificates => _certificates.Count > 0;

    public bool HasCertificate(ReadOnlySpan<byte> encoded)
    {
        foreach (var certificate in _certificates)
        {
            if (encoded.SequenceEqual(certificate))
            {
                return true;
            }
        }

        return false;
    }

    public bool Has(string algorithm) => _keys.Any(key => key.Algorithm == algorithm);

    /// <summary>Returns whether there is a key to check the JWT with.</summary>
    public bool HasKeyFor(Jwt jwt) => Find(jwt.Algorithm!, jwt.KeyId).Any();

    /// <summary>Returns whether one of the keys has signed the JWT, by the algorithm that it names.</summary>
    public bool Verifies(Jwt jwt) => Find(jwt.Algorithm!, jwt.KeyId).Take(_maxTried).Any(key => key.Verifies(jwt));

    /// <summary>Reads a JWK Set; <paramref name="problem"/> says what is wrong with it, without a word of its content.</summary>
    public static ClientKeySet? Read(ReadOnlySpan<byte> utf8, int maxKeys, out string? problem)
    {
        var jwks = Parse(utf8);
        problem = jwks switch
        {
            null => "is no JWK Set: an object with an array 'keys' is expected",
            { Count: var count } when count > maxKeys => $"holds more than {maxKeys} keys",
            _ when jwks.Any(IsPrivate) => "holds a private key: take the 'd' members out, and that key out of use",
            _ => null,
        };
        if (problem is not null)
        {
            return null;
        }

        // RFC 7517 section 5: a key that cannot be used takes nothing from the others.
        var published = jwks!.Select(PublicKey.Read).OfType<PublicKey>().ToList();
        var keys = published.SelectMany(Usable).ToList();
        var certificates = published.Select(RegisteredCertificates.Of).OfType<byte[]>().ToList();
        problem = keys.Count + certificates.Count == 0 ? NoKey : null;
        return problem is null ? new ClientKeySet(keys, certificates, MaxTried) { Count = jwks!.Count } : null;
    }

    // A key without kid may be meant by any. Those that are named come first.
    private IEnumerable<SignatureKey> Find(string algorithm, string? keyId) => _keys
        .Where(key => key.Algorithm == algorithm && (keyId is null || key.KeyId is null || key.KeyId == keyId))
        .OrderBy(key => keyId is not null && key.KeyId is null);

    private static List<JsonElement>? Parse(ReadOnlySpan<byte> utf8)
    {
        try
        {
            var byteOrderMark = "\uFEFF"u8;
            var set = JsonElement.Parse(utf8.StartsWith(byteOrderMark) ? utf8[byteOrderMark.Length..] : utf8);
            return set.ValueKind == JsonValueKind.Object && set.TryGetProperty("keys", out var keys) && keys.ValueKind == JsonValueKind.Array ? [.. keys.EnumerateArray()] : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static bool IsPrivate(JsonElement jwk)
    {
        try
        {
            return jwk.ValueKind == JsonValueKind.Object && jwk.TryGetProperty("d", out var number) && number.ValueKind != JsonValueKind.Null;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static IEnumerable<SignatureKey> Usable(PublicKey published) =>
        published.IsForSignatures && published.ToSecurityKey() is { } key
            ? JoseAlgorithms.Asymmetric
                .Where(published.IsFor)
                .Where(algorithm => JoseAlgorithms.WhyNot(algorithm, key) is null)
                .Select(algorithm => SignatureKey.ForVerifying(key, algorithm))
            : [];
}
