namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Clients that sign their authentication requests, and a request that is right until a test changes something.</summary>
public static class SignedCalls
{
    public static readonly TestKey Key = TestKey.For("ES256");

    /// <summary>A client that authenticates by a secret and signs its requests with the key by value.</summary>
    public static CibaClient Client(string id = "client", string algorithm = "ES256", TestKey? key = null)
    {
        var client = CibaHost.Client(id);
        client.BackchannelAuthenticationRequestSigningAlg = algorithm;
        client.Jwks = TestKey.Set((key ?? TestKey.For(algorithm)).Jwk());
        return client;
    }

    /// <summary>A host whose first client signs with ES256; another has a key of its own, and a third signs nothing.</summary>
    public static CibaHost Host(Action<CibaOptions>? options = null) => new()
    {
        Clients = [Client(), Client("other", key: TestKey.Ec("other")), CibaHost.Client("plain")],
        Options = more =>
        {
            more.Limits.SwitchOff();
            options?.Invoke(more);
        },
    };

    /// <summary>The request as a JWT that asks for alice.</summary>
    public static TestJwt Jwt(CibaHost host, string clientId = "client") => new TestJwt(host, clientId)
        .Claim("sub", null)
        .Claim("nbf", TestJwt.Seconds(host.Time.GetUtcNow()))
        .Claim("scope", "\"openid\"")
        .Claim("login_hint", "\"alice\"");

    public static Task<Answer> SignedAsync(this CibaHost host, TestJwt jwt, params (string Name, string? Value)[] changes) => host.SignedAsync(jwt.Sign(Key), changes);

    /// <summary>A call whose parameters all stand in the JWT.</summary>
    public static Task<Answer> SignedAsync(this CibaHost host, string request, params (string Name, string? Value)[] changes) =>
        host.AuthorizeAsync([("scope", null), ("login_hint", null), ("request", request), .. changes]);

    /// <summary>That the request is refused by this sentence, and nothing came of it.</summary>
    public static async Task RefusesAsync(this CibaHost host, TestJwt jwt, string description) => await host.RefusesAsync(await host.SignedAsync(jwt), description);

    public static async Task RefusesAsync(this CibaHost host, Answer answer, string description)
    {
        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo(description));
    }
}
