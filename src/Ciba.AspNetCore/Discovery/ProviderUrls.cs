using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Discovery;

/// <summary>The provider's addresses as the world sees them: the issuer, and each path behind it.</summary>
internal sealed class ProviderUrls(string issuer, IOptions<CibaOptions> options)
{
    public string Issuer { get; } = issuer;

    public string BackchannelAuthenticationEndpoint => field ??= Base + options.Value.BackchannelAuthenticationPath;

    public string TokenEndpoint => field ??= Base + options.Value.TokenPath;

    public string JwksUri => field ??= Base + options.Value.JwksPath;

    // Not in the constructor, which runs before anybody has checked that there is an issuer.
    private string Base => Issuer.TrimEnd('/');
}
