using System.Text;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>The clients that tests of client authentication need, and their calls to either endpoint.</summary>
public static class ClientCalls
{
    public const string Authorize = "/bc-authorize";
    public const string Token = "/token";

    /// <summary>A well-formed <c>auth_req_id</c> that nobody was given.</summary>
    public const string UnknownRequest = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// <summary>A client of <c>private_key_jwt</c> with these keys by value.</summary>
    public static CibaClient KeyClient(string id, string jwks, string? algorithm = null)
    {
        var client = CibaHost.Client(id, CibaClientAuthenticationMethods.PrivateKeyJwt);
        client.ClientSecrets = [];
        client.Jwks = jwks;
        client.TokenEndpointAuthSigningAlg = algorithm;
        return client;
    }

    /// <summary>A client of <c>client_secret_jwt</c>.</summary>
    public static CibaClient MacClient(string id, string secret = CibaHost.Secret, string? algorithm = null)
    {
        var client = CibaHost.Client(id, CibaClientAuthenticationMethods.ClientSecretJwt);
        client.ClientSecrets = [secret];
        client.TokenEndpointAuthSigningAlg = algorithm;
        return client;
    }

    /// <summary>A host whose first client has the P-256 key of <see cref="TestKey.For"/> by value.</summary>
    public static CibaHost KeyHost(TimeSpan uptime = default) => new() { Clients = [KeyClient("client", TestKey.Set(TestKey.For("ES256").Jwk()))], Uptime = uptime };

    /// <summary>A call that is right but for the client authentication, of which there is only what the test states.</summary>
    public static Task<Answer> CallAsync(this CibaHost host, string endpoint, string[] authorization, params (string Name, string? Value)[] fields) =>
        host.PostAsync(
            endpoint,
            [.. endpoint == Authorize ? [("scope", "openid"), ("login_hint", "alice")] : new (string, string?)[] { ("grant_type", CibaHost.GrantType), ("auth_req_id", UnknownRequest) }, .. fields],
            request =>
            {
                if (authorization.Length > 0)
                {
                    request.Headers.TryAddWithoutValidation("Authorization", authorization);
                }
            });

    public static string Basic(string text) => $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(text))}";

    /// <summary>Whether the call got past client authentication.</summary>
    public static bool IsAuthenticated(this Answer answer) => answer.Json.TryGetProperty("auth_req_id", out _) || answer.Error == "invalid_grant";
}
