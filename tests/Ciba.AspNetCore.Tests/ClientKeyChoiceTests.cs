using System.Net;
using System.Text.Json.Nodes;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 7515 section 4.1.4, RFC 7517 section 4.5: which of a client's keys a signature is checked with. Each check costs time, and anybody may send junk.</summary>
[Spec("R1")]
public sealed class ClientKeyChoiceTests
{
    private static readonly TestKey[] Keys = [.. Enumerable.Range(0, 8).Select(number => TestKey.Ec($"key-{number}"))];

    [Test]
    public async Task Without_a_kid_the_first_four_keys_of_the_algorithm_are_tried()
    {
        await using var host = Host([TestKey.For("RS256").Jwk(), TestKey.For("ES384").Jwk(), Keys[7].Jwk(("use", "enc")), Keys[7].Jwk(("alg", "ES384")), .. Keys.Select(key => key.Jwk())]);

        Assert.That(await TakenAsync(host, key => SignedCalls.Jwt(host).Header("kid", null).Sign(key)), Is.EqualTo("key-0 key-1 key-2 key-3"));
    }

    [Test]
    public async Task With_a_kid_its_key_is_tried_wherever_it_stands()
    {
        await using var host = Host([.. Keys.Select(key => key.Jwk())]);

        Assert.That(await TakenAsync(host, key => SignedCalls.Jwt(host).Sign(key)), Is.EqualTo(string.Join(' ', Keys.Select(key => key.KeyId))));
    }

    [Test]
    public async Task Keys_without_a_kid_are_tried_after_the_one_that_is_named()
    {
        await using var host = Host([.. Keys[..6].Select(key => key.Jwk(("kid", null))), Keys[6].Jwk(("kid", "named")), Keys[7].Jwk()]);

        var taken = await TakenAsync(host, key => SignedCalls.Jwt(host).Header("kid", "\"named\"").Sign(key));

        Assert.That(taken, Is.EqualTo("key-0 key-1 key-2 key-6"));
    }

    [Test]
    public async Task Of_keys_with_one_kid_four_are_tried()
    {
        await using var host = Host([.. Keys.Select(key => key.Jwk(("kid", "same")))]);

        Assert.That(await TakenAsync(host, key => SignedCalls.Jwt(host).Header("kid", "\"same\"").Sign(key)), Is.EqualTo("key-0 key-1 key-2 key-3"));
    }

    [Test, Spec("A3")]
    public async Task Each_of_many_secrets_is_tried()
    {
        var client = ClientCalls.MacClient("client");
        client.ClientSecrets = [.. Enumerable.Range(0, 8).Select(number => $"{CibaHost.Secret}-{number}")];
        await using var host = new CibaHost { Clients = [client] };

        var answer = await host.CallAsync(ClientCalls.Authorize, [], TestJwt.Form(new TestJwt(host).Mac(client.ClientSecrets[7])));

        Assert.That(answer.IsAuthenticated(), answer.Body);
    }

    private static CibaHost Host(params JsonObject[] jwks)
    {
        var client = SignedCalls.Client();
        client.Jwks = TestKey.Set(jwks);
        return new CibaHost { Clients = [client], Options = options => options.Limits.SwitchOff() };
    }

    private static async Task<string> TakenAsync(CibaHost host, Func<TestKey, string> sign)
    {
        var taken = new List<string>();
        foreach (var key in Keys)
        {
            var answer = await host.SignedAsync(sign(key));
            if (answer.Status == HttpStatusCode.OK)
            {
                taken.Add(key.KeyId);
            }
            else
            {
                Assert.That(answer.Description, Is.EqualTo("The request is refused: no key of the client verifies its signature."));
            }
        }

        return string.Join(' ', taken);
    }
}
