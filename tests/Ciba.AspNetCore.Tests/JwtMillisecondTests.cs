using System.Globalization;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 7519 section 2: times are seconds. Who has sent milliseconds is told so, once it is known who that is.</summary>
[Spec("A4"), Spec("R2")]
public sealed class JwtMillisecondTests
{
    private static readonly TestKey Stranger = TestKey.Ec("ec-256");

    private static IEnumerable<TestCaseData> Times =>
        from place in JwtPlace.All
        from name in place.Times
        select new TestCaseData(place, name);

    [TestCaseSource(nameof(Times))]
    public async Task Milliseconds_are_told(JwtPlace place, string name)
    {
        await using var host = JwtPlace.Host();

        var answer = await place.SendAsync(host, place.Right(host).Claim(name, Milliseconds(host)).Sign(JwtPlace.Key));

        await Refusal.LeavesNothingAsync(host, answer, place.Error, place.Error == "invalid_client" ? 401 : 400);
        Assert.That(answer.Description, Is.EqualTo($"The {place.Name} is refused: its {name} is in milliseconds: seconds since 1970-01-01T00:00:00Z are expected (RFC 7519 section 2)."));
    }

    [TestCaseSource(nameof(Times))]
    public async Task A_stranger_is_told_nothing_of_times(JwtPlace place, string name)
    {
        await using var host = JwtPlace.Host();

        var answer = await place.SendAsync(host, place.Right(host).Claim(name, Milliseconds(host)).Sign(Stranger));

        Assert.That((answer.Error, answer.Description), Is.EqualTo((place.Error, (await place.SendAsync(host, place.Right(host).Sign(Stranger))).Description)));
    }

    [TestCase("iat"), TestCase("exp"), TestCase("nbf"), Spec("I5")]
    public async Task Milliseconds_in_a_proof_are_told(string name)
    {
        await using var host = new CibaHost { Clients = [DpopCalls.BoundClient()] };
        var id = await host.ApprovedAsync();

        var answer = await host.PollWithAsync(id, host.NewProof().Claim(name, Milliseconds(host)).Sign(DpopCalls.Key));

        Refusal.Says(answer, "invalid_dpop_proof");
        Assert.That(answer.Description, Is.EqualTo($"The DPoP proof is refused: its {name} is in milliseconds: seconds since 1970-01-01T00:00:00Z are expected (RFC 7519 section 2)."));
    }

    [TestCase("999999999999"), TestCase("10000000000000")]
    public async Task Other_numbers_are_not_taken_for_milliseconds(string number)
    {
        await using var host = SignedCalls.Host();

        await host.RefusesAsync(SignedCalls.Jwt(host).Claim("exp", number), "The request is refused: exp is required and is a number of seconds.");
    }

    private static string Milliseconds(CibaHost host) => host.Time.GetUtcNow().AddMinutes(1).ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
}
