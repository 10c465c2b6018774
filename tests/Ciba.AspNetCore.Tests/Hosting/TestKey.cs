using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.Tokens;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A client's key pair: it signs, and tells its public half as a JWK. Holds numbers only, so that threads can share it.</summary>
public sealed class TestKey
{
    private static readonly Dictionary<string, Lazy<TestKey>> Shared = new()
    {
        ["RSA"] = new(() => Rsa("rsa")),
        ["256"] = new(() => Ec("ec-256")),
        ["384"] = new(() => Ec("ec-384", ECCurve.NamedCurves.nistP384)),
        ["512"] = new(() => Ec("ec-512", ECCurve.NamedCurves.nistP521)),
    };

    private RSAParameters? _rsa;
    private ECParameters? _ec;

    private TestKey(string keyId) => KeyId = keyId;

    public string KeyId { get; }

    /// <summary>A key that fits the algorithm, the same at every call.</summary>
    public static TestKey For(string algorithm) => Shared[algorithm.StartsWith('E') ? algorithm[2..] : "RSA"].Value;

    public static TestKey Rsa(string keyId, int bits = 2048)
    {
        using var rsa = RSA.Create(bits);
        return new TestKey(keyId) { _rsa = rsa.ExportParameters(true) };
    }

    public static TestKey Ec(string keyId, ECCurve? curve = null)
    {
        using var ecdsa = ECDsa.Create(curve ?? ECCurve.NamedCurves.nistP256);
        return new TestKey(keyId) { _ec = ecdsa.ExportParameters(true) };
    }

    public byte[] Sign(string algorithm, byte[] input)
    {
        var hash = new HashAlgorithmName($"SHA{algorithm[2..]}");
        if (_ec is { } point)
        {
            using var ecdsa = ECDsa.Create(point);
            return ecdsa.SignData(input, hash);
        }

        using var rsa = RSA.Create(_rsa!.Value);
        return rsa.SignData(input, hash, algorithm[0] == 'P' ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
    }

    /// <summary>The public half, with some members changed, added, or taken away by null.</summary>
    public JsonObject Jwk(params (string Name, string? Value)[] changes)
    {
        var jwk = _ec is { } point
            ? new JsonObject { ["kty"] = "EC", ["crv"] = Curve(point), ["x"] = Base64Url.EncodeToString(point.Q.X), ["y"] = Base64Url.EncodeToString(point.Q.Y) }
            : new JsonObject { ["kty"] = "RSA", ["n"] = Base64Url.EncodeToString(_rsa!.Value.Modulus), ["e"] = Base64Url.EncodeToString(_rsa.Value.Exponent) };
        jwk["kid"] = KeyId;
        foreach (var (name, value) in changes)
        {
            jwk.Remove(name);
            if (value is not null)
            {
                jwk[name] = value;
            }
        }

        return jwk;
    }

    /// <summary>The key for a provider that signs with it.</summary>
    public SigningCredentials Credentials(string algorithm = "ES256") => new(new ECDsaSecurityKey(ECDsa.Create(_ec!.Value)) { KeyId = KeyId }, algorithm);

    /// <summary>The private number, for a client that publishes it by mistake.</summary>
    public string D => Base64Url.EncodeToString(_ec?.D ?? _rsa!.Value.D);

    /// <summary>The modulus, for tests that write it in another way.</summary>
    public byte[] Modulus => _rsa!.Value.Modulus!;

    /// <summary>The public half in the form that naive servers have at hand, and that an attacker would use as an HMAC secret.</summary>
    public string PublicPem()
    {
        using AsymmetricAlgorithm key = _ec is { } point ? ECDsa.Create(point) : RSA.Create(_rsa!.Value);
        return key.ExportSubjectPublicKeyInfoPem();
    }

    /// <summary>A JWK Set.</summary>
    public static string Set(params IEnumerable<JsonObject> keys) => new JsonObject { ["keys"] = new JsonArray([.. keys]) }.ToJsonString();

    private static string Curve(ECParameters point) => point.Q.X!.Length switch { 32 => "P-256", 48 => "P-384", _ => "P-521" };
}
