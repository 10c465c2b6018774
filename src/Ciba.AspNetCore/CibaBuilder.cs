using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Device;
using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Notifiers;
using Ciba.AspNetCore.Token;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore;

/// <summary>
/// What a host adds to <c>AddCiba()</c>. Types of the host are made anew for every request, unless the host has registered
/// them itself with another lifetime.
/// </summary>
public sealed class CibaBuilder
{
    internal CibaBuilder(IServiceCollection services) => Services = services;

    /// <summary>The services of the host.</summary>
    public IServiceCollection Services { get; }

    internal CibaConfiguration Configuration => (CibaConfiguration)Services.Last(service => service.ServiceType == typeof(CibaConfiguration)).ImplementationInstance!;

    /// <summary>Takes clients from the child section <c>Clients</c> of the section that was given to <c>AddCiba(section)</c>.</summary>
    /// <exception cref="InvalidOperationException"><c>AddCiba</c> was called without a section.</exception>
    public CibaBuilder AddClients() => AddClients(Configuration.Section?.GetSection("Clients")
        ?? throw new InvalidOperationException("AddClients() takes the clients of the section that AddCiba(section) was given: give it one, or call AddClients with a section or with clients."));

    /// <summary>
    /// Takes clients from a configuration section: a list, each with the settings that <see cref="CibaClient"/> has. They
    /// are read once, at start-up. May be called several times.
    /// </summary>
    public CibaBuilder AddClients(IConfiguration section)
    {
        ArgumentNullException.ThrowIfNull(section);
        Sources().Sections.Add(section);
        return this;
    }

    /// <summary>
    /// Adds clients that the code makes. May be called several times. Secrets that need not be known are replaced by their
    /// hash in the objects that are given.
    /// </summary>
    public CibaBuilder AddClients(params IEnumerable<CibaClient> clients)
    {
        ArgumentNullException.ThrowIfNull(clients);
        Sources().Clients.AddRange(clients);
        return this;
    }

    /// <summary>Finds clients with a class of the host's own.</summary>
    public CibaBuilder AddClientStore<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>()
        where T : class, ICibaClientStore
    {
        if (Services.Any(service => service.ServiceType == typeof(ClientSources)))
        {
            throw new InvalidOperationException("AddClients and AddClientStore exclude each other.");
        }

        return Use<ICibaClientStore, T>();
    }

    /// <summary>Finds users with a class of the host's own. Required.</summary>
    public CibaBuilder AddUserLookup<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>()
        where T : class, ICibaUserLookup => Use<ICibaUserLookup, T>();

    /// <summary>
    /// Reaches the users' devices with a class of the host's own. One notifier is required. Of several, each is tried when those
    /// added before it have failed, until one does not; where all have, see <see cref="CibaOptions.DeviceNotification"/>. A class
    /// that is added again keeps its place, with the later time-out.
    /// </summary>
    /// <param name="timeout">How long one call may take, 1 ms to 5 min. Default <see cref="CibaOptions.DeviceNotificationTimeout"/>.</param>
    public CibaBuilder AddDeviceNotifier<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(TimeSpan? timeout = null)
        where T : class, ICibaDeviceNotifier
    {
        Services.TryAddScoped<T>();
        return AddNotifier(new AddedNotifier(typeof(T), $"{nameof(AddDeviceNotifier)}<{typeof(T).Name}>: the time-out", _ => timeout));
    }

    /// <summary>
    /// Tells a service of the host, by a signed <c>POST</c> of JSON, which then reaches the user's device. One of the notifiers in
    /// their order, see <see cref="AddDeviceNotifier"/>; called again, it changes the same one.
    /// </summary>
    /// <param name="configure">Sets <see cref="CibaWebhookOptions.Url"/> and <see cref="CibaWebhookOptions.Secret"/> at least.</param>
    public CibaBuilder AddWebhookNotifier(Action<CibaWebhookOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        Services.Configure(configure);
        Services.TryAddSingleton<WebhookNotifier>();
        return AddNotifier(new AddedNotifier(
            typeof(WebhookNotifier),
            $"{nameof(CibaWebhookOptions)}: {nameof(CibaWebhookOptions.Timeout)}",
            static provider => provider.GetRequiredService<IOptions<CibaWebhookOptions>>().Value.Timeout));
    }

    /// <summary>
    /// Leaves it to the events of <c>MapCibaDevice</c> if a device of the user listens to them and fetches the request within 5 seconds,
    /// alone or in the list, or answers it. Otherwise it fails. One of the notifiers in their order, see <see cref="AddDeviceNotifier"/>:
    /// the first, followed by one for users whose app is closed, suspended, or out of reach.
    /// </summary>
    public CibaBuilder AddServerSentEventsNotifier()
    {
        Services.TryAddSingleton<FetchedRequests>();
        Services.TryAddSingleton<ServerSentEventsNotifier>();
        return AddNotifier(new AddedNotifier(typeof(ServerSentEventsNotifier), nameof(AddServerSentEventsNotifier), static _ => null));
    }

    /// <summary>Issues tokens with a class of the host's own. This or <c>AddJwtTokenIssuer</c> is required.</summary>
    public CibaBuilder AddTokenIssuer<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>()
        where T : class, ICibaTokenIssuer
    {
        // Where the ready one was added before, its keys are nobody's.
        if (Services.Any(service => service.ServiceType == typeof(SigningKeys)))
        {
            Services.RemoveAll<SigningKeys>().RemoveAll<IIssuerRules>().RemoveAll<JwtTokenIssuer>().RemoveAll<ICibaSigningKeys>();
        }

        return Use<ICibaTokenIssuer, T>();
    }

    /// <summary>Issues JWTs (RFC 9068 access token, OpenID Connect ID Token).</summary>
    /// <param name="configure">Sets the keys and lifetimes. Without keys some are made at start-up, with a warning.</param>
    public CibaBuilder AddJwtTokenIssuer(Action<CibaJwtTokenIssuerOptions>? configure = null)
    {
        Services.AddOptions<CibaJwtTokenIssuerOptions>();
        if (configure is not null)
        {
            Services.Configure(configure);
        }

        Services.TryAddSingleton<SigningKeys>();
        Services.TryAddSingleton<ICibaSigningKeys>(provider => provider.GetRequiredService<SigningKeys>());
        Services.TryAddSingleton<IIssuerRules, JwtIssuerRules>();
        Services.TryAddScoped<JwtTokenIssuer>();
        return Use<ICibaTokenIssuer, JwtTokenIssuer>();
    }

    /// <summary>Issues JWTs signed with these keys; the first is the default, see <see cref="CibaJwtTokenIssuerOptions.SigningCredentials"/>.</summary>
    public CibaBuilder AddJwtTokenIssuer(SigningCredentials signingCredentials, params SigningCredentials[] more)
    {
        ArgumentNullException.ThrowIfNull(signingCredentials);
        ArgumentNullException.ThrowIfNull(more);
        return AddJwtTokenIssuer(options => options.SigningCredentials = [signingCredentials, .. more]);
    }

    /// <summary>
    /// Tells the keys of a token issuer of the host's own: for the JWK Set, and to check <c>id_token_hint</c>. Optional, and
    /// not together with <c>AddJwtTokenIssuer</c>. One instance serves the whole application.
    /// </summary>
    public CibaBuilder AddSigningKeys<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>()
        where T : class, ICibaSigningKeys
    {
        Services.Replace(ServiceDescriptor.Singleton<ICibaSigningKeys, T>());
        return this;
    }

    /// <summary>Adds a check of the host's own to every authentication request. Optional; may be called several times.</summary>
    public CibaBuilder AddRequestValidator<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>()
        where T : class, ICibaRequestValidator
    {
        Services.TryAddEnumerable(ServiceDescriptor.Scoped<ICibaRequestValidator, T>());
        return this;
    }

    /// <summary>Tells a class of the host's own what becomes of the requests. Optional; may be called several times.</summary>
    public CibaBuilder AddEvents<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>()
        where T : class, ICibaEvents
    {
        Services.TryAddScoped<T>();
        Services.TryAddEnumerable(ServiceDescriptor.Singleton<ICibaEvents, ScopedListener<T>>());
        return this;
    }

    /// <summary>Gives the host several issuers, told apart by a class of the host's own. Optional.</summary>
    public CibaBuilder AddTenants<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>()
        where T : class, ICibaTenants
    {
        Services.Replace(ServiceDescriptor.Scoped(provider => new CibaTenant(provider.GetRequiredService<IOptions<CibaOptions>>())));
        Services.Replace(ServiceDescriptor.Scoped(provider => new CibaMetadata(provider.GetRequiredService<CibaTenant>().Urls, provider.GetRequiredService<IOptions<CibaOptions>>())));
        return Use<ICibaTenants, T>();
    }

    /// <summary>Remembers the clients that users block with a class of the host's own. Optional.</summary>
    public CibaBuilder AddClientBlocks<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>()
        where T : class, ICibaClientBlocks => Use<ICibaClientBlocks, T>();

    /// <summary>
    /// Makes a type of authorization details known (RFC 9396, <see cref="CibaOptions.AuthorizationDetailsTypesSupported"/>), and has
    /// each object of it looked at by a class of the host's own. May be called for several types; once for each.
    /// </summary>
    /// <param name="type">The <c>type</c>, for instance <c>payment_initiation</c>. The class may take it as its <c>[ServiceKey]</c>, unless the host has registered it itself.</param>
    public CibaBuilder AddAuthorizationDetailsType<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(string type)
        where T : class, ICibaAuthorizationDetailsValidator
    {
        ArgumentException.ThrowIfNullOrEmpty(type);
        if (Services.Any(service => service.ServiceType == typeof(ICibaAuthorizationDetailsValidator) && type.Equals(service.ServiceKey)))
        {
            throw new InvalidOperationException($"AddAuthorizationDetailsType was called before for '{type}': a type has one validator.");
        }

        Services.Add(Services.LastOrDefault(service => service.ServiceType == typeof(T) && !service.IsKeyedService) is { Lifetime: var lifetime }
            ? new ServiceDescriptor(typeof(ICibaAuthorizationDetailsValidator), type, static (provider, _) => provider.GetRequiredService<T>(), lifetime)
            : new ServiceDescriptor(typeof(ICibaAuthorizationDetailsValidator), type, typeof(T), ServiceLifetime.Scoped));
        Services.PostConfigure<CibaOptions>(options =>
        {
            if (options.AuthorizationDetailsTypesSupported is { } known && !known.Contains(type))
            {
                options.AuthorizationDetailsTypesSupported = [.. known, type];
            }
        });
        return this;
    }

    /// <summary>
    /// Has the ready token issuer put claims into ID Tokens that clients ask for by the <c>claims</c> parameter, from a class of the
    /// host's own. Optional.
    /// </summary>
    public CibaBuilder AddUserClaims<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>()
        where T : class, ICibaUserClaims => Use<ICibaUserClaims, T>();

    /// <summary>
    /// Makes the settings of a package known that reads child sections of the section given to <c>AddCiba(section)</c>, by
    /// <see cref="CibaConfiguration"/>. Without it they are a start-up error.
    /// </summary>
    /// <param name="assembly">
    /// Has an embedded resource <c>ConfigurationSchema.json</c>: a JSON schema as for <c>appsettings.json</c>, with the child sections
    /// below its property <c>Ciba</c>.
    /// </param>
    public CibaBuilder AddConfigurationSchema(Assembly assembly)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        Configuration.AddSchema(assembly);
        return this;
    }

    private CibaBuilder Use<TService, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>()
        where TService : class
        where T : class, TService
    {
        // A class that the host registered as a singleton is to be found as one, or a poll would make a scope's worth of it.
        var lifetime = Services.LastOrDefault(service => service.ServiceType == typeof(T))?.Lifetime ?? ServiceLifetime.Scoped;
        Services.TryAddScoped<T>();
        Services.Replace(new ServiceDescriptor(typeof(TService), static provider => provider.GetRequiredService<T>(), lifetime));
        return this;
    }

    private CibaBuilder AddNotifier(AddedNotifier notifier)
    {
        ((AddedNotifiers)Services.Last(service => service.ServiceType == typeof(AddedNotifiers)).ImplementationInstance!).Add(notifier);
        return this;
    }

    private ClientSources Sources()
    {
        if (Services.FirstOrDefault(service => service.ServiceType == typeof(ClientSources))?.ImplementationInstance is ClientSources known)
        {
            return known;
        }

        if (Services.Any(service => service.ServiceType == typeof(ICibaClientStore)))
        {
            throw new InvalidOperationException("AddClients and AddClientStore exclude each other.");
        }

        var sources = new ClientSources();
        Services.AddSingleton(sources);
        Services.AddSingleton<ConfiguredClients>();
        Services.AddSingleton<ICibaClientStore>(provider => provider.GetRequiredService<ConfiguredClients>());
        return sources;
    }
}
