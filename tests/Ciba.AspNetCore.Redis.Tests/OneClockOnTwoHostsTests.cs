using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Two providers over HTTP, one of them on a clock that is 150 s apart from that of Redis, in either direction.</summary>
[TestFixtureSource(nameof(Fixtures)), Spec("A16"), Spec("T4"), Spec("T10"), Spec("U1")]
public sealed class OneClockOnTwoHostsTests(string kind, int apart)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _redisTime = new();
    private CibaHost _a = null!;
    private CibaHost _b = null!;

    public static IEnumerable<TestFixtureData> Fixtures() =>
        from kind in RedisServers.Kinds
        from apart in new[] { 150, -150 }
        select new TestFixtureData(kind, apart).SetArgDisplayNames(kind, $"A is {apart} s ahead");

    [SetUp]
    public async Task StartAsync()
    {
        (_a, _b) = (Host(), Host());
        _a.Time.Advance(TimeSpan.FromSeconds(apart));
        await Task.WhenAll(_a.ListeningAsync(), _b.ListeningAsync());
    }

    [TearDown]
    public async Task EndAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Test]
    public async Task What_is_asked_at_one_is_listed_approved_and_redeemed_at_the_other([Values] bool askedAtA)
    {
        var (here, there) = Hosts(askedAtA);
        var asked = await here.AuthorizeAsync();
        var listed = (await there.DeviceAsync(HttpMethod.Get, "/requests", "alice")).Json.EnumerateArray().Single();
        var pending = await there.PollAsync(asked.AuthReqId);
        var approved = await there.AnswerAsync(asked.AuthReqId, "approve");
        var tokens = await here.PollAsync(asked.AuthReqId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(asked.Json.GetProperty("expires_in").GetInt32(), Is.EqualTo((int)Lifetime.TotalSeconds));
            Assert.That(listed.GetProperty("expires_at").GetDateTimeOffset(), Is.EqualTo(there.Time.GetUtcNow() + Lifetime));
            Assert.That(pending.Error, Is.EqualTo("authorization_pending"));
            Assert.That(approved.Status, Is.EqualTo(HttpStatusCode.NoContent), approved.Body);
            Assert.That(tokens.Status, Is.EqualTo(HttpStatusCode.OK), tokens.Body);
        }
    }

    [Test]
    public async Task A_poll_that_waits_at_the_other_ends_when_the_request_expires([Values] bool askedAtA)
    {
        var (here, there) = Hosts(askedAtA);
        (await there.ServicesAsync()).GetRequiredService<IOptions<CibaOptions>>().Value.LongPolling.Timeout = TimeSpan.FromSeconds(30);
        var authReqId = (await here.AuthorizeAsync(("requested_expiry", "20"))).AuthReqId;
        var poll = there.PollAsync(authReqId);
        await there.Time.TimerSetAsync(TimeSpan.FromSeconds(20)).WaitAsync(RedisHosts.Bound);

        Pass(TimeSpan.FromSeconds(19));
        var before = await here.DeviceAsync(HttpMethod.Get, "/requests", "alice");
        Assert.That((before.Json.GetArrayLength(), poll.IsCompleted), Is.EqualTo((1, false)));
        Pass(Second);

        Assert.That((await poll.WaitAsync(RedisHosts.Bound)).Error, Is.EqualTo("expired_token"));
        Assert.That((await here.DeviceAsync(HttpMethod.Get, "/requests", "alice")).Json.GetArrayLength(), Is.Zero);
    }

    [Test]
    public async Task A_device_that_listens_at_the_other_hears_of_a_request_and_of_its_expiry([Values] bool askedAtA)
    {
        var (here, there) = Hosts(askedAtA);
        await using var device = await ListeningDevice.OpenAsync(there);
        var authReqId = (await here.AuthorizeAsync(("requested_expiry", "60"))).AuthReqId;
        List<string> said = [await SaidAsync(device)];
        Pass(TimeSpan.FromSeconds(40));
        var earlier = await here.DeviceAsync(HttpMethod.Get, "/requests", "alice");
        said.Add(await SaidAsync(device));

        Assert.That(earlier.Json.GetArrayLength(), Is.EqualTo(1));
        Assert.That(said, Is.EqualTo(new[] { $"requested {RedisHosts.Handle(authReqId)}", $"expired {RedisHosts.Handle(authReqId)}" }));
    }

    [Test]
    public async Task Tokens_are_dated_by_the_clock_of_the_host_that_issues_them([Values] bool askedAtA)
    {
        var (here, there) = Hosts(askedAtA);
        var authReqId = (await here.AuthorizeAsync()).AuthReqId;
        await here.AnswerAsync(authReqId, "approve");

        var claims = ReceivedToken.Id(await there.PollAsync(authReqId)).Claims;

        Assert.That(claims.GetProperty("iat").GetInt64(), Is.EqualTo(there.Time.GetUtcNow().ToUnixTimeSeconds()));
    }

    [Test]
    public async Task The_node_that_is_apart_says_so_in_its_log_its_health_and_its_metrics()
    {
        var problem = $"The clock of node {Environment.MachineName} is 150.0 s {(apart > 0 ? "ahead of" : "behind")} the clock of Redis. Requests are timed by Redis; tokens and JWTs are dated by the node: synchronize the clocks.";
        using var metrics = new GaugeReader(await _a.ServicesAsync());
        using var metricsOfB = new GaugeReader(await _b.ServicesAsync());

        var (healthOfA, healthOfB) = (await HealthAsync(_a), await HealthAsync(_b));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_a.Log.Ours.Where(line => line.Text.StartsWith("The clock of node", StringComparison.Ordinal)).Select(line => (line.Level, line.Text.Trim())), Is.EqualTo(new[] { (LogLevel.Warning, problem) }));
            Assert.That(_b.Log.Ours.Where(line => line.Text.StartsWith("The clock of node", StringComparison.Ordinal)), Is.Empty);
            Assert.That((healthOfA.Status, healthOfA.Description), Is.EqualTo((HealthStatus.Degraded, problem)));
            Assert.That(healthOfB.Status, Is.EqualTo(HealthStatus.Healthy), healthOfB.Description);
            Assert.That(metrics.Read(), Is.EqualTo(new[] { ("ciba.store.clock_offset", (double)apart, "s") }));
            Assert.That(metricsOfB.Read(), Is.EqualTo(new[] { ("ciba.store.clock_offset", 0.0, "s") }));
        }
    }

    [Test]
    public async Task A_clock_that_is_set_right_is_noticed_within_a_minute()
    {
        _a.Time.Advance(TimeSpan.FromSeconds(-apart));
        _a.Time.Advance(TimeSpan.FromMinutes(1));
        _redisTime.Advance(TimeSpan.FromMinutes(1));
        _a.Time.Advance(TimeSpan.FromMinutes(1));
        _redisTime.Advance(TimeSpan.FromMinutes(1));

        await RedisHosts.UntilAsync(async () =>
        {
            _a.Time.Advance(TimeSpan.FromMinutes(1));
            _redisTime.Advance(TimeSpan.FromMinutes(1));
            return (await HealthAsync(_a)).Status == HealthStatus.Healthy;
        });

        Assert.That(_a.Log.Ours.Select(line => line.Text.Trim()), Has.One.EqualTo($"The clock of node {Environment.MachineName} agrees with the clock of Redis again"));
    }

    // Every few seconds: the wake-up may get lost, and the stream may set its timer late.
    private async Task<string> SaidAsync(ListeningDevice device)
    {
        var next = device.NextAsync();
        for (var steps = 0; steps < 12; steps++)
        {
            if (await Task.WhenAny(next, Task.Delay(Second)) == next)
            {
                var (name, data) = await next;
                if (name != ":")
                {
                    return $"{name} {data.GetProperty("id").GetString()}";
                }

                next = device.NextAsync();
            }

            Pass(Second * 5);
        }

        throw new AssertionException("The device heard of nothing.");
    }

    private static async Task<HealthReportEntry> HealthAsync(CibaHost host) =>
        (await (await host.ServicesAsync()).GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries["ciba"];

    private (CibaHost Here, CibaHost There) Hosts(bool askedAtA) => askedAtA ? (_a, _b) : (_b, _a);

    private void Pass(TimeSpan time) => Array.ForEach([_redisTime, _a.Time, _b.Time], clock => clock.Advance(time));

    private CibaHost Host() => RedisHosts.On(
        RedisServers.Get(kind).Endpoint,
        _prefix,
        add: ciba =>
        {
            FakeRedisTime.Use(ciba.Services, _redisTime);
            ciba.Services.AddHealthChecks().AddCibaHealthChecks(degradedAfter: TimeSpan.FromMinutes(5));
        });
}
