using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Issuers;

/// <summary>RFC 8705 section 5: the same endpoints where client certificates are asked for.</summary>
internal sealed record EndpointAliases(
    [property: JsonPropertyName("token_endpoint")] string TokenEndpoint,
    [property: JsonPropertyName("backchannel_authentication_endpoint")] string BackchannelAuthenticationEndpoint);

/// <summary>The provider's addresses as the world sees them: the issuer, and each path behind it.</summary>
internal sealed class ProviderUrls(string issuer, IOptions<CibaOptions> options)
{
    public string Issuer { get; } = issuer;

    public string BackchannelAuthenticationEndpoint => field ??= Base + options.Value.BackchannelAuthenticationPath;

    public string TokenEndpoint => field ??= Base + options.Value.TokenPath;

    public string JwksUri => field ??= Base + options.Value.JwksPath;

    /// <summary>RFC 8705 section 5: where a server with an address of its own asks for certificates; null where there is none.</summary>
    public EndpointAliases? MtlsEndpointAliases => field ??= options.Value.MutualTls is { Enabled: true, BaseAddress: { } address }
        ? new EndpointAliases(At(address, TokenEndpoint), At(address, BackchannelAuthenticationEndpoint))
        : null;

    /// <summary>CIBA section 7.1: whom a client's assertion may be for; the same endpoint at its other address too.</summary>
    public string[] AssertionAudiences => field ??= MtlsEndpointAliases is { } there
        ? [Issuer, TokenEndpoint, BackchannelAuthenticationEndpoint, there.TokenEndpoint, there.BackchannelAuthenticationEndpoint]
        : [Issuer, TokenEndpoint, BackchannelAuthenticationEndpoint];

    /// <summary>The path of an endpoint at another scheme, host and port.</summary>
    public static string At(string address, string endpoint) => address.TrimEnd('/') + new Uri(endpoint).AbsolutePath;

    // Not in the constructor, which runs before anybody has checked that there is an issuer.
    private string Base => Issuer.TrimEnd('/');
}
