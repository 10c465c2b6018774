using System.Text.Json.Serialization;
using Ciba.AspNetCore;
using Ciba.AspNetCore.Authentication;
using Ciba.AspNetCore.Binding;
using Ciba.AspNetCore.Callbacks;
using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Device;
using Ciba.AspNetCore.Discovery;
using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Hosting;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Issuers;
using Ciba.AspNetCore.Jose;
using Ciba.AspNetCore.Notifiers;
using Ciba.AspNetCore.Profiles;
using Ciba.AspNetCore.Protocol;
using Ciba.AspNetCore.Settings;
using Ciba.AspNetCore.Startup;
using Ciba.AspNetCore.Store;
using Ciba.AspNetCore.Token;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds CIBA to the services of a host.</summary>
public static class CibaServiceCollectionExtensions
{
    /// <summary>
    /// Adds OpenID Connect CIBA with the options of a configuration section: <see cref="CibaOptions"/>, and the child sections that
    /// what is added to the builder reads. A setting that is not known is a start-up error, which names the nearest one.
    /// </summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="section">For instance <c>builder.Configuration.GetSection("Ciba")</c>. Read once, when the host starts.</param>
    /// <param name="configure">Sets options after those of the section.</param>
    /// <exception cref="InvalidOperationException">Another section was given before.</exception>
    public static CibaBuilder AddCiba(this IServiceCollection services, IConfigurationSection section, Action<CibaOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(section);
        var builder = services.AddCiba();
        var configuration = builder.Configuration;
        configuration.Use(section);
        services.Configure<CibaOptions>(options => OptionsBinder.Bind(options, configuration.Valid));
        return configure is null ? builder : services.AddCiba(configure);
    }

    /// <summary>
    /// Adds OpenID Connect CIBA. What the host must add to it: clients, a user lookup, a device notifier and a token issuer.
    /// Everything is checked when the host starts; <see cref="CibaConfigurationException"/> lists what is wrong.
    /// </summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="configure">Sets the options; <see cref="CibaOptions.Issuer"/> at least.</param>
    public static CibaBuilder AddCiba(this IServiceCollection services, Action<CibaOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<CibaOptions>().PostConfigure<IServiceProviderIsService>(static (options, registered) => options.TokenSource =
            registered.IsService(typeof(JwtTokenIssuer)) ? TokenSource.ReadyIssuer
            : registered.IsService(typeof(ICibaTokenIssuer)) ? TokenSource.IssuerOfTheHost
            : TokenSource.TokenEndpointOfTheHost);
        if (configure is not null)
        {
            services.Configure(configure);
        }

        services.TryAddSingleton(new CibaConfiguration());
        services.TryAddSingleton(TimeProvider.System);
        services.AddRouting();

        // The host's OpenAPI document describes the endpoints by these types. Last in the chain: the host's own come first.
        services.ConfigureHttpJsonOptions(json =>
        {
            foreach (var context in (JsonSerializerContext[])[WireJson.Default, AuthenticationJson.Default, TokenJson.Default, DiscoveryJson.Default, DeviceJson.Default])
            {
                json.SerializerOptions.TypeInfoResolverChain.Add(context);
            }
        });
        OutgoingHttp.AddTo(services);

        // One node, until a package such as Ciba.AspNetCore.Redis puts its own in their place.
        services.TryAddSingleton<ICibaRequestStore, MemoryCibaRequestStore>();
        services.TryAddSingleton<ICibaReplayCache, MemoryReplayCache>();
        services.TryAddSingleton<ReplayGuard>();
        services.TryAddSingleton<ICibaUserCodeLimiter, MemoryUserCodeLimiter>();

        services.TryAddSingleton(_ => new TlsPlatform());

        services.AddMetrics();
        services.TryAddSingleton<CibaMetrics>();
        services.TryAddSingleton<EventQueue>();
        services.TryAddSingleton<Signals>();

        services.TryAddSingleton<PlainHttpWarning>();
        services.TryAddSingleton<AuthReqIds>();
        services.TryAddSingleton<LongPolling>();
        services.TryAddSingleton(provider => new ProviderUrls(provider.GetRequiredService<IOptions<CibaOptions>>().Value.Issuer, provider.GetRequiredService<IOptions<CibaOptions>>()));
        services.TryAddScoped(provider => new CibaTenant(provider.GetRequiredService<IOptions<CibaOptions>>(), provider.GetRequiredService<ProviderUrls>()));
        services.TryAddSingleton(provider => new CibaMetadata(provider.GetRequiredService<ProviderUrls>(), provider.GetRequiredService<IOptions<CibaOptions>>()));
        services.TryAddSingleton<ProviderKeys>();
        services.TryAddSingleton<RemoteKeySets>();
        services.TryAddSingleton<ClientAssertions>();
        services.TryAddSingleton<TrustedAuthorities>();
        services.TryAddSingleton<ClientCertificates>();
        services.TryAddSingleton<FailedAuthentications>();
        services.TryAddSingleton<ClientAuthenticationReports>();
        services.TryAddSingleton<ClientAuthenticator>();
        services.TryAddSingleton<DpopNonces>();
        services.TryAddSingleton<DpopProofs>();
        services.TryAddSingleton<TokenBindings>();
        services.TryAddSingleton<SignedRequests>();
        services.TryAddSingleton<Receivers>();
        services.TryAddSingleton<CallbackSender>();
        services.TryAddSingleton<HostCalls>();
        services.TryAddSingleton<PushTokens>();
        services.TryAddSingleton<CallbackDelivery>();
        services.TryAddSingleton(_ => new RetryWaits());
        services.TryAddSingleton(new AddedNotifiers());
        services.TryAddSingleton<DeviceNotifiers>();
        services.TryAddSingleton<DeviceCall>();
        services.TryAddSingleton<RepeatedNotifications>();
        services.TryAddSingleton<OutboxWorker>();
        services.TryAddSingleton<DeviceNotifications>();
        services.TryAddSingleton<BackchannelAuthenticationEndpoint>();
        services.TryAddSingleton<PendingRequestEndpoints>();
        services.TryAddSingleton<TokenEndpoint>();
        services.TryAddSingleton<TokenEndpointUse>();
        services.TryAddSingleton<Resends>();
        services.TryAddSingleton<OpenStreams>();
        services.TryAddSingleton<DeviceEventStream>();
        services.TryAddSingleton<DeviceApiUse>();

        // These call the host's interfaces, which may live as long as one request.
        services.TryAddScoped<DeviceAccess>();
        services.TryAddScoped<IdTokenHints>();
        services.TryAddScoped<CibaGrants>();
        services.TryAddScoped<ICibaGrants>(provider => provider.GetRequiredService<CibaGrants>());

        // Made by hand, because a host in development has its services validated when they are built, and would learn there of
        // a missing interface that StartupCheck explains.
        services.TryAddScoped(provider => new HintedUsers(
            provider.GetRequiredService<ICibaUserLookup>(),
            provider.GetRequiredService<IdTokenHints>(),
            provider.GetService<ICibaClientBlocks>(),
            provider.GetRequiredService<ICibaUserCodeLimiter>(),
            provider.GetRequiredService<AuthReqIds>(),
            provider.GetRequiredService<CibaTenant>(),
            provider.GetRequiredService<Signals>(),
            provider.GetRequiredService<IOptions<CibaOptions>>()));
        services.TryAddSingleton<UnconfirmedDecisions>();
        services.TryAddScoped<ICibaApprovals>(provider => new Approvals(
            provider.GetRequiredService<ICibaRequestStore>(),
            provider.GetRequiredService<ICibaUserLookup>(),
            provider.GetService<ICibaClientBlocks>(),
            provider.GetRequiredService<CibaTenant>(),
            provider.GetRequiredService<UnconfirmedDecisions>(),
            provider.GetRequiredService<Resends>(),
            provider.GetRequiredService<Signals>(),
            provider.GetRequiredService<IOptions<CibaOptions>>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<Approvals>>()));

        services.TryAddEnumerable(ServiceDescriptor.Singleton<MatcherPolicy, FormsOnlyPolicy>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<MatcherPolicy, GrantTypePolicy>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStartupFilter, EndpointCheck>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, StartupCheck>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, OutboxWorker>(provider => provider.GetRequiredService<OutboxWorker>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, EventQueue>(provider => provider.GetRequiredService<EventQueue>()));
        return new CibaBuilder(services);
    }
}
