using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Discovery;

/// <summary>The provider's addresses as the world sees them: the issuer, and each path behind it.</summary>
internal sealed class ProviderUrls(IOptions<CibaOptions> options)
{
    private readonly string _base = options.Value.Issuer.TrimEnd('/');

    public string Issuer { get; } = options.Value.Issuer;

    public string BackchannelAuthenticationEndpoint => field ??= _base + options.Value.BackchannelAuthenticationPath;

    public string TokenEndpoint => field ??= _base + options.Value.TokenPath;

    public string JwksUri => field ??= _base + options.Value.JwksPath;
}
