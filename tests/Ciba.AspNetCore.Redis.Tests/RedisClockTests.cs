using Ciba.AspNetCore.Redis.Connection;
using Ciba.AspNetCore.Redis.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>How a node measures the clock of Redis.</summary>
public sealed class RedisClockTests
{
    private static readonly TimeSpan OneMinute = TimeSpan.FromMinutes(1);

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _time = new();

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task The_time_of_a_server_is_asked_and_the_way_there_taken_off(string kind)
    {
        foreach (var ahead in new[] { 0, 150, -150 })
        {
            await using var node = RedisNode.On(RedisServers.Get(kind), 0, _prefix, new ShiftedTime(TimeSpan.FromSeconds(ahead)));

            var redisTime = await node.Get<RedisClock>().OfAsync('A');

            Assert.That(redisTime.Offset.TotalSeconds, Is.EqualTo(-ahead).Within(0.5));
        }
    }

    [Test]
    public async Task Every_master_of_a_cluster_is_asked()
    {
        RedisServers.NeedReal();
        await using var cluster = await RedisCluster.StartAsync();
        await using var node = RedisNode.On(cluster.Nodes[0].Endpoint, _prefix, TimeProvider.System);
        var source = node.Get<RedisTimeSource>();
        await RedisHosts.UntilAsync(async () => (await source.MastersAsync()).Count == 3);

        var masters = await source.MastersAsync();
        await node.Get<RedisClock>().MeasureAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(masters.SelectMany(shards => shards).Order(), Is.EqualTo(RedisKeys.ShardNames.Order()));
            Assert.That(await Task.WhenAll(RedisKeys.ShardNames.Select(async shard => (await node.Get<RedisClock>().OfAsync(shard)).Offset.TotalSeconds)), Is.All.EqualTo(0).Within(0.5));
        }
    }

    [Test]
    public async Task Half_of_the_quickest_answers_way_is_taken_off_and_what_it_cannot_tell_changes_nothing()
    {
        // The way there and back of each answer in milliseconds, and how far Redis is ahead when it answers.
        var answers = new Queue<(int Way, int Ahead)>([(400, 1000), (100, 1000), (300, 1000), (100, 1040), (200, 1090), (200, 1090), (100, 1060), (200, 1000), (200, 1000)]);
        await using var node = Node(_ =>
        {
            var (way, ahead) = answers.Dequeue();
            _time.Advance(TimeSpan.FromMilliseconds(way / 2));
            var now = _time.GetUtcNow().AddMilliseconds(ahead);
            _time.Advance(TimeSpan.FromMilliseconds(way / 2));
            return now;
        });
        var clock = node.Get<RedisClock>();

        List<double> offsets = [];
        for (var i = 0; i < 3; i++)
        {
            await clock.MeasureAsync();
            offsets.Add((await clock.OfAsync('A')).Offset.TotalMilliseconds);
        }

        Assert.That(offsets, Is.EqualTo(new[] { 1000.0, 1000.0, 1060.0 }));
    }

    [Test]
    public async Task It_is_measured_anew_every_minute()
    {
        var ahead = TimeSpan.Zero;
        await using var node = Node(_ => _time.GetUtcNow() + ahead);
        var clock = node.Get<RedisClock>();
        await clock.MeasureAsync();

        ahead = TimeSpan.FromSeconds(3);
        _time.Advance(OneMinute - TimeSpan.FromTicks(1));
        var before = (await clock.OfAsync('A')).Offset;
        _time.Advance(TimeSpan.FromTicks(1));

        await RedisHosts.UntilAsync(async () => (await clock.OfAsync('A')).Offset == ahead);
        Assert.That(before, Is.EqualTo(TimeSpan.Zero));
    }

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task It_is_measured_anew_when_another_server_may_be_the_master(string kind)
    {
        await using var network = new FaultProxy(RedisServers.Get(kind));
        var ahead = TimeSpan.Zero;
        await using var node = RedisNode.On(network.Endpoint, _prefix, _time, add: services => Use(services, _ => _time.GetUtcNow() + ahead));
        await node.Store.IsPresentAsync("alice", _time.GetUtcNow(), CancellationToken.None);

        ahead = TimeSpan.FromSeconds(3);
        network.CutAll();

        await RedisHosts.UntilAsync(async () => (await node.Get<RedisClock>().OfAsync('A')).Offset == ahead);
    }

    [Test]
    public async Task What_a_node_holds_stays_its_own_when_its_clock_is_corrected_meanwhile()
    {
        var ahead = TimeSpan.Zero;
        await using var node = Node(_ => _time.GetUtcNow() + ahead);
        var now = _time.GetUtcNow();
        var (settled, postponed) = (await node.Store.DueAddedAsync(now), await node.Store.DueAddedAsync(now));
        var entries = await node.Store.ClaimDueAsync(now);

        foreach (var seconds in new[] { 1, 20, 5 })
        {
            ahead = TimeSpan.FromSeconds(seconds);
            await node.Get<RedisClock>().MeasureAsync();
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(entries, Has.Count.EqualTo(2));
            Assert.That(await node.Store.SettleAsync(settled.Id, entries[0].HeldUntil, CibaSettlement.Done, CancellationToken.None), Is.True);
            Assert.That(await node.Store.PostponeAsync(postponed.Id, entries[0].HeldUntil, now.AddMinutes(1), CancellationToken.None), Is.True);
        }
    }

    [Test]
    public async Task While_the_time_of_Redis_is_not_known_no_step_is_taken_and_then_all_are()
    {
        var isAway = true;
        await using var node = Node(_ => isAway ? throw new CibaStoreUnavailableException("Redis is away.") : _time.GetUtcNow());
        var request = Requests.New(_time.GetUtcNow());

        Assert.That(async () => await node.Store.AddAsync(request, default, CancellationToken.None), Throws.TypeOf<CibaStoreUnavailableException>().With.Message.EqualTo("Redis is away."));
        isAway = false;

        Assert.That(await node.Store.AddAsync(request, default, CancellationToken.None), Is.EqualTo(CibaAddResult.Added));
    }

    private static void Use(IServiceCollection services, Func<char, DateTimeOffset> now) =>
        services.Replace(ServiceDescriptor.Singleton<RedisTimeSource>(provider => new ScriptedTime(provider, now)));

    private RedisNode Node(Func<char, DateTimeOffset> now) => RedisNode.On(RedisServers.Garnet, 0, _prefix, _time, add: services => Use(services, now));

    private sealed class ScriptedTime(IServiceProvider services, Func<char, DateTimeOffset> now) : RedisTimeSource(
        services.GetRequiredService<RedisMultiplexer>(), services.GetRequiredService<RedisConnection>(), services.GetRequiredService<RedisKeys>())
    {
        public override Task<IReadOnlyList<char[]>> MastersAsync() => Task.FromResult<IReadOnlyList<char[]>>([[.. RedisKeys.ShardNames]]);

        public override async Task<DateTimeOffset> NowAsync(char shard)
        {
            await Task.Yield();
            return now(shard);
        }
    }

    /// <summary>The clock of this machine, set wrong.</summary>
    private sealed class ShiftedTime(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
