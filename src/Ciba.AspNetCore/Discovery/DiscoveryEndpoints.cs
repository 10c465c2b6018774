using System.Text.Json.Serialization;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Issuers;
using Ciba.AspNetCore.Jose;
using Ciba.AspNetCore.Profiles;
using Ciba.AspNetCore.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using static Ciba.AspNetCore.CibaClientAuthenticationMethods;

namespace Ciba.AspNetCore.Discovery;

/// <summary>Section 4, OpenID Connect Discovery section 4: what the provider says of itself, and its public keys.</summary>
internal sealed class DiscoveryEndpoints(IOptions<CibaOptions> options, ProviderKeys providerKeys, ICibaSigningKeys? signingKeys, IOptions<CibaJwtTokenIssuerOptions> issuer)
{
    // What an issuer of the host's own does with pairwise clients, the host knows.
    private bool HasPairwiseSubjects => options.Value.TokenSource != TokenSource.ReadyIssuer || issuer.Value.PairwiseSubjectSalt is not null;

    public async Task HandleDiscoveryAsync(HttpContext context)
    {
        var keys = await KeysAsync(context.RequestAborted);
        var urls = context.RequestServices.GetRequiredService<CibaTenant>().Urls;
        var document = AdditionalMetadata.ToJson(DiscoveryDocument.Of(urls, options.Value, keys, HasPairwiseSubjects));
        await CibaResults.PublishAsync(context, AdditionalMetadata.Merge(document, options.Value.Discovery.AdditionalMetadata), DiscoveryJson.Relaxed.JsonObject);
    }

    public async Task HandleJwksAsync(HttpContext context) =>
        await CibaResults.PublishAsync(context, new PublicKeySet(await KeysAsync(context.RequestAborted)), DiscoveryJson.Relaxed.PublicKeySet);

    private async ValueTask<IReadOnlyList<PublicKey>> KeysAsync(CancellationToken cancellationToken) => signingKeys is null
        ? []
        : [.. (await providerKeys.GetAsync(signingKeys, cancellationToken)).Select(key => key.Published)];
}

/// <summary>The discovery document. What stands here without a value set is what this version can do.</summary>
internal sealed record DiscoveryDocument
{
    [JsonPropertyName("issuer")]
    public required string Issuer { get; init; }

    [JsonPropertyName("token_endpoint")]
    public required string TokenEndpoint { get; init; }

    [JsonPropertyName("backchannel_authentication_endpoint")]
    public required string BackchannelAuthenticationEndpoint { get; init; }

    [JsonPropertyName("jwks_uri")]
    public required string JwksUri { get; init; }

    [JsonPropertyName("backchannel_token_delivery_modes_supported")]
    public required string[] BackchannelTokenDeliveryModesSupported { get; init; }

    [JsonPropertyName("backchannel_user_code_parameter_supported")]
    public bool BackchannelUserCodeParameterSupported { get; } = true;

    [JsonPropertyName("backchannel_authentication_request_signing_alg_values_supported")]
    public string[]? BackchannelAuthenticationRequestSigningAlgValuesSupported { get; init; }

    [JsonPropertyName("grant_types_supported")]
    public string[] GrantTypesSupported { get; } = [CibaGrantTypes.Ciba];

    [JsonPropertyName("response_types_supported")]
    public string[] ResponseTypesSupported { get; } = [];

    [JsonPropertyName("scopes_supported")]
    public required string[] ScopesSupported { get; init; }

    [JsonPropertyName("subject_types_supported")]
    public required string[] SubjectTypesSupported { get; init; }

    [JsonPropertyName("token_endpoint_auth_methods_supported")]
    public required string[] TokenEndpointAuthMethodsSupported { get; init; }

    [JsonPropertyName("token_endpoint_auth_signing_alg_values_supported")]
    public required string[] TokenEndpointAuthSigningAlgValuesSupported { get; init; }

    [JsonPropertyName("id_token_signing_alg_values_supported")]
    public required string[] IdTokenSigningAlgValuesSupported { get; init; }

    [JsonPropertyName("acr_values_supported")]
    public string[]? AcrValuesSupported { get; init; }

    [JsonPropertyName("authorization_details_types_supported")]
    public string[]? AuthorizationDetailsTypesSupported { get; init; }

    [JsonPropertyName("claims_parameter_supported")]
    public bool ClaimsParameterSupported { get; } = true;

    // OpenID Connect Discovery section 3: without it the parameter would be taken for supported.
    [JsonPropertyName("request_uri_parameter_supported")]
    public bool RequestUriParameterSupported { get; }

    [JsonPropertyName("tls_client_certificate_bound_access_tokens")]
    public bool? TlsClientCertificateBoundAccessTokens { get; init; }

    [JsonPropertyName("mtls_endpoint_aliases")]
    public EndpointAliases? MtlsEndpointAliases { get; init; }

    [JsonPropertyName("dpop_signing_alg_values_supported")]
    public string[]? DpopSigningAlgValuesSupported { get; init; }

    /// <param name="urls">Where the endpoints are.</param>
    /// <param name="options">What is switched on.</param>
    /// <param name="keys">What ID Tokens are signed with.</param>
    /// <param name="hasPairwiseSubjects">Whether clients may have <c>SubjectType</c> <c>pairwise</c>.</param>
    public static DiscoveryDocument Of(ProviderUrls urls, CibaOptions options, IReadOnlyList<PublicKey> keys, bool hasPairwiseSubjects) => new()
    {
        TokenEndpointAuthMethodsSupported = AuthMethods(options),
        TokenEndpointAuthSigningAlgValuesSupported = options.Profile == CibaProfile.FapiCiba ? FapiCiba.Algorithms : [.. JoseAlgorithms.Asymmetric, .. JoseAlgorithms.Symmetric],
        BackchannelAuthenticationRequestSigningAlgValuesSupported = ListOrNone(options.RequestSigningAlgorithms),
        TlsClientCertificateBoundAccessTokens = options.MutualTls.Enabled ? true : null,
        MtlsEndpointAliases = urls.MtlsEndpointAliases,
        DpopSigningAlgValuesSupported = ListOrNone(options.DpopAlgorithms),
        Issuer = urls.Issuer,
        TokenEndpoint = urls.TokenEndpoint,
        BackchannelAuthenticationEndpoint = urls.BackchannelAuthenticationEndpoint,
        JwksUri = urls.JwksUri,
        BackchannelTokenDeliveryModesSupported = [.. options.DeliveryModes.Distinct()],
        ScopesSupported = [.. options.ScopesSupported.Prepend("openid").Distinct()],
        SubjectTypesSupported = hasPairwiseSubjects ? ["public", "pairwise"] : ["public"],
        IdTokenSigningAlgValuesSupported = [.. keys.Select(key => key.Algorithm!).Distinct().Where(algorithm => options.Profile != CibaProfile.FapiCiba || FapiCiba.Algorithms.Contains(algorithm))],
        AcrValuesSupported = ListOrNone(options.AcrValuesSupported),
        AuthorizationDetailsTypesSupported = ListOrNone(options.AuthorizationDetailsTypesSupported),
    };

    private static string[] AuthMethods(CibaOptions options) =>
    [
        .. options.Profile == CibaProfile.FapiCiba ? (string[])[PrivateKeyJwt] : [ClientSecretBasic, ClientSecretPost, ClientSecretJwt, PrivateKeyJwt],
        .. options.MutualTls is { Enabled: true } and ({ TrustedAuthorities.Count: > 0 } or { TrustedAuthorityFiles.Count: > 0 }) ? (string[])[TlsClientAuth] : [],
        .. options.MutualTls.Enabled ? (string[])[SelfSignedTlsClientAuth] : [],
    ];

    private static string[]? ListOrNone(IList<string> values) => values.Count > 0 ? [.. values.Distinct()] : null;
}
