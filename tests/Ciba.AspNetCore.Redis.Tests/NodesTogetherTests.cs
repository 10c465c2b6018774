using System.Text.Json;
using Ciba.AspNetCore.Redis.Store;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Nodes under one key prefix that cannot work together: the second does not start, and says why.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class NodesTogetherTests(string kind) : IDisposable
{
    private const string Forgotten = "A node that is gone is forgotten after 3 minutes.";

    private static readonly TimeSpan Renewal = TimeSpan.FromMinutes(1);

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly DirectoryInfo _keyRing = Directory.CreateTempSubdirectory("ciba-keys-");

    public void Dispose() => _keyRing.Delete(recursive: true);

    [Test]
    public async Task Nodes_that_are_set_up_alike_start()
    {
        await using var one = Host(Concealed);
        await using var other = Host(Concealed);

        await one.StartedAsync();
        await other.StartedAsync();
        await one.AuthorizeAsync();

        Assert.That(await other.PendingAsync(), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Another_provider_needs_a_prefix_of_its_own()
    {
        await using var one = Host();
        await using var other = Host(options => options.Issuer = "https://other.example.com");
        await one.StartedAsync();

        var problem = await ProblemAsync(other);

        Assert.That(problem, Is.EqualTo(
            $"Another provider, https://id.example.com, keeps its requests under the KeyPrefix {_prefix} on this Redis (node NODE): give each provider a CibaRedisOptions.KeyPrefix of its own. {Forgotten}"));
    }

    [Test]
    public async Task One_that_did_not_start_keeps_nobody_from_starting()
    {
        await using var one = Host();
        await using var other = Host(options => options.Issuer = "https://other.example.com");
        await using var third = Host();
        await one.StartedAsync();
        await ProblemAsync(other);

        await third.StartedAsync();
    }

    [Test]
    public async Task One_that_has_stopped_makes_room_for_another()
    {
        await using var one = Host();
        await one.StartedAsync();
        await (await one.ServicesAsync()).GetRequiredService<IHost>().StopAsync();

        await using var other = Host(options => options.Issuer = "https://other.example.com");
        await other.StartedAsync();
    }

    [Test]
    public async Task One_that_died_is_forgotten_after_three_minutes()
    {
        await using var other = Host();
        await LeftByAsync(Canary("https://gone.example.com"), other.Time.GetUtcNow() - (Renewal * 3) + TimeSpan.FromTicks(1));
        await using var tooEarly = Host();
        var problem = await ProblemAsync(tooEarly);
        other.Time.Advance(TimeSpan.FromTicks(1));

        await other.StartedAsync();

        Assert.That(problem, Does.StartWith("Another provider, https://gone.example.com, "));
    }

    [Test]
    public async Task A_node_that_goes_on_is_remembered()
    {
        await using var one = Host();
        await using var other = Host(options => options.Issuer = "https://other.example.com");
        await one.StartedAsync();
        for (var minutes = 0; minutes < 5; minutes++)
        {
            var before = await LastSeenAsync();
            one.Time.Advance(Renewal);
            other.Time.Advance(Renewal);
            await RedisHosts.UntilAsync(async () => await LastSeenAsync() > before);
        }

        Assert.That(await ProblemAsync(other), Does.StartWith("Another provider, https://id.example.com, "));
    }

    [Test]
    public async Task A_concealment_key_of_its_own_is_found()
    {
        await using var one = Host(Concealed);
        await using var other = Host(options =>
        {
            Concealed(options);
            options.ConcealmentKey = new string('x', 32);
        });
        await one.StartedAsync();

        var problem = await ProblemAsync(other);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(problem, Is.EqualTo($"Node NODE has another ConcealmentKey: give all nodes the same. {Forgotten}"));
            Assert.That(string.Concat(await NodesAsync()), Does.Not.Contain(new string('k', 8)));
        }
    }

    [TestCase(true, "on"), TestCase(false, "off")]
    public async Task Payloads_are_protected_by_all_nodes_or_by_none(bool protectedThere, string state)
    {
        await using var one = Host(redis: options => options.ProtectPayload = protectedThere);
        await using var other = Host(redis: options => options.ProtectPayload = !protectedThere);
        await one.StartedAsync();

        Assert.That(await ProblemAsync(other), Is.EqualTo($"Node NODE has CibaRedisOptions.ProtectPayload {state}: set it alike on all nodes, and stop them all to change it. {Forgotten}"));
    }

    [Test]
    public async Task Keys_of_its_own_are_found_before_the_first_callback()
    {
        await using var one = Host(Encrypting, keys: new KeyRing());
        await using var other = Host(Encrypting, keys: new KeyRing());
        await one.StartedAsync();

        Assert.That(await ProblemAsync(other), Is.EqualTo(
            $"This node cannot read what node NODE encrypts: give all nodes the same Data Protection key ring (PersistKeysTo...) and the same SetApplicationName. {Forgotten}"));
    }

    [Test]
    public async Task Another_application_name_is_found_as_well()
    {
        await using var one = Host(Encrypting, applicationName: "one");
        await using var other = Host(Encrypting, applicationName: "other");
        await one.StartedAsync();

        Assert.That(await ProblemAsync(other), Does.StartWith("This node cannot read what node NODE encrypts: "));
    }

    [Test]
    public async Task A_key_that_another_node_has_just_made_is_no_problem()
    {
        await using var late = Host(Encrypting);
        var keys = (await late.ServicesAsync()).GetRequiredService<IDataProtectionProvider>();
        keys.CreateProtector("anything").Protect([1]);
        await using var one = Host(Encrypting);
        var created = TimeProvider.System.GetUtcNow();
        (await one.ServicesAsync()).GetRequiredService<IKeyManager>().CreateNewKey(created, created.AddDays(30));

        await one.StartedAsync();
        await late.StartedAsync();
    }

    [TestCase("""{"node":"old/1","format":"0","iss":"https://id.example.com","protect_payload":false}""", ", NODE,"), TestCase("no JSON", "")]
    public async Task A_version_whose_requests_cannot_be_read_is_found(string entry, string node)
    {
        await using var host = Host();
        await LeftByAsync(entry, host.Time.GetUtcNow());

        Assert.That(await ProblemAsync(host), Is.EqualTo(
            $"A node of another version of Ciba.AspNetCore.Redis{node} keeps requests under the KeyPrefix {_prefix} that this version cannot read: stop the nodes of that version first. {Forgotten}"));
    }

    [Test]
    public async Task One_that_could_not_be_found_at_its_start_is_told_of_in_the_log_and_the_health()
    {
        await using var host = Host();
        await host.StartedAsync();
        var healthy = await HealthAsync(host);
        await LeftByAsync(Canary("https://other.example.com"), host.Time.GetUtcNow());

        host.Time.Advance(Renewal);
        await RedisHosts.UntilAsync(async () => (await HealthAsync(host)).Status == HealthStatus.Degraded);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(healthy.Status, Is.EqualTo(HealthStatus.Healthy), healthy.Description);
            Assert.That((await HealthAsync(host)).Description, Does.StartWith("Another provider, https://other.example.com, "));
            Assert.That(host.Log.Ours.Where(line => line.Text.StartsWith("Another provider, https://other.example.com, ", StringComparison.Ordinal)).Select(line => line.Level), Is.EqualTo(new[] { LogLevel.Error }));
        }
    }

    private static void Concealed(CibaOptions options)
    {
        options.ConcealUnknownUsers = true;
        options.ConcealmentKey = new string('k', 32);
    }

    private static void Encrypting(CibaOptions options) => options.CollapseIdenticalRequests = true;

    private static string Canary(string issuer) => $$"""{"node":"gone/1","format":"{{RequestRecord.Format}}","iss":"{{issuer}}","protect_payload":false}""";

    private static async Task<HealthReportEntry> HealthAsync(CibaHost host) =>
        (await (await host.ServicesAsync()).GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries["ciba"];

    /// <summary>The one reason for which the host does not start; NODE is in place of the other node's name.</summary>
    private async Task<string> ProblemAsync(CibaHost host)
    {
        var nodes = (await NodesAsync()).Select(node => node.StartsWith('{') ? JsonDocument.Parse(node).RootElement.GetProperty("node").GetString()! : "-").ToArray();
        var exception = (await Assert.ThrowsAsync<CibaConfigurationException>(() => host.StartedAsync().WaitAsync(RedisHosts.Bound)))!;
        Assert.That(exception.Problems, Has.Count.EqualTo(1), exception.Message);
        return nodes.Aggregate(exception.Problems[0], (problem, node) => problem.Replace($"node {node}", "node NODE", StringComparison.Ordinal).Replace($"Node {node}", "Node NODE", StringComparison.Ordinal).Replace($", {node},", ", NODE,", StringComparison.Ordinal));
    }

    private Task<string> LeftByAsync(string entry, DateTimeOffset seen) =>
        RedisServers.Get(kind).AskAsync("ZADD", new RedisKeys(_prefix).Nodes!, $"{RedisTicks.Of(seen)}", entry);

    private async Task<string[]> NodesAsync()
    {
        var redis = await RedisNode.SharedAsync(RedisServers.Get(kind), 0);
        return [.. (await redis.GetDatabase().SortedSetRangeByRankAsync(new RedisKeys(_prefix).Nodes)).Select(node => node.ToString())];
    }

    private async Task<double> LastSeenAsync()
    {
        var redis = await RedisNode.SharedAsync(RedisServers.Get(kind), 0);
        return (await redis.GetDatabase().SortedSetRangeByRankWithScoresAsync(new RedisKeys(_prefix).Nodes)).Single().Score;
    }

    private CibaHost Host(Action<CibaOptions>? options = null, Action<CibaRedisOptions>? redis = null, IDataProtectionProvider? keys = null, string applicationName = "provider") =>
        RedisHosts.On(RedisServers.Get(kind).Endpoint, _prefix, redis, options, ciba =>
        {
            ciba.Services.AddHealthChecks().AddCibaHealthChecks(degradedAfter: TimeSpan.FromMinutes(5));
            ciba.Services.AddDataProtection().PersistKeysToFileSystem(_keyRing).SetApplicationName(applicationName);
            if (keys is not null)
            {
                ciba.Services.AddSingleton(keys);
            }
        });
}
