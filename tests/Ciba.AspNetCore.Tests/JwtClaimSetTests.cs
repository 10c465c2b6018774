using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;

namespace Ciba.AspNetCore.Tests;

/// <summary>
/// Random claim sets, rightly signed, at every place where a JWT comes in: never a server error, and taken only where an oracle that
/// knows nothing of the library takes them too.
/// </summary>
[TestFixtureSource(typeof(JwtPlace), nameof(JwtPlace.All)), Spec("A4"), Spec("A13"), Spec("R0"), Spec("R2"), Spec("R5"), Spec("R6"), Spec("A20")]
public sealed class JwtClaimSetTests(JwtPlace place)
{
    private const int Runs = 400;
    private const double Now = 1768478400;

    // Nothing for a claim that stays as it is, an empty text for one that is left out.
    private static readonly Gen<string?> Change = Gen.Frequency(
        (16, Gen.Constant<string?>(null)),
        (1, Gen.Constant<string?>("")),
        (2, Gen.OneOf(Gen.Choose(-4000, 8000), Gen.Elements(-1, 0, 1, 30, 31, 60, 3600, 3601, 3630, 3631, -3600, -3601, -3599)).Select(seconds => (string?)(Now + seconds).ToString(CultureInfo.InvariantCulture))),
        (1, Gen.Elements<string?>(
            "null", "true", "[]", "{}", "[[]]", "0", "-0", "-1", "0.5", "1768478400.5", "1e400", "1e-400", "1.7684784e9", "253402300799", "253402300800", "\"\\ud800\"", "\"\\u0000\"", "\"a\"", "\" \"", "\"1768478400\"",
            "{\"a\":[{\"b\":1e999}]}", "[1,null,\"a\"]")),
        (1, Gen.Elements<string?>(
            "\"https://id.example.com\"", "[\"https://id.example.com\"]", "[1,\"https://id.example.com\"]", "\"https://id.example.com/token\"", "[\"plain\",\"x\"]", "\"plain\"", "\"asserting\"", "\"signing\"", "\"sub-bob\"", "\"sub-nobody\"",
            $"\"{new string('j', 512)}\"", $"\"{new string('j', 513)}\"")),
        (1, ArbMap.Default.GeneratorFor<string>().Select(text => (string?)JsonSerializer.Serialize(text ?? ""))),
        (1, ArbMap.Default.GeneratorFor<double>().Select(number => double.IsFinite(number) ? (string?)number.ToString("R", CultureInfo.InvariantCulture) : "[]")));

    private static readonly string[] Claims = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti"];

    private readonly HashSet<string> _used = [];

    [Test]
    public async Task Random_claim_sets()
    {
        await using var host = JwtPlace.Host();
        await host.StoreAsync();
        var (accepted, refused) = (0, 0);
        var sets = Change.ArrayOf(Claims.Length);

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(Runs), Prop.ForAll(sets.ToArbitrary(), changes =>
        {
            var jwt = place.Right(host);
            foreach (var (name, change) in Claims.Zip(changes))
            {
                _ = change is null ? jwt : jwt.Claim(name, change.Length == 0 ? null : change);
            }

            var text = jwt.Sign(JwtPlace.Key);
            var expected = IsRight(JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(text.Split('.')[1]))!.AsObject());
            var answer = place.SendAsync(host, text).GetAwaiter().GetResult();
            _ = answer.Status == HttpStatusCode.OK ? accepted++ : refused++;
            return ((answer.Status == HttpStatusCode.OK) == expected && (int)answer.Status < 500)
                .Label($"{expected} was expected: {answer.Body} {string.Join(" | ", Claims.Zip(changes))}");
        }));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { accepted, refused }, Is.All.Positive);
            Assert.That((await host.StoreAsync()).Count, Is.EqualTo(accepted));
        }
    }

    private bool IsRight(JsonObject claims) => place.Name switch
    {
        "id_token_hint" => Text(claims["iss"]) == CibaHost.Issuer && IsFor(claims, "plain") && Text(claims["sub"]) is "sub-alice" or "sub-bob" or "sub-carol",
        "client_assertion" => Text(claims["iss"]) == "asserting" && Text(claims["sub"]) == "asserting"
            && IsFor(claims, CibaHost.Issuer, $"{CibaHost.Issuer}/token", $"{CibaHost.Issuer}/bc-authorize")
            && Seconds(claims, "exp") is > Now and <= Now + 3630
            && (!claims.ContainsKey("iat") || Seconds(claims, "iat") <= Now + 30)
            && (!claims.ContainsKey("nbf") || Seconds(claims, "nbf") <= Now + 30)
            && IsOfThisProcess(claims) && IsNew(claims),
        _ => Text(claims["iss"]) == "signing" && Text(claims["sub"]) != "signing" && IsFor(claims, CibaHost.Issuer)
            && Seconds(claims, "exp") is > Now && Seconds(claims, "iat") <= Now + 30 && Seconds(claims, "nbf") <= Now + 30
            && Seconds(claims, "exp") - Seconds(claims, "nbf") <= 3600
            && IsOfThisProcess(claims) && IsNew(claims),
    };

    // The host started now.
    private static bool IsOfThisProcess(JsonObject claims) =>
        new[] { Seconds(claims, "iat"), Seconds(claims, "nbf") }.Max() is { } issued ? issued >= Now : Seconds(claims, "exp") >= Now + 60;

    // The clock stands still: nothing that was used expires.
    private bool IsNew(JsonObject claims) => Text(claims["jti"]) is { Length: > 0 and <= 512 } id && _used.Add(id);

    private static bool IsFor(JsonObject claims, params string[] audiences) => claims["aud"] switch
    {
        JsonArray array => array.Any(value => audiences.Contains(Text(value))),
        var value => audiences.Contains(Text(value)),
    };

    private static double? Seconds(JsonObject claims, string name) =>
        claims[name] is JsonValue value && value.GetValueKind() == JsonValueKind.Number && double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture) is >= 0 and <= 253402300799 and var seconds ? seconds : null;

    private static string? Text(JsonNode? node)
    {
        try
        {
            return node is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
