using System.Text.Json.Serialization;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Jose;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using static Ciba.AspNetCore.CibaClientAuthenticationMethods;

namespace Ciba.AspNetCore.Discovery;

/// <summary>Section 4, OpenID Connect Discovery section 4: what the provider says of itself, and its public keys.</summary>
internal sealed class DiscoveryEndpoints(IOptions<CibaOptions> options, ICibaSigningKeys? signingKeys)
{
    public async Task HandleDiscoveryAsync(HttpContext context)
    {
        var keys = await KeysAsync(context.RequestAborted);
        var urls = context.RequestServices.GetRequiredService<CibaTenant>().Urls;
        await CibaResults.PublishAsync(context, DiscoveryDocument.Of(urls, options.Value, keys), WireJson.Relaxed.DiscoveryDocument);
    }

    public async Task HandleJwksAsync(HttpContext context) =>
        await CibaResults.PublishAsync(context, new PublicKeySet(await KeysAsync(context.RequestAborted)), WireJson.Relaxed.PublicKeySet);

    private async ValueTask<IReadOnlyList<PublicKey>> KeysAsync(CancellationToken cancellationToken) => signingKeys is null
        ? []
        : [.. (await signingKeys.GetAsync(cancellationToken)).Select(credentials => PublicKey.From(credentials.Key, credentials.Algorithm))];
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

    [JsonPropertyName("grant_types_supported")]
    public string[] GrantTypesSupported { get; } = [Token.TokenEndpoint.GrantType];

    [JsonPropertyName("response_types_supported")]
    public string[] ResponseTypesSupported { get; } = [];

    [JsonPropertyName("scopes_supported")]
    public required string[] ScopesSupported { get; init; }

    [JsonPropertyName("subject_types_supported")]
    public string[] SubjectTypesSupported { get; } = ["public", "pairwise"];

    [JsonPropertyName("token_endpoint_auth_methods_supported")]
    public string[] TokenEndpointAuthMethodsSupported { get; } = [ClientSecretBasic, ClientSecretPost, ClientSecretJwt, PrivateKeyJwt];

    [JsonPropertyName("token_endpoint_auth_signing_alg_values_supported")]
    public string[] TokenEndpointAuthSigningAlgValuesSupported { get; } = [.. JoseAlgorithms.Asymmetric, .. JoseAlgorithms.Symmetric];

    [JsonPropertyName("id_token_signing_alg_values_supported")]
    public required string[] IdTokenSigningAlgValuesSupported { get; init; }

    [JsonPropertyName("acr_values_supported")]
    public string[]? AcrValuesSupported { get; init; }

    [JsonPropertyName("authorization_details_types_supported")]
    public string[]? AuthorizationDetailsTypesSupported { get; init; }

    [JsonPropertyName("claims_parameter_supported")]
    public bool ClaimsParameterSupported { get; }

    public static DiscoveryDocument Of(ProviderUrls urls, CibaOptions options, IReadOnlyList<PublicKey> keys) => new()
    {
        Issuer = urls.Issuer,
        TokenEndpoint = urls.TokenEndpoint,
        BackchannelAuthenticationEndpoint = urls.BackchannelAuthenticationEndpoint,
        JwksUri = urls.JwksUri,
        BackchannelTokenDeliveryModesSupported = [.. options.DeliveryModes.Distinct()],
        ScopesSupported = [.. options.ScopesSupported.Prepend("openid").Distinct()],
        IdTokenSigningAlgValuesSupported = [.. keys.Select(key => key.Algorithm!).Distinct()],
        AcrValuesSupported = options.AcrValuesSupported.Count > 0 ? [.. options.AcrValuesSupported] : null,
        AuthorizationDetailsTypesSupported = options.AuthorizationDetailsTypesSupported.Count > 0 ? [.. options.AuthorizationDetailsTypesSupported] : null,
    };
}
