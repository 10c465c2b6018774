using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>
/// A client assertion that is right in everything, until a test changes something. Values are written as JSON text, so that
/// they can be whatever a hostile client sends.
/// </summary>
public sealed class TestJwt
{
    public const string AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    private readonly List<(string Name, string Json)> _header = [];
    private readonly List<(string Name, string Json)> _claims = [];

    private bool _hasOwnKeyId;

    public TestJwt(CibaHost host, string clientId = "client")
    {
        var now = host.Time.GetUtcNow();
        Claim("iss", Text(clientId));
        Claim("sub", Text(clientId));
        Claim("aud", Text(CibaHost.Issuer));
        Claim("exp", Seconds(now.AddMinutes(1)));
        Claim("iat", Seconds(now));
        Claim("jti", Text(Guid.NewGuid().ToString("N")));
    }

    public static string Text(string value) => JsonSerializer.Serialize(value);

    public static string Seconds(DateTimeOffset time) => time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);

    /// <summary>Sets a member of the header, or takes it away.</summary>
    public TestJwt Header(string name, string? json)
    {
        _hasOwnKeyId |= name == "kid";
        return Set(_header, name, json);
    }

    /// <summary>Sets a claim, or takes it away.</summary>
    public TestJwt Claim(string name, string? json) => Set(_claims, name, json);

    /// <summary>Adds a claim, even where it is there already.</summary>
    public TestJwt Again(string name, string json)
    {
        _claims.Add((name, json));
        return this;
    }

    /// <summary>Signed with the key; <c>alg</c> and <c>kid</c> are added unless the test has set them, or taken <c>kid</c> away.</summary>
    public string Sign(TestKey key, string algorithm = "ES256")
    {
        if (!_hasOwnKeyId)
        {
            Header("kid", Text(key.KeyId));
        }

        return Sign(algorithm, input => key.Sign(algorithm, input));
    }

    /// <summary>With an HMAC by the secret; <c>alg</c> is added unless the test has set it.</summary>
    public string Mac(string secret, string algorithm = "HS256") => Sign(algorithm, input => Hmac(algorithm, Encoding.UTF8.GetBytes(secret), input));

    /// <summary>With any signature at all.</summary>
    public string Sign(string algorithm, Func<byte[], byte[]> sign)
    {
        if (_header.All(member => member.Name != "alg"))
        {
            Header("alg", Text(algorithm));
        }

        return Compose(Json(_header), Json(_claims), sign);
    }

    /// <summary>A JWS over any two texts.</summary>
    public static string Compose(string header, string claims, Func<byte[], byte[]> sign)
    {
        var input = $"{Encode(header)}.{Encode(claims)}";
        return $"{input}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(input)))}";
    }

    public static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    public static byte[] Hmac(string algorithm, byte[] secret, byte[] input) => algorithm switch
    {
        "HS256" => HMACSHA256.HashData(secret, input),
        "HS384" => HMACSHA384.HashData(secret, input),
        _ => HMACSHA512.HashData(secret, input),
    };

    /// <summary>What turns a right request of <see cref="CibaHost"/> into one whose client authenticates by this assertion.</summary>
    public static (string Name, string? Value)[] Form(string? assertion, params (string Name, string? Value)[] more) =>
        [("client_id", null), ("client_secret", null), ("client_assertion_type", AssertionType), ("client_assertion", assertion), .. more];

    private TestJwt Set(List<(string Name, string Json)> members, string name, string? json)
    {
        members.RemoveAll(member => member.Name == name);
        if (json is not null)
        {
            members.Add((name, json));
        }

        return this;
    }

    private static string Json(List<(string Name, string Json)> members) =>
        $"{{{string.Join(',', members.Select(member => $"\"{member.Name}\":{member.Json}"))}}}";
}
