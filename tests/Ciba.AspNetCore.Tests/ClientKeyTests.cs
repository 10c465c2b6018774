using System.Net;
using System.Text.Json.Nodes;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 7517, RFC 7518: which keys of a client are good enough, and what a JWK Set must not hold.</summary>
public sealed class ClientKeyTests
{
    private const string None = "holds no key that can check a signature (EC P-256, P-384, P-521, or RSA of 2048 to 8192 bits)";
    private const string NoSet = "is no JWK Set: an object with an array 'keys' is expected";

    private static readonly TestKey Ec = TestKey.For("ES256");
    private static readonly TestKey Rsa = TestKey.For("RS256");
    private static readonly TestKey Weak = TestKey.Rsa("weak", 1024);

    private static IEnumerable<TestCaseData> Unusable
    {
        get
        {
            yield return new("1024 bits of RSA", Weak.Jwk());
            yield return new("1024 bits of RSA that look like 2048", Weak.Jwk(("n", Base64Url.EncodeToString([.. new byte[128], .. Weak.Modulus]))));
            yield return new("a key for encryption", Ec.Jwk(("use", "enc")));
            yield return new("a use that nobody knows", Ec.Jwk(("use", "")));
            yield return new("another algorithm", Ec.Jwk(("alg", "ECDH-ES")));
            foreach (var operations in new[] { "[]", "[\"sign\"]", "[\"encrypt\",\"deriveBits\"]", "[\"Verify\"]", "\"verify\"", "[\"verify\",1]", "{}", "1" })
            {
                yield return new($"key_ops {operations}", Changed(Ec, "key_ops", operations));
            }

            foreach (var (name, key) in new[] { ("kty", Ec), ("use", Ec), ("alg", Ec), ("kid", Ec), ("crv", Ec), ("x", Ec), ("y", Ec), ("n", Rsa), ("e", Rsa) })
            {
                foreach (var json in new[] { "42", "65537", "true", "{}", "[]", "[\"sig\"]" })
                {
                    yield return new($"{name} {json}", Changed(key, name, json));
                }
            }

            // The most bits that an exponent may have are 64, and neither 1 nor an even number is one.
            foreach (var exponent in new byte[][] { [1], [0, 1], [2], [1, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 1], Rsa.Modulus })
            {
                yield return new($"an exponent of {exponent.Length} bytes, the last {exponent[^1]}", Rsa.Jwk(("e", Base64Url.EncodeToString(exponent))));
            }

            yield return new("a modulus of 8200 bits", Rsa.Jwk(("n", Base64Url.EncodeToString([.. Enumerable.Repeat((byte)0xFF, 1025)]))));
            yield return new("an algorithm of another curve", Ec.Jwk(("alg", "ES384")));
            yield return new("an algorithm of another type", Ec.Jwk(("alg", "RS256")));
            yield return new("a wrong curve name", Ec.Jwk(("crv", "P-384")));
            yield return new("secp256k1", Ec.Jwk(("crv", "secp256k1")));
            yield return new("no curve", Ec.Jwk(("crv", null)));
            yield return new("no y", Ec.Jwk(("y", null)));
            yield return new("a point beside the curve", Ec.Jwk(("y", Ec.Jwk()["x"]!.GetValue<string>())));
            yield return new("the point at infinity", Ec.Jwk(("x", new string('A', 43)), ("y", new string('A', 43))));
            yield return new("junk for x", Ec.Jwk(("x", "!!!")));
            yield return new("an empty x", Ec.Jwk(("x", "")));
            yield return new("an empty modulus", Rsa.Jwk(("n", "")));
            yield return new("an empty exponent", Rsa.Jwk(("e", "")));
            yield return new("a modulus of spaces", Rsa.Jwk(("n", "  ")));
            yield return new("junk for n", Rsa.Jwk(("n", "a b")));
            yield return new("a modulus of zeros", Rsa.Jwk(("n", new string('A', 342))));
            yield return new("a symmetric key", new JsonObject { ["kty"] = "oct", ["k"] = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow" });
            yield return new("an Edwards curve", new JsonObject { ["kty"] = "OKP", ["crv"] = "Ed25519", ["x"] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
            yield return new("no type", Ec.Jwk(("kty", null)));
            yield return new("a type in lower case", Ec.Jwk(("kty", "ec")));
        }
    }

    private static IEnumerable<TestCaseData> BadSets
    {
        get
        {
            foreach (var text in new[] { " ", "null", "[]", "1", "{}", "{\"keys\":null}", "{\"keys\":{}}", "{\"Keys\":[]}", "{\"\\ud800\":[]}", "{", "{\"keys\":[]} x", "\uFEFF\uFEFF{\"keys\":[]}" })
            {
                yield return new(text, NoSet);
            }

            foreach (var text in new[] { "", "null", "{}", "1", "\"x\"", "[]", "{\"kty\":1}", "{\"kty\":\"\\ud800\"}", "{\"\\ud800\":1}" })
            {
                yield return new($"{{\"keys\":[{text}]}}", None);
            }

            yield return new("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x5c\":[\"\\ud800\"]}]}", None);
            yield return new(TestKey.Set(Enumerable.Range(0, 33).Select(_ => Ec.Jwk())), "holds more than 32 keys; register fewer, or raise CibaOptions.ClientKeys.MaxKeys");
            yield return new(TestKey.Set(Ec.Jwk(("d", Ec.D))), "holds a private key: take the 'd' members out, and that key out of use");
            yield return new(TestKey.Set(Ec.Jwk(), Rsa.Jwk(("d", Rsa.D))), "holds a private key: take the 'd' members out, and that key out of use");
            yield return new(TestKey.Set(Ec.Jwk(), Ec.Jwk(("d", ""), ("use", "enc"))), "holds a private key: take the 'd' members out, and that key out of use");
        }
    }

    [TestCaseSource(nameof(Unusable)), Spec("A4"), Spec("D7")]
    public async Task A_key_that_is_not_good_enough_is_found_at_start_up(string name, JsonObject key)
    {
        Assert.That(await StartAsync(TestKey.Set(key)), Is.EqualTo($"Client 'client': Jwks {None}."), name);
    }

    [TestCaseSource(nameof(BadSets)), Spec("A4"), Spec("D7")]
    public async Task A_bad_JWK_Set_is_found_at_start_up(string jwks, string problem)
    {
        Assert.That(await StartAsync(jwks), Is.EqualTo($"Client 'client': Jwks {problem}."));
    }

    [TestCaseSource(nameof(Unusable)), Spec("A4")]
    public async Task A_key_that_is_not_good_enough_does_no_harm_to_a_good_one(string name, JsonObject key)
    {
        await using var host = new CibaHost { Clients = [ClientCalls.KeyClient("client", TestKey.Set(key, TestKey.For("ES384").Jwk()))] };

        var good = await host.AuthorizeAsync(TestJwt.Form(new TestJwt(host).Sign(TestKey.For("ES384"), "ES384")));
        var bad = new List<HttpStatusCode>();
        foreach (var (signer, algorithm) in new[] { (Ec, "ES256"), (Rsa, "RS256"), (Weak, "RS256"), (Weak, "PS256") })
        {
            bad.Add((await host.AuthorizeAsync(TestJwt.Form(new TestJwt(host).Header("kid", null).Sign(signer, algorithm)))).Status);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(good.Status, Is.EqualTo(HttpStatusCode.OK), name);
            Assert.That(bad, Is.All.EqualTo(HttpStatusCode.Unauthorized), name);
        }
    }

    [Test, Spec("A4")]
    public async Task A_key_with_an_algorithm_is_used_for_no_other()
    {
        await using var host = new CibaHost { Clients = [ClientCalls.KeyClient("client", TestKey.Set(Rsa.Jwk(("alg", "PS256"), ("use", "sig"))))] };

        var answers = new List<HttpStatusCode>();
        foreach (var algorithm in new[] { "PS256", "RS256", "PS384" })
        {
            answers.Add((await host.AuthorizeAsync(TestJwt.Form(new TestJwt(host).Sign(Rsa, algorithm)))).Status);
        }

        Assert.That(answers, Is.EqualTo(new[] { HttpStatusCode.OK, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized }));
    }

    [Test, Spec("A4")]
    public async Task Members_that_nobody_needs_are_ignored()
    {
        var jwk = Ec.Jwk();
        jwk["x5c"] = new JsonArray("MIIB", "MIIC");
        jwk["x5t#S256"] = "x";
        jwk["x5u"] = "https://elsewhere.example";
        jwk["ext"] = true;
        jwk["key_ops"] = new JsonArray("verify");
        await using var host = new CibaHost { Clients = [ClientCalls.KeyClient("client", TestKey.Set(jwk))] };

        var answer = await host.AuthorizeAsync(TestJwt.Form(new TestJwt(host).Sign(Ec)));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
    }

    private static JsonObject Changed(TestKey key, string name, string json)
    {
        var jwk = key.Jwk();
        jwk[name] = JsonNode.Parse(json);
        return jwk;
    }

    private static async Task<string?> StartAsync(string jwks)
    {
        await using var host = new CibaHost { Clients = [ClientCalls.KeyClient("client", jwks)] };
        try
        {
            await host.StartedAsync();
            return null;
        }
        catch (CibaConfigurationException exception)
        {
            return exception.Problems.Single();
        }
    }
}
