using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 8725: what attackers make of a JWT, at every place where one comes in. None is taken, none breaks anything.</summary>
[TestFixtureSource(typeof(JwtPlace), nameof(JwtPlace.All)), Spec("A4"), Spec("A13"), Spec("R1"), Spec("A20")]
public sealed class JwtHardeningTests(JwtPlace place) : JwtAttacks(place)
{
    private static readonly TestKey Stranger = TestKey.Ec("ec-256");

    [Test]
    public async Task No_signature()
    {
        foreach (var none in new[] { "none", "None", "NONE", "nOnE", "none ", "\u0000none", "", "null" })
        {
            var right = Right().Header("alg", TestJwt.Text(none)).Sign(Key);
            foreach (var signature in new[] { right[(right.LastIndexOf('.') + 1)..], "", "AA", "bm9uZQ" })
            {
                await RefusesAsync($"{none} {signature}", right[..(right.LastIndexOf('.') + 1)] + signature);
            }

            await RefusesAsync($"{none}, two parts", right[..right.LastIndexOf('.')]);
        }
    }

    [Test]
    public async Task The_public_key_as_a_secret()
    {
        foreach (var key in new[] { Key, TestKey.For("RS256") })
        {
            var jwk = key.Jwk();
            byte[][] secrets =
            [
                .. new[] { key.PublicPem(), key.PublicPem() + "\n", key.PublicPem().Trim(), jwk.ToJsonString(), TestKey.Set(key.Jwk()), "", CibaHost.Secret, key.KeyId }.Select(Encoding.UTF8.GetBytes),
                Convert.FromBase64String(string.Concat(key.PublicPem().Split('\n')[1..^1])),
                .. new[] { "n", "e", "x", "y" }.Where(jwk.ContainsKey).Select(name => Base64Url.DecodeFromChars(jwk[name]!.GetValue<string>())),
            ];
            foreach (var algorithm in new[] { "HS256", "HS384", "HS512" })
            {
                foreach (var secret in secrets)
                {
                    await RefusesAsync($"{algorithm} {secret.Length}", Right().Header("kid", TestJwt.Text(key.KeyId)).Sign(algorithm, input => TestJwt.Hmac(algorithm, secret, input)));

                    // The name of the right algorithm over an HMAC.
                    await RefusesAsync($"ES256 {algorithm} {secret.Length}", Right().Sign("ES256", input => TestJwt.Hmac(algorithm, secret, input)));
                }
            }
        }
    }

    [Test]
    public async Task Another_algorithm_over_a_right_signature()
    {
        foreach (var algorithm in new[] { "\"es256\"", "\"ES256K\"", "\"ES384\"", "\"RS256\"", "\"PS256\"", "\"EdDSA\"", "\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"", "null", "256", "[\"ES256\"]", "{\"ES256\":1}", "true", "\"\\ud800\"" })
        {
            await RefusesAsync(algorithm, Right().Header("alg", algorithm).Sign(Key));
        }
    }

    [Test]
    public async Task Tricks_with_the_key_identifier()
    {
        foreach (var kid in new[]
        {
            "../../../../../../dev/null", "/etc/passwd", "file:///dev/null", "https://attacker.example/key", "' OR '1'='1", "x' UNION SELECT 'AA'; --", "| sleep 9", "${jndi:ldap://attacker.example}", "ec-256\u0000x",
            "", " ec-256", "EC-256", "*", "0", new string('k', 8000),
        }.Select(TestJwt.Text).Concat(["0", "-1", "1e400", "null", "true", "[]", "[\"ec-256\"]", "{}", "{\"$ne\":null}", "\"\\ud800\""]))
        {
            await RefusesAsync(kid, Right().Header("kid", kid).Sign(Stranger));
            await RefusesAsync($"HS256 {kid}", Right().Header("kid", kid).Mac(""));
        }
    }

    [Test]
    public async Task Keys_that_come_along()
    {
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var certificate = new CertificateRequest("CN=signing", ecdsa, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(99));
        (string Name, string Json)[] headers =
        [
            ("jwk", Stranger.Jwk().ToJsonString()), ("jwks", TestKey.Set(Stranger.Jwk())), ("jku", "\"https://attacker.example/jwks\""), ("jku", $"\"{FakeJwksUri.Url}\""), ("x5u", "\"https://attacker.example/cert\""),
            ("x5c", new JsonArray(Convert.ToBase64String(certificate.RawData)).ToJsonString()), ("x5t", "\"AA\""), ("x5t#S256", TestJwt.Text(Base64Url.EncodeToString(certificate.GetCertHash(HashAlgorithmName.SHA256)))),
        ];

        foreach (var (name, json) in headers)
        {
            await RefusesAsync(name, Right().Header(name, json).Sign(Stranger));
            await RefusesAsync($"{name} without kid", Right().Header("kid", null).Header(name, json).Sign(Stranger));
            await RefusesAsync($"{name} by the certificate", Right().Header(name, json).Sign("ES256", input => ecdsa.SignData(input, HashAlgorithmName.SHA256)));
        }
    }

    [Test]
    public async Task Critical_extensions_and_payloads_that_are_not_encoded()
    {
        foreach (var crit in new[] { "[\"b64\"]", "[\"exp\"]", "[\"crit\"]", "[]", "null", "\"b64\"", "{}", "[1]" })
        {
            await RefusesAsync(crit, Right().Header("crit", crit).Header("b64", "false").Sign(Key));
        }

        foreach (var header in new[] { """{"alg":"ES256","b64":false,"crit":["b64"]}""", """{"alg":"ES256","b64":false}""" })
        {
            var claims = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(Right().Sign(Key).Split('.')[1]));
            var input = $"{TestJwt.Encode(header)}.{claims.Replace(".", "", StringComparison.Ordinal)}";
            await RefusesAsync(header, $"{input}.{Base64Url.EncodeToString(Key.Sign("ES256", Encoding.UTF8.GetBytes(input)))}");
        }
    }

    [Test]
    public async Task Names_that_are_there_twice()
    {
        foreach (var name in (string[])[.. Place.Texts, .. Place.Times, "unknown"])
        {
            await RefusesAsync(name, Right().Claim(name, "1").Again(name, "1").Sign(Key));
            await RefusesAsync($"{name}, escaped", Right().Claim(name, "1").Again($"\\u{(int)name[0]:x4}{name[1..]}", "1").Sign(Key));
            await RefusesAsync($"{name}, within", Right().Claim("unknown", $$"""{"{{name}}":1,"{{name}}":2}""").Sign(Key));
        }

        foreach (var name in new[] { "alg", "kid", "x", "\\u0061lg" })
        {
            var claims = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(Right().Sign(Key).Split('.')[1]));
            await RefusesAsync(name, TestJwt.Compose($$"""{"alg":"ES256","kid":"ec-256","x":1,"{{name}}":"ES256"}""", claims, input => Key.Sign("ES256", input)));
        }
    }

    [Test]
    public async Task Numbers_that_no_clock_shows()
    {
        foreach (var name in Place.Times)
        {
            foreach (var number in new[] { "1e400", "-1e400", "1" + new string('0', 40), "-1" + new string('0', 40), "-1", "-0.5", "-1e-7", "253402300800", "9223372036854775807", "9223372036854775808", "18446744073709551616", "1.8e308", "1" + new string('0', 5000) })
            {
                await RefusesAsync($"{name} {number}", Right().Claim(name, number).Sign(Key));
            }
        }

        // Those that are right for iat, and for exp and nbf long over or far too long ago.
        foreach (var number in new[] { "-0", "0", "0.5", "1e-400", "1e0" })
        {
            foreach (var name in Place.Times.Where(name => name == "exp" || (Place.Name == "request" && name == "nbf")))
            {
                await RefusesAsync($"{name} {number}", Right().Claim(name, number).Sign(Key));
            }
        }
    }

    [Test]
    public async Task Wrong_types_in_every_claim()
    {
        foreach (var name in (string[])[.. Place.Texts, .. Place.Times])
        {
            foreach (var json in new[] { "null", "true", "false", "{}", "[]", "[[]]", "{\"a\":[{}]}", "\"\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "[1768478400]", "[\"a\"]" })
            {
                await RefusesAsync($"{name} {json}", Right().Claim(name, json).Sign(Key));
            }
        }

        foreach (var name in Place.Times)
        {
            await RefusesAsync($"{name} as a text", Right().Claim(name, "\"1768478400\"").Sign(Key));
        }

        foreach (var name in Place.Texts)
        {
            await RefusesAsync($"{name} 1", Right().Claim(name, "1").Sign(Key));
        }
    }
}
