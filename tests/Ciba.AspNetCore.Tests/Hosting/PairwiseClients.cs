namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Clients with pairwise subjects, which prove that the keys at their <c>jwks_uri</c> are theirs.</summary>
public static class PairwiseClients
{
    private static readonly TestKey Key = TestKey.For("ES256");

    public static CibaClient Client(string id = "client", string jwksUri = FakeJwksUri.Url)
    {
        var client = CibaHost.Client(id, CibaClientAuthenticationMethods.PrivateKeyJwt);
        (client.ClientSecrets, client.SubjectType, client.JwksUri) = ([], "pairwise", jwksUri);
        return client;
    }

    /// <summary>A host with these clients, whose keys are all the same.</summary>
    public static CibaHost Host(params CibaClient[] clients) => new()
    {
        Clients = [.. clients],
        Setup = new FakeJwksUri(TestKey.Set(Key.Jwk())).Use,
        Tokens = options => options.PairwiseSubjectSalt = "a-salt-that-stays-the-same-for-ever",
    };

    /// <summary>What turns a right request into one of this client.</summary>
    public static (string Name, string? Value)[] Form(CibaHost host, string id = "client") => TestJwt.Form(new TestJwt(host, id).Sign(Key));
}
