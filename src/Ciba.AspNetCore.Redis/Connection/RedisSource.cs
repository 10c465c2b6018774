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
    private const string NoCache = "AddRedisStore() without arguments needs AddStackExchangeRedisCache with a Configuration, ConfigurationOptions or ConnectionMultiplexerFactory.";

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

    /// <summary>The Redis of the host's <c>AddStackExchangeRedisCache</c>: its multiplexer, or one of our own with its configuration.</summary>
    public static RedisSource OfCache() => new(ConnectLikeCacheAsync)
    {
        Configuration = services => ConfigurationOf(Cache(services)),
        FindProblem = services => Cache(services) is { ConnectionMultiplexerFactory: null } cache && ConfigurationOf(cache) is null ? NoCache : null,
        Queues = services => Cache(services) is { ConnectionMultiplexerFactory: not null } cache && ConfigurationOf(cache) is { } known && known.BacklogPolicy != BacklogPolicy.FailFast,
    };

    private static RedisCacheOptions Cache(IServiceProvider services) => services.GetRequiredService<IOptions<RedisCacheOptions>>().Value;

    private static ConfigurationOptions? ConfigurationOf(RedisCacheOptions cache) =>
        cache.ConfigurationOptions ?? (cache.Configuration is { Length: > 0 } text ? ConfigurationOptions.Parse(text) : null);

    private static async Task<RedisLink> ConnectLikeCacheAsync(IServiceProvider services)
    {
        var cache = Cache(services);
        return cache.ConnectionMultiplexerFactory is { } connect
            ? new RedisLink(await connect(), IsOurs: false)
            : await ConnectOwnAsync(ConfigurationOf(cache) ?? throw new CibaConfigurationException([NoCache]), services);
    }

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
