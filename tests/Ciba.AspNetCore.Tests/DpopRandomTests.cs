using System.Net;
using FsCheck;
using FsCheck.Fluent;

namespace Ciba.AspNetCore.Tests;

/// <summary>Whatever is done to a right proof: it is taken where it says the same as before, else refused, and never a server error.</summary>
[Spec("T13"), Spec("A18")]
public sealed class DpopRandomTests
{
    private const int Runs = 400;

    // What a member may be, and whether a proof is right with it.
    private static readonly (string Name, bool InHeader, (string? Json, bool IsRight)[] Values)[] Members =
    [
        ("typ", true, [("\"dpop+jwt\"", true), ("\"DPOP+jwt\"", true), ("\"application/dpop+jwt\"", true), ("\"jwt\"", false), (null, false), ("[]", false), ("\"\\ud800\"", false)]),
        ("alg", true, [("\"ES256\"", true), ("\"ES384\"", false), ("\"HS256\"", false), ("\"none\"", false), ("\"es256\"", false), (null, false), ("{}", false)]),
        ("jwk", true, [(DpopCalls.Key.Jwk().ToJsonString(), true), (DpopCalls.Key.Jwk(("use", "sig"), ("alg", "ES256")).ToJsonString(), true), (DpopCalls.Key.Jwk(("use", "enc")).ToJsonString(), false), (DpopCalls.Key.Jwk(("alg", "ES384")).ToJsonString(), false), (TestKey.For("ES384").Jwk().ToJsonString(), false), (DpopCalls.Key.Jwk(("d", "AA")).ToJsonString(), false), ("{}", false), ("null", false), (null, false)]),
        ("crit", true, [(null, true), ("[\"exp\"]", false)]),
        ("jku", true, [(null, true), ("\"https://evil.example/jwks\"", true)]),
        ("htm", false, [("\"POST\"", true), ("\"GET\"", false), ("\"POST \"", false), ("1", false), (null, false)]),
        ("htu", false, [($"\"{DpopCalls.TokenUrl}\"", true), ("\"HTTPS://id.example.com:443/%74oken?a#b\"", true), ("\"https:\\/\\/id.example.com\\/token\"", true), ($"\"{DpopCalls.AuthorizeUrl}\"", false), ($"\"{DpopCalls.TokenUrl}\\u0000\"", false), ("\"https://id.example.com/%ff\"", false), ("\"//\"", false), ("[]", false), (null, false)]),
        ("iat", false, [("1768478400", true), ("1768478400.5", true), ("17684784e2", true), ("1768478430", true), ("1768478341", true), ("1768478431", false), ("1768478340", false), ("1e300", false), ("9e99999", false), ("-0", false), ("\"1768478400\"", false), (null, false)]),
        ("exp", false, [(null, true), ("9999999999", true), ("1", false), ("true", false)]),
        ("nonce", false, [(null, true), ("\"x\"", true), ("[[[]]]", true)]),
        ("x", false, [(null, true), ("{\"a\":1}", true), ("{\"a\":1,\"a\":2}", false), ("[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]", false)]),
    ];

    private static readonly Gen<(int Member, int Value)[]> Changes =
        from count in Gen.Choose(0, 3)
        from changes in (from member in Gen.Choose(0, Members.Length - 1) from value in Gen.Choose(0, Members[member].Values.Length - 1) select (member, value)).ArrayOf(count)
        select changes;

    private static readonly Gen<Func<string, string>> Damage =
        from at in Gen.Choose(0, 10_000)
        from to in Gen.OneOf(Gen.Elements("", ".", "=", " ", ",", "A", "-", "_", "~", "%41", "eyJ9"), Gen.Choose(33, 126).Select(code => ((char)code).ToString()))
        from length in Gen.Choose(0, 3)
        select (Func<string, string>)(text => text.Remove(at % text.Length, Math.Min(length, text.Length - (at % text.Length))).Insert(at % text.Length, to));

    [Test]
    public async Task What_is_signed_is_taken_where_every_member_is_right()
    {
        await using var host = Host();
        var taken = 0;

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(Runs), Prop.ForAll(Changes.ToArbitrary(), changes =>
        {
            var chosen = changes.GroupBy(change => change.Member).ToDictionary(same => same.Key, same => same.Last().Value);
            var isRight = chosen.All(change => Members[change.Key].Values[change.Value].IsRight);
            taken += isRight ? 1 : 0;
            return Answers(host, Signed(host, chosen), isRight);
        }));

        Assert.That(taken, Is.InRange(Runs / 10, Runs * 9 / 10));
    }

    [Test]
    public async Task Not_a_character_of_what_was_signed_may_be_another()
    {
        await using var host = Host();

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(Runs), Prop.ForAll(Damage.ToArbitrary(), damage =>
        {
            var proof = host.Proof();
            var damaged = damage(proof);
            return Answers(host, damaged, damaged.Trim() == proof);
        }));
    }

    private static CibaHost Host() => new() { Clients = [DpopCalls.BoundClient()], Uptime = TimeSpan.FromMinutes(1) };

    private static string Signed(CibaHost host, Dictionary<int, int> chosen)
    {
        var proof = host.NewProof();
        foreach (var (member, value) in chosen)
        {
            var (name, inHeader, values) = Members[member];
            _ = inHeader ? proof.Header(name, values[value].Json) : proof.Claim(name, values[value].Json);
        }

        // An alg that is gone would be put back by who signs.
        return chosen.TryGetValue(1, out var alg) && Members[1].Values[alg].Json is null
            ? proof.Header("alg", "null").Sign(DpopCalls.Key)
            : proof.Sign(DpopCalls.Key);
    }

    // Past the proof there is no such request.
    private static Property Answers(CibaHost host, string proof, bool isRight)
    {
        var answer = host.PollWithAsync(ClientCalls.UnknownRequest, proof).GetAwaiter().GetResult();
        var expected = isRight ? "invalid_grant" : "invalid_dpop_proof";
        return (answer.Status == HttpStatusCode.BadRequest && answer.Error == expected).Label($"{expected} expected: {(int)answer.Status} {answer.Body} for {proof}");
    }
}
