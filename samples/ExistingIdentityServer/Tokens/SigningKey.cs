using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ExistingIdentityServer;

/// <summary>Signs JWTs with ES256.</summary>
public sealed class SigningKey : IDisposable
{
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly string _id;

    public SigningKey(ServerOptions server)
    {
        if (server.SigningKeyFile is { Length: > 0 } file)
        {
            _key.ImportFromPem(File.ReadAllText(file));
        }

        _id = Base64Url.EncodeToString(SHA256.HashData(_key.ExportSubjectPublicKeyInfo()).AsSpan(..12));
    }

    public string Sign(string type, IDictionary<string, object> claims)
    {
        var header = new Dictionary<string, object> { ["alg"] = TokenService.Algorithm, ["typ"] = type, ["kid"] = _id };
        var signed = $"{Encode(header)}.{Encode(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }

    /// <summary>The public half as a JWK Set.</summary>
    public JsonObject ToJwks()
    {
        var point = _key.ExportParameters(includePrivateParameters: false).Q;
        return new JsonObject
        {
            ["keys"] = new JsonArray(new JsonObject
            {
                ["kty"] = "EC",
                ["use"] = "sig",
                ["alg"] = TokenService.Algorithm,
                ["kid"] = _id,
                ["crv"] = "P-256",
                ["x"] = Base64Url.EncodeToString(point.X),
                ["y"] = Base64Url.EncodeToString(point.Y),
            }),
        };
    }

    public void Dispose() => _key.Dispose();

    private static string Encode(IDictionary<string, object> json) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(json, Json));
}
