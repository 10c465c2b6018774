using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;
using StackExchange.Redis;

namespace Quickstart;

/// <summary>
/// The signing keys of all Quickstarts behind one Redis: the first that starts makes them. For trying things out; a real
/// provider has its keys in a vault.
/// </summary>
public static class SharedKeys
{
    private static readonly TimeSpan Life = TimeSpan.FromDays(365);
    private static readonly string[] Algorithms = ["ES256", "PS256", "RS256"];

    /// <summary>The Redis that the nodes share, or null where it is not there: without it there are no keys to start with.</summary>
    public static ConnectionMultiplexer? TryConnect(string redis)
    {
        try
        {
            return ConnectionMultiplexer.Connect(redis);
        }
        catch (RedisConnectionException)
        {
            var where = string.Join(", ", redis.Split(',').Where(part => !part.Contains('=')));
            Console.Error.WriteLine($"Ciba:Redis: no Redis can be reached at {where}. Start it, correct the setting, or leave it out to keep the requests in memory.");
            return null;
        }
    }

    public static SigningCredentials[] Get(IConnectionMultiplexer redis, string keyPrefix)
    {
        var database = redis.GetDatabase();
        var key = $"{keyPrefix}:quickstart:signing-keys";
        database.StringSet(key, string.Join(' ', Algorithms.Select(Make)), Life, When.NotExists);
        string keys = database.StringGet(key)!;
        return [.. Algorithms.Zip(keys.Split(' '), Read)];
    }

    private static string Make(string algorithm)
    {
        using AsymmetricAlgorithm key = algorithm == "ES256" ? ECDsa.Create(ECCurve.NamedCurves.nistP256) : RSA.Create(2048);
        return Convert.ToBase64String(key.ExportPkcs8PrivateKey());
    }

    private static SigningCredentials Read(string algorithm, string pkcs8)
    {
        AsymmetricAlgorithm pair = algorithm == "ES256" ? ECDsa.Create() : RSA.Create();
        pair.ImportPkcs8PrivateKey(Convert.FromBase64String(pkcs8), out _);
        SecurityKey key = pair is ECDsa ec ? new ECDsaSecurityKey(ec) : new RsaSecurityKey((RSA)pair);
        key.KeyId = Base64UrlEncoder.Encode(SHA256.HashData(pair.ExportSubjectPublicKeyInfo())[..12]);
        return new SigningCredentials(key, algorithm);
    }
}
