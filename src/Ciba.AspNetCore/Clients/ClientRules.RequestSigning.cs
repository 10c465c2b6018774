using Ciba.AspNetCore.Jose;

namespace Ciba.AspNetCore.Clients;

/// <summary>Section 4, <c>backchannel_authentication_request_signing_alg</c>.</summary>
internal static partial class ClientRules
{
    /// <summary>What stands against a client whose requests are signed with an algorithm that is switched off; null where it is on.</summary>
    public static string? RequestSigningIsOff(CibaClient client, CibaOptions options) =>
        client.BackchannelAuthenticationRequestSigningAlg is { } algorithm && JoseAlgorithms.Asymmetric.Contains(algorithm) && !options.RequestSigningAlgorithms.Contains(algorithm)
            ? $"Client '{client.ClientId}': BackchannelAuthenticationRequestSigningAlg '{algorithm}' is switched off; add it to CibaOptions.BackchannelAuthenticationRequestSigningAlgValuesSupported, or "
                + (options.RequestSigningAlgorithms.Count == 0 ? "leave it out." : $"use {string.Join(", ", options.RequestSigningAlgorithms)}.")
            : null;

    private static string? RequestSigning(CibaClient client) => client switch
    {
        { BackchannelAuthenticationRequestSigningAlg: null } => null,
        { BackchannelAuthenticationRequestSigningAlg: { } algorithm } when !JoseAlgorithms.Asymmetric.Contains(algorithm) =>
            $"BackchannelAuthenticationRequestSigningAlg '{algorithm}' is not an asymmetric algorithm; use one of {string.Join(", ", JoseAlgorithms.Asymmetric)}",
        { Jwks: null, JwksUri: null } => "BackchannelAuthenticationRequestSigningAlg needs the client's public keys: Jwks or JwksUri",
        { Jwks: { } jwks, BackchannelAuthenticationRequestSigningAlg: { } algorithm }
            when ReadKeySets.Get(jwks, out _) is { } keys && !keys.Has(algorithm) =>
            $"Jwks holds no key for the BackchannelAuthenticationRequestSigningAlg {algorithm}",
        _ => null,
    };
}
