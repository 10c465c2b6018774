using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A JWT as a client that has nothing of ours takes it apart and checks it.</summary>
public sealed class ReceivedToken
{
    private readonly string _text;

    private ReceivedToken(string text)
    {
        _text = text;
        var parts = text.Split('.');
        Assert.That(parts, Has.Length.EqualTo(3), "a signed JWT has three parts");
        HeaderJson = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[0]));
        ClaimsJson = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[1]));
    }

    public string HeaderJson { get; }

    public string ClaimsJson { get; }

    public JsonElement Header => JsonElement.Parse(HeaderJson);

    public JsonElement Claims => JsonElement.Parse(ClaimsJson);

    public string Algorithm => Header.GetProperty("alg").GetString()!;

    public string KeyId => Header.GetProperty("kid").GetString()!;

    public static ReceivedToken Id(Answer answer) => new(answer.Text("id_token") ?? throw new AssertionException(answer.Body));

    public static ReceivedToken Access(Answer answer) => new(answer.Text("access_token") ?? throw new AssertionException(answer.Body));

    /// <summary>The one key of the provider's JWK Set that the header names.</summary>
    public async Task<JsonElement> KeyAsync(CibaHost host)
    {
        var set = (await host.SendAsync(HttpMethod.Get, "/jwks")).Json.GetProperty("keys");
        return set.EnumerateArray().Single(key => key.GetProperty("kid").GetString() == KeyId && key.GetProperty("alg").GetString() == Algorithm);
    }

    public async Task<bool> IsSignedByAsync(CibaHost host) => IsSignedBy(await KeyAsync(host));

    public bool IsSignedBy(JsonElement jwk)
    {
        var dot = _text.LastIndexOf('.');
        var input = Encoding.ASCII.GetBytes(_text[..dot]);
        var signature = Base64Url.DecodeFromChars(_text.AsSpan(dot + 1));
        var hash = Hash(Algorithm);
        if (Algorithm.StartsWith("ES", StringComparison.Ordinal))
        {
            using var ecdsa = ECDsa.Create(new ECParameters
            {
                Curve = ECCurve.CreateFromFriendlyName(jwk.GetProperty("crv").GetString()!.Replace("P-", "nistP", StringComparison.Ordinal)),
                Q = new() { X = Bytes(jwk, "x"), Y = Bytes(jwk, "y") },
            });
            return ecdsa.VerifyData(input, signature, hash);
        }

        using var rsa = RSA.Create(new RSAParameters { Modulus = Bytes(jwk, "n"), Exponent = Bytes(jwk, "e") });
        return rsa.VerifyData(input, signature, hash, Algorithm.StartsWith("PS", StringComparison.Ordinal) ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
    }

    /// <summary>OpenID Connect Core section 3.1.3.6, worked out anew.</summary>
    public static string HalfHash(string algorithm, string text)
    {
        var digest = CryptographicOperations.HashData(Hash(algorithm), Encoding.ASCII.GetBytes(text));
        return Base64Url.EncodeToString(digest.AsSpan(0, digest.Length / 2));
    }

    private static HashAlgorithmName Hash(string algorithm) => algorithm[2..] switch
    {
        "256" => HashAlgorithmName.SHA256,
        "384" => HashAlgorithmName.SHA384,
        _ => HashAlgorithmName.SHA512,
    };

    private static byte[] Bytes(JsonElement jwk, string name) => Base64Url.DecodeFromChars(jwk.GetProperty(name).GetString());
}
