using static Ciba.AspNetCore.CibaClientAuthenticationMethods;

namespace Ciba.AspNetCore.Profiles;

/// <summary>
/// Financial-grade API: CIBA profile, with what it takes over from FAPI 1.0 part 2: what it forbids, each with the sentence that
/// says so. What a registration must hold is looked at when the host starts and at every request.
/// </summary>
internal static class FapiCiba
{
    /// <summary>FAPI 1.0 part 2, section 8.6.</summary>
    public static readonly string[] Algorithms = ["PS256", "ES256"];

    /// <summary>FAPI 1.0 part 2, section 5.2.2-14.</summary>
    public static readonly string[] AuthenticationMethods = [PrivateKeyJwt, TlsClientAuth, SelfSignedTlsClientAuth];

    public static bool AppliesTo(CibaClient client, CibaOptions options) =>
        options.Profile == CibaProfile.FapiCiba || client.Profile == CibaProfile.FapiCiba;

    /// <summary>What a client's registration must hold.</summary>
    public static IEnumerable<string> Check(CibaClient client)
    {
        if (client.BackchannelTokenDeliveryMode == CibaTokenDeliveryModes.Push)
        {
            yield return "BackchannelTokenDeliveryMode 'push' is forbidden; use poll or ping";
        }

        if (!AuthenticationMethods.Contains(client.TokenEndpointAuthMethod))
        {
            yield return $"TokenEndpointAuthMethod '{client.TokenEndpointAuthMethod}' is forbidden; use one of {string.Join(", ", AuthenticationMethods)}";
        }

        if (client.BackchannelAuthenticationRequestSigningAlg is null)
        {
            yield return "BackchannelAuthenticationRequestSigningAlg is missing: requests must be signed; use PS256 or ES256";
        }

        if (!client.HasBoundAccessTokens)
        {
            yield return "TlsClientCertificateBoundAccessTokens or DpopBoundAccessTokens must be true: access tokens must be bound to a key";
        }

        foreach (var (name, algorithm) in new[]
        {
            (nameof(client.TokenEndpointAuthSigningAlg), client.TokenEndpointAuthSigningAlg),
            (nameof(client.BackchannelAuthenticationRequestSigningAlg), client.BackchannelAuthenticationRequestSigningAlg),
            (nameof(client.IdTokenSignedResponseAlg), client.IdTokenSignedResponseAlg),
        })
        {
            if (algorithm is not null && !Algorithms.Contains(algorithm))
            {
                yield return $"{name} '{algorithm}' is forbidden; use PS256 or ES256";
            }
        }
    }

    /// <summary>What the options of a provider with this profile must hold, beyond what they say of themselves.</summary>
    public static IEnumerable<string> Check(CibaOptions options)
    {
        if (options.BackchannelTokenDeliveryModesSupported?.Contains(CibaTokenDeliveryModes.Push) is true)
        {
            yield return $"{nameof(options.BackchannelTokenDeliveryModesSupported)} holds push, which is forbidden: leave it out";
        }

        // Section 5.2.2-4.
        if (options.BackchannelTokenDeliveryModesSupported?.Contains(CibaTokenDeliveryModes.Poll) is false)
        {
            yield return $"{nameof(options.BackchannelTokenDeliveryModesSupported)} lacks poll, which must be supported: add it";
        }

        if (options.RequestSigningAlgorithms.Count == 0 || options.RequestSigningAlgorithms.Except(Algorithms).Any())
        {
            yield return $"{nameof(options.BackchannelAuthenticationRequestSigningAlgValuesSupported)} must be PS256, ES256 or both, or not set";
        }

        if (options.DpopAlgorithms.Except(Algorithms).Any())
        {
            yield return $"{nameof(options.Dpop)}.{nameof(options.Dpop.SigningAlgValuesSupported)} must be PS256, ES256, both or empty, or not set";
        }

        if (options.DpopAlgorithms.Count == 0 && !options.MutualTls.Enabled)
        {
            yield return $"{nameof(options.MutualTls)} is off and {nameof(options.Dpop)} too: access tokens must be bound by one of them";
        }
    }
}
