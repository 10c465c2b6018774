using Ciba.AspNetCore;
using Ciba.AspNetCore.Redis;
using Ciba.AspNetCore.Redis.Connection;
using Ciba.AspNetCore.Redis.Store;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Keeps the state of CIBA on Redis, for any number of nodes.</summary>
public static class CibaRedisBuilderExtensions
{
    private const string NoDataProtection = "Ping, push and CollapseIdenticalRequests on Redis need services.AddDataProtection() with keys that all nodes share: the auth_req_id is stored encrypted.";

    /// <summary>Puts the state on a Redis that is named by a connection string of StackExchange.Redis.</summary>
    /// <param name="builder">What <c>AddCiba()</c> returned.</param>
    /// <param name="configuration">For instance <c>redis:6379,password=...,ssl=true</c>.</param>
    /// <param name="configure">Sets the options.</param>
    public static CibaBuilder AddRedisStore(this CibaBuilder builder, string configuration, Action<CibaRedisOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(configuration);
        return builder.AddRedisStore(ConfigurationOptions.Parse(configuration), configure);
    }

    /// <summary>Puts the state on a Redis that is described by options of StackExchange.Redis.</summary>
    /// <param name="builder">What <c>AddCiba()</c> returned.</param>
    /// <param name="configuration">
    /// Taken as they are, except for <c>AbortOnConnectFail</c> (see <see cref="CibaRedisOptions.RequireConnectionAtStart"/>), <c>BacklogPolicy</c>
    /// (<c>FailFast</c>), <c>ReconnectRetryPolicy</c> (every 500 ms) and an <c>AsyncTimeout</c> below <see cref="CibaRedisOptions.OperationTimeout"/>.
    /// </param>
    /// <param name="configure">Sets the options.</param>
    public static CibaBuilder AddRedisStore(this CibaBuilder builder, ConfigurationOptions configuration, Action<CibaRedisOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return Add(builder, RedisSource.Own(configuration), configure);
    }

    /// <summary>Puts the state on a Redis that the host is connected to already. The host closes that connection.</summary>
    /// <remarks>The multiplexer keeps its policies. Give it <c>BacklogPolicy.FailFast</c>, or steps queue while Redis is away.</remarks>
    /// <param name="builder">What <c>AddCiba()</c> returned.</param>
    /// <param name="multiplexer">Finds the host's multiplexer, for instance among its services. Called again where it throws.</param>
    /// <param name="configure">Sets the options.</param>
    public static CibaBuilder AddRedisStore(this CibaBuilder builder, Func<IServiceProvider, IConnectionMultiplexer> multiplexer, Action<CibaRedisOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(multiplexer);
        return Add(builder, RedisSource.OfHost(services => Task.FromResult(multiplexer(services))), configure);
    }

    /// <summary>Puts the state on a Redis that the host connects to. The host closes that connection.</summary>
    /// <remarks>The multiplexer keeps its policies. Give it <c>BacklogPolicy.FailFast</c>, or steps queue while Redis is away.</remarks>
    /// <param name="builder">What <c>AddCiba()</c> returned.</param>
    /// <param name="multiplexer">Finds or makes the host's multiplexer. Called again where it throws.</param>
    /// <param name="configure">Sets the options.</param>
    public static CibaBuilder AddRedisStore<T>(this CibaBuilder builder, Func<IServiceProvider, Task<T>> multiplexer, Action<CibaRedisOptions>? configure = null)
        where T : IConnectionMultiplexer
    {
        ArgumentNullException.ThrowIfNull(multiplexer);
        return Add(builder, RedisSource.OfHost(async services => await multiplexer(services)), configure);
    }

    /// <summary>
    /// Keeps the state on the Redis whose connection string is the setting <c>Redis</c> of the section given to <c>AddCiba(section)</c>, or
    /// without one on that of the host's <c>AddStackExchangeRedisCache</c>: on the multiplexer of its
    /// <c>ConnectionMultiplexerFactory</c>, or on a connection of its own with the same <c>Configuration</c> or <c>ConfigurationOptions</c>.
    /// </summary>
    /// <remarks>
    /// A multiplexer of the host keeps its policies. Give it <c>BacklogPolicy.FailFast</c>: the default queues steps while Redis is away,
    /// and clients wait instead of being answered 503 at once.
    /// </remarks>
    /// <param name="builder">The builder that <c>AddCiba()</c> returned.</param>
    /// <param name="configure">Sets the options.</param>
    public static CibaBuilder AddRedisStore(this CibaBuilder builder, Action<CibaRedisOptions>? configure = null) =>
        Add(builder, RedisSource.OfConfiguration(), configure);

    private static CibaBuilder Add(CibaBuilder builder, RedisSource source, Action<CibaRedisOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        builder.AddConfigurationSchema(typeof(CibaRedisOptions).Assembly);
        services.AddOptions<CibaRedisOptions>().Configure<CibaConfiguration>(static (options, configuration) => configuration.GetSection("RedisStore").Bind(options));
        if (configure is not null)
        {
            services.Configure(configure);
        }

        services.Replace(ServiceDescriptor.Singleton(source));
        services.TryAddSingleton<RedisMultiplexer>();
        services.TryAddSingleton<RedisConnection>();
        services.TryAddSingleton<RedisTimeSource>();
        services.TryAddSingleton<RedisClock>();
        services.TryAddSingleton<RedisOptionRules>();
        services.TryAddSingleton<SharedKeys>();
        services.TryAddSingleton<NodeRegister>();
        services.TryAddSingleton<DecisionSignals>();
        services.TryAddSingleton<RedisTrial>();
        services.TryAddSingleton<RedisEviction>();
        services.TryAddSingleton(provider => new RedisKeys(provider.GetRequiredService<IOptions<CibaRedisOptions>>().Value.KeyPrefix));
        services.TryAddSingleton(provider => new PayloadProtector(
            // Not by AddDataProtection(), which makes a key ring when the host starts, whether it is needed or not.
            () => provider.GetService<IDataProtectionProvider>() ?? throw new CibaConfigurationException([NoDataProtection]),
            provider.GetRequiredService<IOptions<CibaRedisOptions>>().Value.ProtectPayload));
        services.Replace(ServiceDescriptor.Singleton<ICibaRequestStore, RedisRequestStore>());
        services.Replace(ServiceDescriptor.Singleton<ICibaReplayCache, RedisReplayCache>());
        services.Replace(ServiceDescriptor.Singleton<ICibaUserCodeLimiter, RedisUserCodeLimiter>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICibaStartupCheck, RedisOptionRules>(provider => provider.GetRequiredService<RedisOptionRules>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICibaStoreProbe, RedisTrial>(provider => provider.GetRequiredService<RedisTrial>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICibaStoreProbe, RedisClock>(provider => provider.GetRequiredService<RedisClock>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICibaStoreProbe, NodeRegister>(provider => provider.GetRequiredService<NodeRegister>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, RedisStart>());
        return builder;
    }
}
