using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using System.Text;
using Ciba.AspNetCore.Jose;
using Ciba.AspNetCore.Profiles;
using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore.Clients;

/// <summary>What is worked out of a <see cref="CibaClient"/> once, and kept for as long as the instance lives.</summary>
internal sealed class RegisteredClient
{
    private static readonly ConditionalWeakTable<CibaClient, RegisteredClient> Known = [];

    private RegisteredClient(CibaClient client)
    {
        Client = client;
        Problems = ClientRules.Check(client);

        // With problems too: only a client that has shown its secret is told that it has any.
        SecretDigests = [.. (client.ClientSecrets ?? []).Where(secret => !string.IsNullOrEmpty(secret) && !ClientSecret.IsBrokenHash(secret)).Select(ClientSecret.Digest)];
        if (Problems.Count > 0)
        {
            return;
        }

        MayUseCiba = ClientRules.MayUseCiba(client);
        Scopes = client.Scopes.Append("openid").ToFrozenSet(StringComparer.Ordinal);
        AssertionAlgorithms = ClientRules.AssertionAlgorithms(client);
        var publicKeys = client.Jwks is { } jwks && UsesPublicKeys(client) ? ReadKeySets.Get(jwks, out _) : null;
        Keys = client.TokenEndpointAuthMethod switch
        {
            CibaClientAuthenticationMethods.ClientSecretJwt => SecretKeys(client),
            CibaClientAuthenticationMethods.PrivateKeyJwt or CibaClientAuthenticationMethods.SelfSignedTlsClientAuth => publicKeys,
            _ => null,
        };
        RequestKeys = client.BackchannelAuthenticationRequestSigningAlg is null ? null : publicKeys;
        CertificateName = client.TokenEndpointAuthMethod == CibaClientAuthenticationMethods.TlsClientAuth ? CertificateName.Of(client, out _) : null;
    }

    public CibaClient Client { get; }

    /// <summary>What is wrong with the registration; a client with problems is refused.</summary>
    public IReadOnlyList<string> Problems { get; }

    /// <summary>What is wrong with the registration where the FAPI-CIBA profile applies.</summary>
    public IReadOnlyList<string> FapiProblems => field ??= [.. FapiCiba.Check(Client).Select(problem => $"Client '{Client.ClientId}': FAPI-CIBA: {problem}.")];

    public bool MayUseCiba { get; }

    public string TokenDeliveryMode => Client.BackchannelTokenDeliveryMode ?? CibaTokenDeliveryModes.Poll;

    public FrozenSet<string> Scopes { get; } = [];

    public byte[][] SecretDigests { get; } = [];

    public IReadOnlyList<string> AssertionAlgorithms { get; } = [];

    /// <summary>With <c>tls_client_auth</c>, the name that the client's certificate has.</summary>
    public CertificateName? CertificateName { get; }

    /// <summary>The keys of the client's assertions, or its certificates, null where they are to be fetched from <c>jwks_uri</c>.</summary>
    public ClientKeySet? Keys { get; }

    /// <summary>The keys of the client's signed authentication requests, null where they are to be fetched from <c>jwks_uri</c>.</summary>
    public ClientKeySet? RequestKeys { get; }

    public static RegisteredClient Of(CibaClient client) => Known.GetValue(client, static client => new RegisteredClient(client));

    private static bool UsesPublicKeys(CibaClient client) =>
        client.BackchannelAuthenticationRequestSigningAlg is not null
        || client.TokenEndpointAuthMethod is CibaClientAuthenticationMethods.PrivateKeyJwt or CibaClientAuthenticationMethods.SelfSignedTlsClientAuth;

    private static ClientKeySet SecretKeys(CibaClient client) => new([
        .. from secret in client.ClientSecrets
           let key = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(secret))
           from algorithm in JoseAlgorithms.Symmetric
           where JoseAlgorithms.WhyNot(algorithm, key) is null
           select SignatureKey.ForVerifying(key, algorithm)]);
}
