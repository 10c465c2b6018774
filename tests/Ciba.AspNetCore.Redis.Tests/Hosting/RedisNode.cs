using System.Collections.Concurrent;
using Ciba.AspNetCore.Redis.Connection;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>What one node of a provider has of the Redis package, without the rest of the node.</summary>
public sealed class RedisNode : IAsyncDisposable
{
    private static readonly ConcurrentDictionary<(string Endpoint, int Number), Lazy<Task<ConnectionMultiplexer>>> Multiplexers = new();

    // As if all nodes of a test shared a key ring on disk.
    private static readonly EphemeralDataProtectionProvider SharedKeys = new();

    private readonly ServiceProvider _services;

    private RedisNode(ServiceProvider services) => _services = services;

    public ICibaRequestStore Store => Get<ICibaRequestStore>();

    public ICibaReplayCache ReplayCache => Get<ICibaReplayCache>();

    public ICibaUserCodeLimiter UserCodes => Get<ICibaUserCodeLimiter>();

    /// <summary>A prefix that no other test has.</summary>
    public static string NewPrefix() => $"test-{Guid.NewGuid():N}";

    /// <summary>
    /// Node 0, 1, ... of the provider with this prefix. Nodes of the same number share one multiplexer, because connecting
    /// takes longer than most tests.
    /// </summary>
    public static RedisNode On(RedisServer server, int number, string prefix, TimeProvider time, Action<CibaRedisOptions>? configure = null, Action<IServiceCollection>? add = null) =>
        Create(
            builder =>
            {
                builder.AddRedisStore(_ => SharedAsync(server, number), With(prefix, configure));
                add?.Invoke(builder.Services);
            },
            time);

    /// <summary>A node with a multiplexer of its own, made from a connection string.</summary>
    public static RedisNode On(string configuration, string prefix, TimeProvider time, Action<CibaRedisOptions>? configure = null, Action<IServiceCollection>? add = null) =>
        Create(
            builder =>
            {
                builder.AddRedisStore(configuration, With(prefix, configure));
                add?.Invoke(builder.Services);
            },
            time);

    public static async Task<IConnectionMultiplexer> SharedAsync(RedisServer server, int number) =>
        await Multiplexers.GetOrAdd((server.Endpoint, number), _ => new(() => server.ConnectAsync())).Value;

    /// <summary>Listens to the other nodes from now on, as a host does when it starts: nothing that is called out is missed.</summary>
    public RedisNode Listening()
    {
        // On a machine that is busy the first try may fail, which a host makes up for when somebody waits.
        RedisHosts.UntilAsync(Get<DecisionSignals>().SubscribeAsync).GetAwaiter().GetResult();
        return this;
    }

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private static Action<CibaRedisOptions> With(string prefix, Action<CibaRedisOptions>? configure) => options =>
    {
        options.KeyPrefix = prefix;
        options.OperationTimeout = TimeSpan.FromSeconds(20);
        configure?.Invoke(options);
    };

    private static RedisNode Create(Action<CibaBuilder> add, TimeProvider time)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(time);
        if (time is ManualTime)
        {
            FakeRedisTime.Use(services);
        }

        add(services.AddCiba());
        services.TryAddSingleton<IDataProtectionProvider>(SharedKeys);
        return new RedisNode(services.BuildServiceProvider());
    }
}
