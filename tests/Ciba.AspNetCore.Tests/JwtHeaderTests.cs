using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 7515 section 4.1: the members of the header that tell kind and key, at every place where a JWT comes in.</summary>
[Spec("A4"), Spec("A13"), Spec("R0")]
public sealed class JwtHeaderTests
{
    private static readonly string[] Untyped = ["JWT", "jwt", "application/JWT", "Application/jwt"];

    private static IEnumerable<TestCaseData> RightTypes =>
        from place in JwtPlace.All
        from type in Untyped.Concat(place.Name switch
        {
            "client_assertion" => ["client-authentication+jwt", "application/client-authentication+jwt", "APPLICATION/Client-Authentication+JWT"],
            "request" => ["oauth-authz-req+jwt", "application/oauth-authz-req+jwt"],
            _ => Array.Empty<string>(),
        })
        select new TestCaseData(place, type);

    private static IEnumerable<TestCaseData> WrongTypes =>
        from place in JwtPlace.All
        from type in new[]
        {
            "at+jwt", "application/at+jwt", "dpop+jwt", "logout+jwt", "entity-statement+jwt", "token-introspection+jwt", "text/JWT", "application/application/JWT", "application/", "JWT ", "JWS", "",
            place.Name == "client_assertion" ? "oauth-authz-req+jwt" : "client-authentication+jwt",
        }
        select new TestCaseData(place, type);

    private static IEnumerable<TestCaseData> WrongKeyIds =>
        from place in JwtPlace.All
        from kid in new[] { "42", "0", "null", "true", "[\"ec-256\"]", "{}", "\"\\ud800\"" }
        select new TestCaseData(place, kid);

    [TestCaseSource(nameof(RightTypes))]
    public async Task A_type_is_the_same_with_and_without_application_and_in_any_case(JwtPlace place, string type)
    {
        await using var host = JwtPlace.Host();

        var answer = await place.SendAsync(host, place.Right(host).Header("typ", TestJwt.Text(type)).Sign(JwtPlace.Key));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [TestCaseSource(nameof(WrongTypes))]
    public async Task A_JWT_of_another_kind_is_refused(JwtPlace place, string type)
    {
        await using var host = JwtPlace.Host();

        await place.RefusesAsync(host, type, place.Right(host).Header("typ", TestJwt.Text(type)).Sign(JwtPlace.Key));
    }

    [TestCaseSource(nameof(WrongKeyIds))]
    public async Task A_key_identifier_that_is_not_a_string_is_refused(JwtPlace place, string kid)
    {
        await using var host = JwtPlace.Host();

        await place.RefusesAsync(host, kid, place.Right(host).Header("kid", kid).Sign(JwtPlace.Key));
    }

    [TestCase("dpop+jwt"), TestCase("DPoP+JWT"), TestCase("application/dpop+jwt"), TestCase("Application/DPoP+jwt"), Spec("I5")]
    public async Task The_type_of_a_proof_is_the_same_with_and_without_application_and_in_any_case(string type)
    {
        await using var host = new CibaHost { Clients = [DpopCalls.BoundClient()] };
        var id = await host.ApprovedAsync();

        var tokens = await host.PollWithAsync(id, host.NewProof().Header("typ", TestJwt.Text(type)).Sign(DpopCalls.Key));

        Assert.That(tokens.Text("token_type"), Is.EqualTo("DPoP"), tokens.Body);
    }
}
