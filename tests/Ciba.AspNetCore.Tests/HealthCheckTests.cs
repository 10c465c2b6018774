using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Ciba.AspNetCore.Tests;

/// <summary>Whether the store answers, as the host's health checks tell it.</summary>
public sealed class HealthCheckTests
{
    private const string Reason = "The store at the far end does not answer.";

    private static readonly TimeSpan OneTick = TimeSpan.FromTicks(1);

    private readonly HookedStore _store = new();
    private readonly Probe _probe = new();

    [Test]
    public async Task A_store_that_answers_is_healthy()
    {
        await using var host = Host();

        var entry = await CheckAsync(host);

        Assert.That((entry.Status, entry.Description), Is.EqualTo((HealthStatus.Healthy, "The request store answered in 0 ms.")));
    }

    [Test]
    public async Task A_slow_store_is_degraded([Values(null, 2000)] int? degradedAfter)
    {
        var slow = TimeSpan.FromMilliseconds(degradedAfter ?? 500);
        await using var host = Host(checks => checks.AddCibaHealthChecks(degradedAfter: degradedAfter is null ? null : slow));
        await host.StartedAsync();

        var under = await CheckAsync(host, slow - OneTick);
        var over = await CheckAsync(host, slow);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(under.Status, Is.EqualTo(HealthStatus.Healthy));
            Assert.That((over.Status, over.Description), Is.EqualTo((HealthStatus.Degraded, $"The request store answered in {slow.TotalMilliseconds} ms.")));
        }
    }

    [TestCase(null, HealthStatus.Unhealthy), TestCase(HealthStatus.Degraded, HealthStatus.Degraded)]
    public async Task A_store_that_does_not_answer_is_what_the_host_says_it_is(HealthStatus? failureStatus, HealthStatus expected)
    {
        await using var host = Host(checks => checks.AddCibaHealthChecks(failureStatus: failureStatus));
        await host.StartedAsync();
        _store.Before = _ => throw new CibaStoreUnavailableException(Reason);

        var entry = await CheckAsync(host);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((entry.Status, entry.Description), Is.EqualTo((expected, Reason)));
            Assert.That(entry.Exception, Is.Null);
        }
    }

    [Test]
    public async Task A_node_with_a_problem_of_its_own_is_degraded_and_names_it()
    {
        await using var host = Host();
        await host.StartedAsync();
        _probe.Problem = "The clock of this node is wrong.";

        var degraded = await CheckAsync(host);
        _store.Before = _ => throw new CibaStoreUnavailableException(Reason);
        var unhealthy = await CheckAsync(host);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((degraded.Status, degraded.Description), Is.EqualTo((HealthStatus.Degraded, _probe.Problem)));
            Assert.That((unhealthy.Status, unhealthy.Description), Is.EqualTo((HealthStatus.Unhealthy, Reason)));
        }
    }

    [Test]
    public async Task A_check_is_one_poll_of_a_request_that_nobody_made()
    {
        await using var host = Host();
        await host.AuthorizeAsync();
        await host.Devices.NextAsync();
        _store.Calls.Clear();

        await CheckAsync(host);
        await CheckAsync(host);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_store.Calls, Is.EqualTo(new[] { "PollAsync", "PollAsync" }));
            Assert.That(_store.Count, Is.EqualTo(1));
            Assert.That(host.Devices.Calls, Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Its_name_and_its_tags_are_the_hosts()
    {
        await using var host = Host(checks => checks.AddCibaHealthChecks(name: "requests", tags: ["ready"]));
        var health = (await host.ServicesAsync()).GetRequiredService<HealthCheckService>();

        var ready = await health.CheckHealthAsync(check => check.Tags.Contains("ready"));

        Assert.That(ready.Entries.Keys, Is.EqualTo(new[] { "requests" }));
    }

    [Test]
    public async Task The_hosts_endpoint_tells_it()
    {
        await using var host = Host();

        var healthy = await host.SendAsync(HttpMethod.Get, "/health");
        _store.Before = _ => throw new CibaStoreUnavailableException(Reason);
        var unhealthy = await host.SendAsync(HttpMethod.Get, "/health");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((healthy.Status, healthy.Body), Is.EqualTo((HttpStatusCode.OK, "Healthy")));
            Assert.That((unhealthy.Status, unhealthy.Body), Is.EqualTo((HttpStatusCode.ServiceUnavailable, "Unhealthy")));
        }
    }

    // Only the check is to ask the store for anything.
    private CibaHost Host(Action<IHealthChecksBuilder>? add = null) => new()
    {
        Options = CallbackCalls.Quietly,
        Setup = ciba =>
        {
            _store.Use(ciba);
            ciba.Services.AddSingleton<ICibaStoreProbe>(_probe);
            CallbackCalls.WithoutLooks(ciba);
            (add ?? (checks => checks.AddCibaHealthChecks()))(ciba.Services.AddHealthChecks());
        },
        Map = app => app.MapHealthChecks("/health"),
    };

    private async Task<HealthReportEntry> CheckAsync(CibaHost host, TimeSpan takes)
    {
        _store.Before = _ =>
        {
            host.Time.Advance(takes);
            return Task.CompletedTask;
        };
        return await CheckAsync(host);
    }

    private static async Task<HealthReportEntry> CheckAsync(CibaHost host) =>
        (await (await host.ServicesAsync()).GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries["ciba"];

    private sealed class Probe : ICibaStoreProbe
    {
        public string? Problem { get; set; }

        public ValueTask<string?> FindProblemAsync(CancellationToken cancellationToken) => new(Problem);
    }
}
