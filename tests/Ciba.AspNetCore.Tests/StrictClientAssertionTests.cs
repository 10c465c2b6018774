using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>The strict form of client assertions, RFC 7523bis: for the issuer alone, and of a type of its own.</summary>
[Spec("A4")]
public sealed class StrictClientAssertionTests
{
    private const string Type = "\"client-authentication+jwt\"";
    private const string WrongAudience = "its aud must be a string, the issuer";
    private const string WrongType = "its typ must be client-authentication+jwt";

    private static readonly TestKey Key = TestKey.For("ES256");

    private static IEnumerable<TestCaseData> Wrong()
    {
        yield return new TestCaseData("\"https://id.example.com/token\"", Type, WrongAudience);
        yield return new TestCaseData("\"https://id.example.com/bc-authorize\"", Type, WrongAudience);
        yield return new TestCaseData("\"https://id.example.com/\"", Type, WrongAudience);
        yield return new TestCaseData("[\"https://id.example.com\"]", Type, WrongAudience);
        yield return new TestCaseData("[\"https://id.example.com\",\"https://elsewhere.example\"]", Type, WrongAudience);
        yield return new TestCaseData(null, Type, WrongAudience);
        yield return new TestCaseData("\"https://id.example.com\"", null, WrongType);
        yield return new TestCaseData("\"https://id.example.com\"", "\"JWT\"", WrongType);
        yield return new TestCaseData("\"https://id.example.com\"", "\"client-authentication\"", WrongType);
        yield return new TestCaseData("\"https://id.example.com\"", "1", WrongType);
    }

    [TestCaseSource(nameof(Wrong))]
    public async Task Another_audience_or_type_is_refused_where_the_strict_form_is_demanded(string? audience, string? type, string reason)
    {
        await using var provider = Host(options => options.RequireStrictClientAssertions = true);
        await using var client = Host(null, client => client.RequireStrictClientAssertions = true);

        foreach (var host in new[] { provider, client })
        {
            Refusal.IsProven(host, await AuthorizeAsync(host, audience, type), $"The client_assertion is refused: {reason}.");
        }
    }

    [TestCase(Type), TestCase("\"Client-Authentication+JWT\""), TestCase("\"application/client-authentication+jwt\"")]
    public async Task The_issuer_and_the_type_are_taken(string type)
    {
        await using var host = Host(options => options.RequireStrictClientAssertions = true);

        Assert.That((await AuthorizeAsync(host, "\"https://id.example.com\"", type)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Nothing_strict_is_demanded_of_other_clients_nor_by_default()
    {
        await using var host = Host(null, client => client.RequireStrictClientAssertions = true);

        var answer = await host.AuthorizeAsync(TestJwt.Form(new TestJwt(host, "other").Claim("aud", "[\"https://id.example.com/token\"]").Sign(Key)));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    private static Task<Answer> AuthorizeAsync(CibaHost host, string? audience, string? type) =>
        host.AuthorizeAsync(TestJwt.Form(new TestJwt(host).Claim("aud", audience).Header("typ", type).Sign(Key)));

    private static CibaHost Host(Action<CibaOptions>? options, Action<CibaClient>? change = null)
    {
        var client = ClientCalls.KeyClient("client", TestKey.Set(Key.Jwk()));
        change?.Invoke(client);
        return new CibaHost { Clients = [client, ClientCalls.KeyClient("other", TestKey.Set(Key.Jwk()))], Options = options };
    }
}
