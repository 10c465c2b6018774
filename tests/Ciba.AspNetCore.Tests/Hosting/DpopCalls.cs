using System.Security.Cryptography;
using System.Text;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Proofs of possession (RFC 9449), right until a test changes something, and the calls that send them.</summary>
public static class DpopCalls
{
    public const string AuthorizeUrl = CibaHost.Issuer + ClientCalls.Authorize;
    public const string TokenUrl = CibaHost.Issuer + ClientCalls.Token;

    /// <summary>The key that proofs are signed with unless a test says otherwise.</summary>
    public static TestKey Key => TestKey.For("ES256");

    /// <summary>Switches DPoP on for a host that issues its tokens itself.</summary>
    public static void On(CibaOptions options) => options.Dpop.SigningAlgValuesSupported = ["ES256"];

    /// <summary>A client whose tokens are always bound.</summary>
    public static CibaClient BoundClient(string id = "client")
    {
        var client = CibaHost.Client(id);
        client.DpopBoundAccessTokens = true;
        return client;
    }

    /// <summary>A proof that is not signed yet.</summary>
    public static TestJwt NewProof(this CibaHost host, TestKey? key = null, string url = TokenUrl)
    {
        var proof = new TestJwt(host).Header("typ", "\"dpop+jwt\"").Header("jwk", (key ?? Key).Jwk().ToJsonString());
        foreach (var name in (string[])["iss", "sub", "aud", "exp"])
        {
            proof.Claim(name, null);
        }

        return proof.Claim("htm", "\"POST\"").Claim("htu", TestJwt.Text(url));
    }

    public static string Proof(this CibaHost host, string url = TokenUrl, TestKey? key = null) => host.NewProof(key, url).Sign(key ?? Key);

    /// <summary>A right poll with these headers.</summary>
    public static Task<Answer> PollWithAsync(this CibaHost host, string authReqId, params string[] proofs) =>
        host.PostAsync(ClientCalls.Token, [("client_id", host.Clients[0].ClientId), ("client_secret", CibaHost.Secret), ("grant_type", CibaHost.GrantType), ("auth_req_id", authReqId)], Send(proofs));

    /// <summary>A right authentication request with this header, and with parameters added.</summary>
    public static Task<Answer> AuthorizeWithAsync(this CibaHost host, string proof, params (string Name, string? Value)[] more) =>
        host.PostAsync(ClientCalls.Authorize, [("client_id", host.Clients[0].ClientId), ("client_secret", CibaHost.Secret), ("scope", "openid"), ("login_hint", "alice"), .. more], Send(proof));

    public static Action<HttpRequestMessage> Send(params string[] proofs) => request =>
    {
        foreach (var proof in proofs)
        {
            Assert.That(request.Headers.TryAddWithoutValidation("DPoP", proof));
        }
    };

    /// <summary>A request that the user has approved.</summary>
    public static async Task<string> ApprovedAsync(this CibaHost host, params (string Name, string? Value)[] changes)
    {
        var id = (await host.AuthorizeAsync(changes)).AuthReqId;
        Assert.That(await host.ApproveAsync(id), Is.EqualTo(CibaDecisionResult.Done));
        return id;
    }

    /// <summary>RFC 7638 section 3.</summary>
    public static string Thumbprint(TestKey key)
    {
        var jwk = key.Jwk();
        var members = ((string[])["crv", "e", "kty", "n", "x", "y"]).Where(jwk.ContainsKey).Select(name => $"\"{name}\":\"{jwk[name]}\"");
        return Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes($"{{{string.Join(',', members)}}}")));
    }

    /// <summary>The access token's <c>cnf</c>, or null.</summary>
    public static string? Confirmation(Answer tokens) =>
        ReceivedToken.Access(tokens).Claims.TryGetProperty("cnf", out var confirmation) ? confirmation.GetRawText() : null;

    /// <summary>What <see cref="Confirmation"/> is for a key.</summary>
    public static string BoundTo(TestKey? key = null) => $$"""{"jkt":"{{Thumbprint(key ?? Key)}}"}""";
}
