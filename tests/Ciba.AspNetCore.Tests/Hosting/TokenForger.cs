using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.Tokens;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Signs whatever it is told to; left alone, an ID Token for alice that is right in everything.</summary>
public sealed class TokenForger : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public SigningCredentials Credentials => new(new ECDsaSecurityKey(_key) { KeyId = "k" }, "ES256");

    /// <summary>The public key as the text that careless verifiers take for an HMAC's key.</summary>
    public byte[] PublicKeyText => Encoding.ASCII.GetBytes(_key.ExportSubjectPublicKeyInfoPem());

    public string Sign(Action<JsonObject>? claims = null, Action<JsonObject>? header = null)
    {
        var payload = new JsonObject { ["iss"] = CibaHost.Issuer, ["aud"] = "client", ["sub"] = "sub-alice" };
        claims?.Invoke(payload);
        return SignRaw(payload.ToJsonString(), header);
    }

    public string SignRaw(string claims, Action<JsonObject>? header = null)
    {
        var input = Input("ES256", claims, header);
        return $"{input}.{Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256))}";
    }

    /// <summary>The same with an HMAC.</summary>
    public static string SignHs256(byte[] key)
    {
        var input = Input("HS256", $$"""{"iss":"{{CibaHost.Issuer}}","aud":"client","sub":"sub-alice"}""", null);
        return $"{input}.{Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(input)))}";
    }

    public void Dispose() => _key.Dispose();

    private static string Input(string algorithm, string claims, Action<JsonObject>? change)
    {
        var header = new JsonObject { ["alg"] = algorithm, ["typ"] = "JWT", ["kid"] = "k" };
        change?.Invoke(header);
        return $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header.ToJsonString()))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}";
    }
}
