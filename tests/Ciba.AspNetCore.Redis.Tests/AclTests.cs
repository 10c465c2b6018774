using System.Net;
using Ciba.AspNetCore.Redis.Connection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>A user of Redis who may do what the README lists, and one who may not.</summary>
public sealed class AclTests
{
    private readonly string _prefix = RedisNode.NewPrefix();

    private static RedisServer Server => RedisServers.Get(RedisServers.RealKind);

    [SetUp]
    public void NeedRedis() => RedisServers.NeedReal();

    [Test]
    public async Task A_host_whose_user_may_do_what_is_documented_starts_and_works()
    {
        var user = await DocumentedUser.CreateAsync(Server, _prefix);
        await using var host = RedisHosts.On($"{Server.Endpoint},{user}", _prefix, options => options.RequireConnectionAtStart = true, add: ciba => ciba.Services.AddHealthChecks().AddCibaHealthChecks());

        var authReqId = await host.AuthorizedAsync();
        await host.AnsweredAsync(authReqId, "approve");
        var tokens = await host.PolledAsync(authReqId);
        var health = await (await host.ServicesAsync()).GetRequiredService<HealthCheckService>().CheckHealthAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tokens.Status, Is.EqualTo(HttpStatusCode.OK), tokens.Body);
            Assert.That(health.Status, Is.EqualTo(HealthStatus.Healthy), health.Entries["ciba"].Description);
            Assert.That(host.Log.Lines.Where(line => line.Level >= LogLevel.Warning && line.Category.Contains("Redis", StringComparison.Ordinal)), Is.Empty);
        }
    }

    [Test]
    public async Task On_a_cluster_it_takes_one_command_more()
    {
        await using var cluster = await RedisCluster.StartAsync();
        var user = "";
        foreach (var master in cluster.Nodes)
        {
            user = await DocumentedUser.CreateAsync(master, _prefix, "+cluster|nodes");
        }

        await using var node = RedisNode.On($"{string.Join(',', cluster.Nodes.Select(one => one.Endpoint))},{user}", _prefix, TimeProvider.System);
        await RedisHosts.UntilAsync(async () => (await node.Get<RedisMultiplexer>().GetAsync()).GetServers().Count(server => server.IsConnected) == cluster.Nodes.Count);

        Assert.That((await node.Get<RedisTimeSource>().MastersAsync()).Count, Is.EqualTo(3));
        Assert.That(await node.Get<RedisTrial>().FindProblemAsync(CancellationToken.None), Is.Null);
    }

    [TestCase("-zincrby"), TestCase("-append"), TestCase("-hset"), TestCase("-publish"), TestCase("-mget"), TestCase("resetkeys,~{PREFIX:*"), TestCase("resetkeys,~PREFIX:*")]
    public async Task What_is_missing_is_said_at_the_start_and_by_the_health_check_in_the_words_of_Redis(string change)
    {
        await AllowAsync([.. change.Replace("PREFIX", _prefix, StringComparison.Ordinal).Split(',')]);
        await using var host = RedisHosts.On($"{Server.Endpoint},user={_prefix},password=secret-word", _prefix, add: ciba => ciba.Services.AddHealthChecks().AddCibaHealthChecks());

        await host.StartedAsync().WaitAsync(RedisHosts.Bound);
        var health = await (await host.ServicesAsync()).GetRequiredService<HealthCheckService>().CheckHealthAsync();

        var error = host.Log.Ours.Single(line => line.Level == LogLevel.Error);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(error.Text, Does.Contain("Redis refused a step: ERR The user executing the script can't run this command").Or.Contains("Redis refused a step: NOPERM this user has no permissions to "));
            Assert.That(host.Log.Lines.Select(line => line.Text), Has.None.Contains("secret-word"));

            // What is tried at the start alone: the tries of user codes.
            if (change is not "-hset")
            {
                Assert.That(health.Status, Is.EqualTo(HealthStatus.Unhealthy));
                Assert.That(error.Text, Does.Contain(health.Entries["ciba"].Description));
            }
        }
    }

    [TestCase("-zincrby")]
    public async Task A_host_that_requires_Redis_does_not_start_without_a_permission(string change)
    {
        await AllowAsync(change);
        await using var host = RedisHosts.On($"{Server.Endpoint},user={_prefix},password=secret-word", _prefix, options => options.RequireConnectionAtStart = true);

        var exception = (await Assert.ThrowsAsync<CibaConfigurationException>(() => host.StartedAsync().WaitAsync(RedisHosts.Bound)))!;

        Assert.That(exception.Problems.Single(), Does.EndWith("Redis refused a step: ERR The user executing the script can't run this command or subcommand."));
    }

    [Test]
    public async Task The_health_check_of_a_node_that_may_not_listen_is_degraded()
    {
        await AllowAsync("-subscribe");
        await using var host = RedisHosts.On($"{Server.Endpoint},user={_prefix},password=secret-word", _prefix, add: ciba => ciba.Services.AddHealthChecks().AddCibaHealthChecks());
        await host.StartedAsync().WaitAsync(RedisHosts.Bound);

        var health = await (await host.ServicesAsync()).GetRequiredService<HealthCheckService>().CheckHealthAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(health.Status, Is.EqualTo(HealthStatus.Degraded));
            Assert.That(health.Entries["ciba"].Description, Is.EqualTo($"This node cannot listen to the channel {_prefix}:changed of Redis: waiting polls and devices learn of what other nodes do with a delay."));
        }
    }

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task Start_and_health_check_leave_nothing_of_a_request_and_tell_nobody(string kind)
    {
        await using var host = RedisHosts.On(RedisServers.Get(kind).Endpoint, _prefix, add: ciba => ciba.Services.AddHealthChecks().AddCibaHealthChecks());
        await RedisHosts.FirstLookAsync(host);

        var health = await (await host.ServicesAsync()).GetRequiredService<HealthCheckService>().CheckHealthAsync();
        await CallbackNodes.PassAsync(host, TimeSpan.FromMinutes(1));

        var keys = (await RedisServers.Get(kind).AskAsync("KEYS", $"*{_prefix}*")).Split('\n').Select(key => key[(key.IndexOf(_prefix, StringComparison.Ordinal) + _prefix.Length)..]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(health.Status, Is.EqualTo(HealthStatus.Healthy), health.Entries["ciba"].Description);
            Assert.That(keys, Is.All.Match("^:(nodes|[cj]:.*)$"));
            Assert.That(host.Devices.Calls, Is.Zero);
        }
    }

    [Test]
    public async Task Each_master_of_a_cluster_is_tried()
    {
        await using var cluster = await RedisCluster.StartAsync();
        await using var node = RedisNode.On(string.Join(',', cluster.Nodes.Select(one => one.Endpoint)), _prefix, TimeProvider.System);
        await cluster.ConnectedAsync(await node.Get<RedisMultiplexer>().GetAsync());
        var trial = node.Get<RedisTrial>();
        await trial.RunAsync(CancellationToken.None);

        foreach (var master in cluster.Nodes)
        {
            await master.AskAsync("ACL", "SETUSER", "default", "-zincrby");
            Assert.That(() => trial.RunAsync(CancellationToken.None), Throws.TypeOf<CibaStoreUnavailableException>());
            await master.AskAsync("ACL", "SETUSER", "default", "+zincrby");
        }
    }

    private Task<string> AllowAsync(params string[] changes) => Server.AskAsync(["ACL", "SETUSER", _prefix, "reset", "on", ">secret-word", "~*", "&*", "+@all", .. changes]);
}
