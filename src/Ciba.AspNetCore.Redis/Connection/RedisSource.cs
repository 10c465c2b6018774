using Microsoft.Extensions.Caching.StackExchangeRedis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>A multiplexer, and whether it is ours to close.</summary>
internal sealed record RedisLink(IConnectionMultiplexer Multiplexer, bool IsOurs);

/// <summary>Where the multiplexer comes from.</summary>
internal sealed class RedisSource
{
    private const string NoConnection = "AddRedisStore() without arguments needs a connection string in the child section Redis of AddCiba(section), or AddStackExchangeRedisCache with a Configuration, ConfigurationOptions or ConnectionMultiplexerFactory.";

    private static readonly TimeSpan ReconnectEvery = TimeSpan.FromMilliseconds(500);

    public RedisSource(Func<IServiceProvider, Task<RedisLink>> connectAsync) => ConnectAsync = connectAsync;

    public Func<IServiceProvider, Task<RedisLink>> ConnectAsync { get; }

    /// <summary>What is known of the connection before it is made, or null.</summary>
    public Func<IServiceProvider, ConfigurationOptions?> Configuration { get; private init; } = _ => null;

    /// <summary>What keeps the source from ever connecting, or null.</summary>
    public Func<IServiceProvider, string?> FindProblem { get; private init; } = _ => null;

    /// <summary>Whether a multiplexer of the host queues steps while Redis is away, as far as that is known.</summary>
    public Func<IServiceProvider, bool> Queues { get; private init; } = _ => false;

    /// <summary>A connection of our own: it keeps trying while Redis is away, and queues nothing meanwhile.</summary>
    public static RedisSource Own(ConfigurationOptions configuration) =>
        new(services => ConnectOwnAsync(configuration, services)) { Configuration = _ => configuration };

    /// <summary>A multiplexer of the host.</summary>
    public static RedisSource OfHost(Func<IServiceProvider, Task<IConnectionMultiplexer>> find) =>
        new(async services => new RedisLink(await find(services), IsOurs: false));

    /// <summary>
    /// The Redis of the connection string in the section that <c>AddCiba(section)</c> was given; without one that of the host's
    /// <c>AddStackExchangeRedisCache</c>: its multiplexer, or one of our own with its configuration.
    /// </summary>
    public static RedisSource OfConfiguration() => new(ConnectAsConfiguredAsync)
    {
        Configuration = ConfigurationOf,
        FindProblem = services => Multiplexer(services) is null ? FindProblemOf(() => ConfigurationOf(services)) : null,
        Queues = services => Multiplexer(services) is not null && ConfigurationOf(services) is { } known && known.BacklogPolicy != BacklogPolicy.FailFast,
    };

    private static string? ConnectionString(IServiceProvider services) => services.GetRequiredService<CibaConfiguration>().GetSection("Redis").Value is { Length: > 0 } text ? text : null;

    private static RedisCacheOptions Cache(IServiceProvider services) => services.GetRequiredService<IOptions<RedisCacheOptions>>().Value;

    private static Func<Task<IConnectionMultiplexer>>? Multiplexer(IServiceProvider services) =>
        ConnectionString(services) is null ? Cache(services).ConnectionMultiplexerFactory : null;

    private static ConfigurationOptions? ConfigurationOf(IServiceProvider services) => ConnectionString(services) is { } own
        ? ConfigurationOptions.Parse(own)
        : Cache(services).ConfigurationOptions ?? (Cache(services).Configuration is { Length: > 0 } text ? ConfigurationOptions.Parse(text) : null);

    private static string? FindProblemOf(Func<ConfigurationOptions?> configuration)
    {
        try
        {
            return configuration() is null ? NoConnection : null;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            // Without the text, which may hold a password.
            return "AddRedisStore(): the configuration must be a connection string of StackExchange.Redis, for instance redis:6379,password=...,ssl=true.";
        }
    }

    private static async Task<RedisLink> ConnectAsConfiguredAsync(IServiceProvider services) => Multiplexer(services) is { } connect
        ? new RedisLink(await connect(), IsOurs: false)
        : await ConnectOwnAsync(ConfigurationOf(services) ?? throw new CibaConfigurationException([NoConnection]), services);

    private static async Task<RedisLink> ConnectOwnAsync(ConfigurationOptions configuration, IServiceProvider services)
    {
        var timeout = services.GetRequiredService<IOptions<CibaRedisOptions>>().Value.OperationTimeout;
        var own = configuration.Clone();
        own.AbortOnConnectFail = false;

        // A step that waits in a queue would be taken after its caller was answered 503.
        own.BacklogPolicy = BacklogPolicy.FailFast;
        own.ReconnectRetryPolicy = new LinearRetry((int)ReconnectEvery.TotalMilliseconds);
        own.AsyncTimeout = Math.Max(own.AsyncTimeout, (int)Math.Ceiling(timeout.TotalMilliseconds));
        return new RedisLink(await ConnectionMultiplexer.ConnectAsync(own), IsOurs: true);
    }
}
