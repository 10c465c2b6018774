using System.Reflection;

namespace Ciba.AspNetCore.Tests;

/// <summary>Every statement of the requirements that this version keeps has a test that names it.</summary>
public sealed class SpecCoverageTests
{
    private const string PingAndPush = "ping and push are still to come";
    private const string SignedRequests = "signed authentication requests are still to come";
    private const string BoundTokens = "mutual TLS and DPoP are still to come";
    private const string Fapi = "the FAPI-CIBA profile is still to come";
    private const string Registration = "dynamic registration is still to come";

    private static readonly string[] Kept =
    [
        "D1", "D3", "D4", "D5", "D6", "D7", "D8",
        "A1", "A2", "A2b", "A3", "A4", "A5", "A6", "A7", "A9", "A10", "A11", "A12", "A13", "A14", "A15", "A16", "A17", "A18", "A19", "A20", "A21", "A22",
        "T1", "T2", "T3", "T4", "T5", "T7", "T8", "T9", "T11", "T12", "T14",
        "I1", "I2", "I3", "I4",
        "U1", "U2", "U3", "U4", "U5",
    ];

    private static readonly Dictionary<string, string> ToCome = new()
    {
        ["D2"] = SignedRequests,
        ["A8"] = PingAndPush,
        ["R0"] = SignedRequests, ["R1"] = SignedRequests, ["R2"] = SignedRequests, ["R3"] = SignedRequests, ["R4"] = SignedRequests,
        ["R5"] = SignedRequests, ["R6"] = SignedRequests, ["R7"] = SignedRequests, ["R8"] = SignedRequests,
        ["T6"] = PingAndPush,
        ["T10"] = "long polling is still to come",
        ["T13"] = BoundTokens,
        ["P1"] = PingAndPush, ["P2"] = PingAndPush, ["P3"] = PingAndPush, ["P4"] = PingAndPush, ["P5"] = PingAndPush,
        ["P6"] = PingAndPush, ["P7"] = PingAndPush, ["P8"] = PingAndPush, ["P9"] = PingAndPush,
        ["I5"] = BoundTokens,
        ["I6"] = "authorization details are still to come",
        ["F1"] = Fapi, ["F2"] = Fapi, ["F3"] = Fapi, ["F4"] = Fapi, ["F5"] = Fapi, ["F6"] = Fapi, ["F7"] = Fapi, ["F8"] = Fapi, ["F9"] = Fapi,
        ["X1"] = Registration, ["X2"] = Registration, ["X3"] = Registration,
    };

    [Test]
    public void Every_statement_that_is_kept_has_a_test() =>
        Assert.That(string.Join(' ', Kept.Except(Named())), Is.Empty, "no test names these");

    [Test]
    public void Tests_name_statements_that_exist() =>
        Assert.That(string.Join(' ', Named().Except(Kept).Except(ToCome.Keys)), Is.Empty, "the requirements have no such statement");

    [Test]
    public void A_statement_is_kept_or_still_to_come() =>
        Assert.That(Kept.Concat(ToCome.Keys), Is.Unique);

    private static IEnumerable<string> Named()
    {
        var fixtures = typeof(SpecCoverageTests).Assembly.GetTypes();
        return fixtures.SelectMany(fixture => fixture.GetMethods())
            .Where(method => method.GetCustomAttributes().Any(attribute => attribute is TestAttribute or TestCaseAttribute or TestCaseSourceAttribute))
            .SelectMany(test => test.GetCustomAttributes<SpecAttribute>().Concat(test.ReflectedType!.GetCustomAttributes<SpecAttribute>()))
            .Select(spec => spec.Id)
            .Distinct()
            .Order(StringComparer.Ordinal);
    }
}
