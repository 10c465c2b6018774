namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>
/// A place where JWTs of others come in. All are signed with the same key, so that nothing but the checks of the place keeps one
/// JWT from being taken for another.
/// </summary>
/// <param name="Name">The parameter.</param>
/// <param name="Error">What a refusal is; its status goes with it.</param>
/// <param name="Texts">The claims that must be strings, and the right ones.</param>
/// <param name="Times">The claims that must be a NumericDate.</param>
/// <param name="MaxLength">What is longer is not decoded.</param>
/// <param name="Right">One that is taken.</param>
/// <param name="SendAsync">An authentication request with the JWT in this place, right in all else.</param>
public sealed record JwtPlace(
    string Name,
    string Error,
    string[] Texts,
    string[] Times,
    int MaxLength,
    Func<CibaHost, TestJwt> Right,
    Func<CibaHost, string, Task<Answer>> SendAsync)
{
    public static readonly TestKey Key = TestKey.For("ES256");

    public static readonly JwtPlace[] All =
    [
        new(
            "client_assertion",
            "invalid_client",
            ["iss", "sub", "aud", "jti"],
            ["exp", "iat", "nbf"],
            16 * 1024,
            host => new TestJwt(host, "asserting"),
            (host, jwt) => host.CallAsync(ClientCalls.Authorize, [], TestJwt.Form(jwt))),
        new(
            "request",
            "invalid_request",
            ["iss", "aud", "jti", "scope", "login_hint"],
            ["exp", "iat", "nbf"],
            64 * 1024,
            host => SignedCalls.Jwt(host, "signing"),
            (host, jwt) => host.SignedAsync(jwt, ("client_id", "signing"))),
        new(
            "id_token_hint",
            "invalid_request",
            ["iss", "sub", "aud"],
            [],
            16 * 1024,
            host => new TestJwt(host).Claim("iss", TestJwt.Text(CibaHost.Issuer)).Claim("aud", "\"plain\"").Claim("sub", "\"sub-alice\""),
            (host, jwt) => host.AuthorizeAsync(("client_id", "plain"), ("login_hint", null), ("id_token_hint", jwt))),
    ];

    /// <summary>A host with a client for each place. Their keys, and the provider's, are all the same.</summary>
    public static CibaHost Host()
    {
        var jwks = TestKey.Set(Key.Jwk(), TestKey.For("RS256").Jwk());
        var signing = SignedCalls.Client("signing");
        signing.Jwks = jwks;
        return new CibaHost
        {
            Clients = [ClientCalls.KeyClient("asserting", jwks), signing, CibaHost.Client("plain")],
            Options = options => options.Limits.SwitchOff(),
            Tokens = options => options.SigningCredentials = [Key.Credentials()],
        };
    }

    /// <summary>That the JWT is refused as this place refuses, or as no readable form, and nothing came of it.</summary>
    public async Task RefusesAsync(CibaHost host, string attack, string jwt)
    {
        var answer = await SendAsync(host, jwt);
        Assert.That(answer.Error, Is.EqualTo(Error).Or.EqualTo("invalid_request"), $"{attack}: {answer.Body}");
        await Refusal.LeavesNothingAsync(host, answer, answer.Error!, answer.Error == "invalid_client" ? 401 : 400);
        Assert.That(host.Users.Hints, Is.Empty, attack);
    }

    public override string ToString() => Name;
}
