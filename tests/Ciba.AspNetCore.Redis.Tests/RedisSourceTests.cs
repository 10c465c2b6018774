using System.Net;
using Ciba.AspNetCore.Redis.Connection;
using Microsoft.Extensions.Caching.StackExchangeRedis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Where the connection comes from, and which policies it has.</summary>
public sealed class RedisSourceTests
{
    private const string Queues = "The multiplexer of ConnectionMultiplexerFactory queues commands while Redis is away, so clients wait instead of being answered 503: set ConfigurationOptions.BacklogPolicy to BacklogPolicy.FailFast";

    private readonly string _prefix = RedisNode.NewPrefix();

    private static string Endpoint => RedisServers.Garnet.Endpoint;

    [Test]
    public Task The_configuration_text_of_the_distributed_cache_leads_to_its_Redis() =>
        WorksWithCacheAsync(cache => cache.Configuration = Endpoint);

    [Test]
    public Task The_configuration_options_of_the_distributed_cache_lead_to_its_Redis() =>
        WorksWithCacheAsync(cache => cache.ConfigurationOptions = ConfigurationOptions.Parse(Endpoint));

    [Test]
    public async Task The_multiplexer_of_the_distributed_cache_is_used_and_stays_open()
    {
        var theirs = await RedisServers.Garnet.ConnectAsync();
        await WorksWithCacheAsync(cache => cache.ConnectionMultiplexerFactory = () => Task.FromResult<IConnectionMultiplexer>(theirs));

        Assert.That(theirs.IsConnected, Is.True);
        theirs.Close(false);
    }

    [Test]
    public async Task A_host_without_a_distributed_cache_is_told_so_at_its_start()
    {
        await using var host = new CibaHost { Setup = ciba => ciba.AddRedisStore(options => options.KeyPrefix = "") };

        Assert.That(host.StartedAsync, Throws.TypeOf<CibaConfigurationException>().With.Property("Problems").EqualTo(new[]
        {
            "CibaRedisOptions: KeyPrefix must be 1 to 64 letters, digits and . _ : -.",
            "AddRedisStore() without arguments needs a connection string in the child section Redis of AddCiba(section), or AddStackExchangeRedisCache with a Configuration, ConfigurationOptions or ConnectionMultiplexerFactory.",
        }));
    }

    [TestCase(false, true)]
    [TestCase(true, false)]
    public async Task A_multiplexer_of_the_host_that_is_known_to_queue_is_warned_of_at_the_start(bool failFast, bool isWarned)
    {
        var theirs = await RedisServers.Garnet.ConnectAsync();
        var known = ConfigurationOptions.Parse(Endpoint);
        known.BacklogPolicy = failFast ? BacklogPolicy.FailFast : BacklogPolicy.Default;
        await using var host = WithCache(cache =>
        {
            cache.ConfigurationOptions = known;
            cache.ConnectionMultiplexerFactory = () => Task.FromResult<IConnectionMultiplexer>(theirs);
        });

        await host.StartedAsync().WaitAsync(RedisHosts.Bound);

        var warnings = host.Log.Ours.Where(line => line.Level == LogLevel.Warning && line.Text.StartsWith(Queues, StringComparison.Ordinal));
        Assert.That(warnings.Count(), Is.EqualTo(isWarned ? 1 : 0));
        theirs.Close(false);
    }

    [Test]
    public async Task While_Redis_is_away_a_connection_of_ours_queues_nothing_and_the_answer_is_503_at_once()
    {
        await using var proxy = new FaultProxy(RedisServers.Garnet);
        await using var host = RedisHosts.On(proxy.Endpoint, _prefix);
        var id = (await host.AuthorizeAsync()).AuthReqId;
        var ours = await (await host.ServicesAsync()).GetRequiredService<RedisMultiplexer>().GetAsync();

        proxy.Refuse();
        await RedisHosts.UntilAsync(() => Task.FromResult(!ours.IsConnected));

        // The clock stands still, so an answer that comes has waited for no time-out.
        RedisHosts.IsUnavailable(await host.PollAsync(id).WaitAsync(RedisHosts.Bound));
    }

    [Test]
    public async Task The_time_out_of_a_connection_of_ours_is_not_below_that_of_a_step()
    {
        await using var node = RedisNode.On(Endpoint, _prefix, new ManualTime(), options => options.OperationTimeout = TimeSpan.FromSeconds(47));

        var ours = await node.Get<RedisMultiplexer>().GetAsync();

        Assert.That(ours.Configuration, Does.Contain("asyncTimeout=47000"));
    }

    private CibaHost WithCache(Action<RedisCacheOptions> cache) => new()
    {
        Setup = ciba =>
        {
            ciba.Services.AddStackExchangeRedisCache(cache);
            ciba.AddRedisStore(options => options.KeyPrefix = _prefix);
        },
    };

    private async Task WorksWithCacheAsync(Action<RedisCacheOptions> cache)
    {
        await using var host = WithCache(cache);
        await using var node = RedisNode.On(RedisServers.Garnet, 0, _prefix, host.Time);

        var asked = await host.AuthorizeAsync();

        Assert.That(asked.Status, Is.EqualTo(HttpStatusCode.OK), asked.Body);
        Assert.That(await node.Store.GetAsync(RedisHosts.Handle(asked.AuthReqId), FakeUsers.SubjectOf("alice"), host.Time.GetUtcNow(), CancellationToken.None), Is.Not.Null);
    }
}
