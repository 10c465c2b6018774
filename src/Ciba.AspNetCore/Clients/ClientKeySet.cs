using System.Text.Json;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Jose;

namespace Ciba.AspNetCore.Clients;

/// <summary>The keys of one client, each ready for every algorithm that it fits.</summary>
internal sealed class ClientKeySet
{
    public const string NoKey = "holds no key that can check a signature (EC P-256, P-384, P-521, or RSA of 2048 to 8192 bits)";

    private const int MaxKeys = 32;

    private readonly IReadOnlyList<SignatureKey> _keys;

    private readonly IReadOnlyList<byte[]> _certificates;

    public ClientKeySet(IReadOnlyList<SignatureKey> keys, IReadOnlyList<byte[]>? certificates = null) => (_keys, _certificates) = (keys, certificates ?? []);

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

    /// <summary>The keys that a JWT with this header may be signed with; a key without <c>kid</c> may be meant by any.</summary>
    public IEnumerable<SignatureKey> Find(string algorithm, string? keyId) => _keys.Where(key =>
        key.Algorithm == algorithm && (keyId is null || key.KeyId is null || key.KeyId == keyId));

    /// <summary>Whether one of the keys has signed the JWT, by the algorithm that it names.</summary>
    public bool Verifies(Jwt jwt) => Find(jwt.Algorithm!, jwt.KeyId).Any(key => key.Verifies(jwt));

    /// <summary>Reads a JWK Set; <paramref name="problem"/> says what is wrong with it, without a word of its content.</summary>
    public static ClientKeySet? Read(ReadOnlySpan<byte> utf8, out string? problem)
    {
        IReadOnlyList<PublicKey>? published;
        try
        {
            published = JsonSerializer.Deserialize(utf8, WireJson.Default.PublicKeySet)?.Keys;
        }
        catch (JsonException)
        {
            published = null;
        }

        problem = published switch
        {
            null => "is no JWK Set: an object with an array 'keys' is expected",
            { Count: > MaxKeys } => $"holds more than {MaxKeys} keys",
            _ when published.Any(key => key?.Private is not null) => "holds a private key: take the 'd' members out, and that key out of use",
            _ => null,
        };
        if (problem is not null)
        {
            return null;
        }

        var keys = published!.SelectMany(Usable).ToList();
        var certificates = published!.OfType<PublicKey>().Select(RegisteredCertificates.Of).OfType<byte[]>().ToList();
        problem = keys.Count + certificates.Count == 0 ? NoKey : null;
        return problem is null ? new ClientKeySet(keys, certificates) : null;
    }

    private static IEnumerable<SignatureKey> Usable(PublicKey published) =>
        published is { Use: null or "sig" } && published.ToSecurityKey() is { } key
            ? JoseAlgorithms.Asymmetric
                .Where(algorithm => published.Algorithm is null || published.Algorithm == algorithm)
                .Where(algorithm => JoseAlgorithms.WhyNot(algorithm, key) is null)
                .Select(algorithm => SignatureKey.ForVerifying(key, algorithm))
            : [];
}
