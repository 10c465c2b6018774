using System.Text;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 7515, RFC 7519: texts, sizes and signatures that are no JWS, at every place where a JWT comes in.</summary>
[TestFixtureSource(typeof(JwtPlace), nameof(JwtPlace.All)), Spec("A4"), Spec("A13"), Spec("R1"), Spec("A20")]
public sealed class JwtFormHardeningTests(JwtPlace place) : JwtAttacks(place)
{
    [Test]
    public async Task Anything_but_three_parts()
    {
        var right = Right().Sign(Key);
        var parts = right.Split('.');
        foreach (var jwt in new[]
        {
            ".", "..", "...", "....", ".....", "a", "a.b", "a.b.c", "a.b.c.d", "a.b.c.d.e", $"{parts[0]}.{parts[1]}", $"{right}.", $".{right}", $"{right}.AA", $"{right}.AA.AA", $"{right}.{right}", $"{parts[0]}..{parts[2]}",
            $".{parts[1]}.{parts[2]}", $"{parts[0]}.{parts[1]}.", $"{parts[0]}.{parts[1]}..{parts[2]}", $"{parts[1]}.{parts[0]}.{parts[2]}", $"{parts[0]}.{parts[0]}.{parts[2]}", new string('.', 16_000),
            "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AAAA.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX.XFBoMYUZodetZdvTiFvSkQ",
        })
        {
            await RefusesAsync(jwt, jwt);
        }
    }

    [Test]
    public async Task Anything_but_base64url()
    {
        var right = Right().Sign(Key);
        var dot = right.IndexOf('.', StringComparison.Ordinal);
        foreach (var jwt in new[]
        {
            right + "=", right + "==", right + "====", right.Insert(dot, "="), right.Insert(dot, "=="), " " + right, right + " ", right + "\n", right + "\r\n", right.Insert(9, " "), right.Insert(9, "\n"), right.Insert(dot, "\t"), right.Insert(dot + 1, "\u00A0"),
            right[..^1] + "+", right[..^1] + "/", right[..^1] + "é", right[..^1] + "\uFF21", right[..^1], right + "A", right + "AA", right + "AAA", right.Insert(9, "%"), right.Insert(9, "\uFEFF"), $"\"{right}\"", $"Bearer {right}", right.Insert(9, "\u200B"),

            // 64 bytes leave four bits of the last character unused, which must be zero.
            right[..^1] + (char)(right[^1] + 1), right[..^1] + (char)(right[^1] + 3),
        })
        {
            await RefusesAsync(jwt, jwt);
        }
    }

    [Test]
    public async Task Anything_but_JSON_objects()
    {
        var claims = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(Right().Sign(Key).Split('.')[1]));
        foreach (var part in new[]
        {
            "", " ", "null", "[]", "\"x\"", "1", "{", "{}}", "{}{}", "{'a':1}", "{\"a\":1,}", "{/**/}", "\uFEFF{}", "{\"a\":NaN}", "{\"a\":01}", "{\"a\":\"\t\"}", "{\"\\ud800\":1}", "{\"a\":{\"\\udc00\":{}}}", new string('[', 7000),
            $"{{\"a\":{new string('[', 40)}{new string(']', 40)}}}", $"{{\"a\":{new string('[', 5000)}{new string(']', 5000)}}}", $"{string.Concat(Enumerable.Repeat("{\"a\":", 1500))}1{new string('}', 1500)}",
        })
        {
            await RefusesAsync($"header {part}", TestJwt.Compose(part, claims, input => Key.Sign("ES256", input)));
            await RefusesAsync($"claims {part}", TestJwt.Compose("""{"alg":"ES256"}""", part, input => Key.Sign("ES256", input)));
        }

        foreach (var deep in new[] { new string('[', 40) + new string(']', 40), string.Concat(Enumerable.Repeat("{\"a\":", 40)) + "1" + new string('}', 40) })
        {
            await RefusesAsync(deep, Right().Claim("unknown", deep).Sign(Key));
            await RefusesAsync($"header {deep}", Right().Header("unknown", deep).Sign(Key));
        }
    }

    [Test]
    public async Task Bytes_that_are_no_UTF_8()
    {
        foreach (byte[] bytes in new byte[][] { [0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80], [0xE2, 0x82] })
        {
            foreach (var name in (string[])[.. Place.Texts, "unknown"])
            {
                await RefusesAsync($"{name} {Convert.ToHexString(bytes)}", Bytes(Right().Claim(name, "\"~\"").Sign(Key), bytes));
            }

            await RefusesAsync($"name {Convert.ToHexString(bytes)}", Bytes(Right().Claim("~", "1").Sign(Key), bytes));
        }
    }

    [Test]
    public async Task Signatures_of_a_wrong_form()
    {
        var order = Convert.FromHexString("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
        byte[] zero = new byte[32], one = [.. new byte[31], 1];
        Func<byte[], byte[]>[] signatures =
        [
            _ => [.. zero, .. zero], _ => [.. zero, .. one], _ => [.. one, .. zero], _ => [.. order, .. order], _ => [.. order, .. one], _ => [.. one, .. order], _ => [.. zero, .. order], _ => [.. one, .. one],
            _ => [.. Enumerable.Repeat((byte)0xFF, 64)], _ => [0], _ => new byte[63], _ => new byte[65], _ => new byte[96], _ => new byte[128], _ => new byte[132], _ => new byte[256], _ => new byte[4096],
            right => [.. right, 0], right => [0, .. right], right => right[..63], right => right[..32], right => [.. right[32..], .. right[..32]], right => [.. right[..32], .. zero], right => [.. zero, .. right[32..]],
            right => [.. right, .. right], right => Der(right), _ => [0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00], right => [.. right[..32].Reverse(), .. right[32..].Reverse()],
        ];

        for (var number = 0; number < signatures.Length; number++)
        {
            await RefusesAsync($"signature {number}", Right().Header("kid", "\"ec-256\"").Sign("ES256", input => signatures[number](Key.Sign("ES256", input))));
        }
    }

    [Test]
    public async Task Tokens_of_any_size_beyond_the_bound()
    {
        foreach (var length in new[] { Place.MaxLength + 1, 60_000, 70_000, 100_000, 131_000, 1_000_000 }.Where(length => length > Place.MaxLength))
        {
            var right = Right().Claim("fill", TestJwt.Text(new string('f', length * 3 / 4))).Sign(Key);
            foreach (var jwt in new[] { right, new string('a', length), new string('.', length), $"{new string('a', length / 3)}.{new string('a', length / 3)}.{new string('a', length / 3)}" })
            {
                await RefusesAsync($"{length}", jwt);
            }
        }
    }

    [Test]
    public async Task A_JWT_that_is_right_in_another_place()
    {
        foreach (var other in JwtPlace.All.Where(other => other != Place))
        {
            await RefusesAsync(other.Name, Right(other).Sign(Key));
        }
    }

    // The place of a tilde, which nothing else in the claims has, is taken by the bytes; all is signed anew.
    private static string Bytes(string jwt, byte[] bytes)
    {
        var claims = Base64Url.DecodeFromChars(jwt.Split('.')[1]);
        var at = Array.IndexOf(claims, (byte)'~');
        var input = $"{jwt.Split('.')[0]}.{Base64Url.EncodeToString([.. claims[..at], .. bytes, .. claims[(at + 1)..]])}";
        return $"{input}.{Base64Url.EncodeToString(Key.Sign("ES256", Encoding.ASCII.GetBytes(input)))}";
    }

    private static byte[] Der(byte[] signature)
    {
        var writer = new System.Formats.Asn1.AsnWriter(System.Formats.Asn1.AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteIntegerUnsigned(Trimmed(signature[..32]));
            writer.WriteIntegerUnsigned(Trimmed(signature[32..]));
        }

        return writer.Encode();

        static byte[] Trimmed(byte[] number) => [.. number.SkipWhile(part => part == 0)];
    }
}
