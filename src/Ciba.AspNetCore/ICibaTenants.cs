using Ciba.AspNetCore.Issuers;
using Ciba.AspNetCore.Startup;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore;

/// <summary>
/// Tells by which issuer a request addresses a host that has several: tenants, brands, realms. Optional; register with
/// <c>AddTenants</c>. A request made at one issuer is unknown at every other, for clients and users alike.
/// </summary>
public interface ICibaTenants
{
    /// <summary>
    /// The issuer identifier, as <see cref="CibaOptions.Issuer"/> would have it; null where there is none, and the answer is 404.
    /// Endpoint URLs are the issuer plus their path, so an endpoint that is mapped under <c>/{tenant}</c> goes with an issuer that
    /// ends in the tenant's name.
    /// </summary>
    /// <param name="context">The request, with the route values of the group that <c>MapCiba()</c> was called on.</param>
    ValueTask<string?> FindIssuerAsync(HttpContext context);
}

/// <summary>
/// The issuer for which the current scope works. The host's interfaces ask it which tenant a client or a user belongs to. The
/// library sets it for its endpoints, and for what it does in the background; code of the host that calls
/// <see cref="ICibaApprovals"/> or <see cref="ICibaGrants"/> sets it first. A scoped service.
/// </summary>
public sealed class CibaTenant
{
    private readonly IOptions<CibaOptions> _options;
    private readonly bool _isOneOfSeveral;
    private ProviderUrls? _urls;

    internal CibaTenant(IOptions<CibaOptions> options, ProviderUrls urls)
    {
        _options = options;
        _urls = urls;
    }

    internal CibaTenant(IOptions<CibaOptions> options)
    {
        _options = options;
        _isOneOfSeveral = true;
    }

    /// <summary>The issuer; without <c>AddTenants</c> always <see cref="CibaOptions.Issuer"/>.</summary>
    /// <exception cref="InvalidOperationException">There are several issuers, and nobody has said which.</exception>
    /// <exception cref="ArgumentException">What is set is no issuer identifier.</exception>
    public string Issuer
    {
        get => Urls.Issuer;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value == _urls?.Issuer)
            {
                return;
            }

            if (!_isOneOfSeveral)
            {
                throw new ArgumentException("This host has one issuer: add ICibaTenants with AddTenants<T>() for several.", nameof(value));
            }

            if (OptionRules.WhyNotIssuer(value, _options.Value.RequireHttps) is { } problem)
            {
                throw new ArgumentException($"The issuer {problem}.", nameof(value));
            }

            _urls = new ProviderUrls(value, _options);
        }
    }

    internal ProviderUrls Urls => _urls ?? throw new InvalidOperationException("This host has several issuers (AddTenants): set CibaTenant.Issuer of this scope before anything is asked of CIBA.");

    /// <summary>What a request remembers of its issuer.</summary>
    internal string? Realm => _isOneOfSeveral ? Issuer : null;

    /// <summary>What a store knows a client or a user by.</summary>
    internal string KeyOf(string identifier) => CibaRequest.KeyOf(Realm, identifier);

    /// <summary>Works for the issuer at which a request was made.</summary>
    internal void Use(CibaRequest request)
    {
        if (request.Issuer is { } issuer)
        {
            Issuer = issuer;
        }
    }
}
