using System.Reflection;

namespace Ciba.AspNetCore.Tests;

/// <summary>Every statement of the requirements that this version keeps has a test that names it.</summary>
public sealed class SpecCoverageTests
{
    private static readonly string[] Kept =
    [
        "D1", "D3", "D4", "D5", "D6", "D7", "D8",
        "A1", "A2", "A2b", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10", "A11", "A12", "A13", "A14", "A15", "A16", "A17", "A18", "A19", "A20", "A21", "A22",
        "T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "T10", "T11", "T12", "T13", "T14",
        "P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9",
        "I1", "I2", "I3", "I4", "I5", "I6",
        "U1", "U2", "U3", "U4", "U5",
    ];

    private static readonly Dictionary<string, string[]> ToComeWith = new()
    {
        ["signed authentication requests"] = ["D2", "R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8"],
        ["the FAPI-CIBA profile"] = ["F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9"],
        ["dynamic registration"] = ["X1", "X2", "X3"],
    };

    private static IEnumerable<string> ToCome => ToComeWith.Values.SelectMany(ids => ids);

    [Test]
    public void Every_statement_that_is_kept_has_a_test() =>
        Assert.That(string.Join(' ', Kept.Except(Named())), Is.Empty, "no test names these");

    [Test]
    public void Tests_name_statements_that_exist() =>
        Assert.That(string.Join(' ', Named().Except(Kept).Except(ToCome)), Is.Empty, "the requirements have no such statement");

    [Test]
    public void A_statement_is_kept_or_still_to_come() =>
        Assert.That(Kept.Concat(ToCome), Is.Unique);

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
