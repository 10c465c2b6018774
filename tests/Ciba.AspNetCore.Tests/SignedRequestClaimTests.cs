using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 7.1.1, FAPI-CIBA section 5.2.2: the claims that a signed request must have, and their bounds.</summary>
public sealed class SignedRequestClaimTests
{
    private const string NotIssuer = "The request is refused: its iss is not the client_id.";
    private const string NotClient = "The request is refused: its client_id is not that of the client that sends it (RFC 9101 section 6.3).";
    private const string NotAudience = "The request is refused: its aud does not hold the issuer.";
    private const string InFuture = "The request is refused: its iat or nbf is in the future.";
    private const string NotId = "The request is refused: jti is required, with 512 characters at most.";

    // Now is 1768478400, and the clocks may differ by 30 s.
    private static IEnumerable<TestCaseData> BadClaims
    {
        get
        {
            foreach (var junk in new[] { null, "\"other\"", "\"CLIENT\"", "\"client \"", "\"\"", "[\"client\"]", "{}", "1", "null", "true", "\"\\ud800\"", "\"https://id.example.com\"" })
            {
                yield return new TestCaseData("iss", junk, NotIssuer);
            }

            foreach (var junk in new[]
            {
                null, "\"\"", "[]", "{}", "1", "null", "\"https://id.example.com/\"", "\"https://id.example.com/bc-authorize\"", "\"https://id.example.com/token\"", "\"client\"",
                "[[\"https://id.example.com\"]]", "[\"https://other.example\"]", "{\"https://id.example.com\":1}", "\"\\ud800\"", "[\"\\ud800\"]",
            })
            {
                yield return new TestCaseData("aud", junk, NotAudience);
            }

            foreach (var name in new[] { "exp", "iat", "nbf" })
            {
                foreach (var junk in new[] { null, "\"1768478400\"", "null", "true", "[]", "[1768478400]", "{}", "-1", "-0.1", "1e400", "-1e400", "1" + new string('0', 40), "253402300800" })
                {
                    yield return new TestCaseData(name, junk, $"The request is refused: {name} is required and is a number of seconds.");
                }
            }

            foreach (var junk in new[] { null, "\"\"", "1", "null", "[\"a\"]", "{}", "\"\\ud800\"", $"\"{new string('j', 513)}\"" })
            {
                yield return new TestCaseData("jti", junk, NotId);
            }

            foreach (var junk in new[] { "\"other\"", "\"CLIENT\"", "\"\"", "[\"client\"]", "{}", "1", "null", "\"\\ud800\"" })
            {
                yield return new TestCaseData("client_id", junk, NotClient);
            }

            yield return new TestCaseData("sub", "\"client\"", "The request is refused: its sub is the client_id, as in a client_assertion: leave sub out.");
            yield return new TestCaseData("exp", "1768478400", "The request is refused: it has expired.");
            yield return new TestCaseData("exp", "0", "The request is refused: it has expired.");
            yield return new TestCaseData("exp", "-0", "The request is refused: it has expired.");
            yield return new TestCaseData("iat", "1768478431", InFuture);
            yield return new TestCaseData("nbf", "1768478431", InFuture);
            yield return new TestCaseData("nbf", "253402300799", InFuture);
            yield return new TestCaseData("exp", "1768482001", "The request is refused: its exp is more than 60 minutes after its nbf.");
            yield return new TestCaseData("exp", "253402300799", "The request is refused: its exp is more than 60 minutes after its nbf.");
            yield return new TestCaseData("nbf", "1768474859", "The request is refused: its exp is more than 60 minutes after its nbf.");
            yield return new TestCaseData("nbf", "0", "The request is refused: its exp is more than 60 minutes after its nbf.");
        }
    }

    [TestCaseSource(nameof(BadClaims)), Spec("R0"), Spec("R2"), Spec("R6"), Spec("R8")]
    public async Task A_claim_that_is_missing_or_wrong_is_named(string claim, string? json, string description)
    {
        await using var host = SignedCalls.Host();

        await host.RefusesAsync(SignedCalls.Jwt(host).Claim(claim, json), description);
    }

    [TestCase("aud", "[\"https://id.example.com\"]")]
    [TestCase("aud", "[1,\"https://other.example\",null,\"https://id.example.com\"]")]
    [TestCase("exp", "1768482000")]
    [TestCase("exp", "1768482000.0")]
    [TestCase("exp", "1.768482e9")]
    [TestCase("exp", "1768478400.001")]
    [TestCase("iat", "1768478430")]
    [TestCase("iat", "0")]
    [TestCase("nbf", "1768478430")]
    [TestCase("nbf", "1768474860")]
    [TestCase("sub", "\"alice\"")]
    [TestCase("client_id", "\"client\"")]
    [TestCase("unknown", "[[[[{\"\":1e999}]]]]")]
    [Spec("R2"), Spec("R6")]
    public async Task A_claim_within_its_bounds_is_taken(string claim, string json)
    {
        await using var host = SignedCalls.Host();

        var answer = await host.SignedAsync(SignedCalls.Jwt(host).Claim(claim, json));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [Test, Spec("R6")]
    public async Task An_hour_is_an_hour_with_fractions_too([Values("0.1", "0.2", "0.3", "0.7", "0.123456")] string fraction)
    {
        await using var host = SignedCalls.Host();

        foreach (var (seconds, status) in new[] { (2000, HttpStatusCode.OK), (2001, HttpStatusCode.BadRequest) })
        {
            var answer = await host.SignedAsync(SignedCalls.Jwt(host).Claim("nbf", $"1768478400{fraction[1..]}").Claim("exp", $"176848{seconds}{fraction[1..]}"));

            Assert.That(answer.Status, Is.EqualTo(status), answer.Body);
        }
    }

    [Test, Spec("R6")]
    public async Task The_clock_skew_is_the_hosts_to_choose()
    {
        await using var host = SignedCalls.Host(options => options.ClockSkew = TimeSpan.Zero);

        await host.RefusesAsync(SignedCalls.Jwt(host).Claim("nbf", "1768478401"), InFuture);
    }
}
