using System.Net;
using Ciba.AspNetCore.Clients;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 6749 section 2.3.1: secrets are not guessed, and guessing locks nobody else out.</summary>
public sealed class ClientAuthenticationLimitTests
{
    private const string Home = "203.0.113.7";
    private const string NotLookedAt = "It failed too often from this address within a minute, and its credentials were not looked at (Limits.FailedAuthentications). Behind a proxy, UseForwardedHeaders tells callers apart.";

    private IPAddress? _from = IPAddress.Parse(Home);

    [Test, Spec("A2")]
    public async Task After_thirty_failures_within_a_minute_the_right_secret_is_not_looked_at_until_it_is_over()
    {
        await using var host = Host();
        await FailAsync(host, 29);
        host.Time.Advance(TimeSpan.FromSeconds(20));
        var stillTaken = await host.AuthorizeAsync();
        await FailAsync(host, 1);

        var limited = await host.AuthorizeAsync();
        Refusal.IsUnproven(host, limited, NotLookedAt, retryAfter: 40);
        Refusal.IsUnproven(host, await host.AuthorizeAsync(("client_secret", "wrong")), NotLookedAt, retryAfter: 40);
        Refusal.IsUnproven(host, await host.PollAsync(ClientCalls.UnknownRequest), NotLookedAt, retryAfter: 40);
        host.Time.Advance(TimeSpan.FromSeconds(40) - TimeSpan.FromTicks(1));
        Refusal.IsUnproven(host, await host.AuthorizeAsync(), NotLookedAt, retryAfter: 1);
        host.Time.Advance(TimeSpan.FromTicks(1));
        var after = await host.AuthorizeAsync();

        Assert.That(new[] { stillTaken.Status, after.Status }, Is.All.EqualTo(HttpStatusCode.OK));
    }

    [TestCase("198.51.100.7", true), TestCase("203.0.113.8", true), TestCase("::ffff:203.0.113.7", false), TestCase(null, true), Spec("A2")]
    public async Task A_client_is_not_locked_out_by_failures_at_another_address(string? other, bool isTaken)
    {
        await using var host = Host();
        await FailAsync(host, 30);

        _from = other is null ? null : IPAddress.Parse(other);

        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(isTaken ? HttpStatusCode.OK : HttpStatusCode.Unauthorized));
    }

    [TestCase("2001:db8:1:2:ffff::9", false), TestCase("2001:db8:1:3::1", true), TestCase("2001:db8:2:2::1", true), Spec("A2")]
    public async Task An_address_of_IPv6_is_its_first_64_bits(string other, bool isTaken)
    {
        _from = IPAddress.Parse("2001:db8:1:2::1");
        await using var host = Host();
        await FailAsync(host, 30);

        _from = IPAddress.Parse(other);

        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(isTaken ? HttpStatusCode.OK : HttpStatusCode.Unauthorized));
    }

    [Test, Spec("A2")]
    public async Task Another_client_at_the_same_address_is_not_locked_out()
    {
        await using var host = Host();
        await FailAsync(host, 30);

        Assert.That((await host.AuthorizeAsync(("client_id", "other"))).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("A2")]
    public async Task A_client_that_there_is_not_is_limited_alike([Values("post", "basic", "assertion", "certificate")] string by)
    {
        await using var host = Host(options => options.Limits.FailedAuthentications = 2);
        foreach (var client in new[] { "nobody", "client" })
        {
            Refusal.IsUnproven(host, await CallAsync(client));
            Refusal.IsUnproven(host, await CallAsync(client));
            Refusal.IsUnproven(host, await CallAsync(client), NotLookedAt, retryAfter: 60);
        }

        Task<Answer> CallAsync(string client) => by switch
        {
            "post" => host.CallAsync(ClientCalls.Token, [], ("client_id", client), ("client_secret", "guess")),
            "basic" => host.CallAsync(ClientCalls.Token, [ClientCalls.Basic($"{client}:guess")]),
            "assertion" => host.CallAsync(ClientCalls.Token, [], TestJwt.Form(new TestJwt(host, client).Sign(TestKey.For("ES256")))),
            _ => host.CallAsync(ClientCalls.Token, [], ("client_id", client)),
        };
    }

    [Test, Spec("A2"), Spec("A4")]
    public async Task What_a_client_gets_wrong_that_has_proved_itself_does_not_lock_it_out()
    {
        await using var host = Host(options => options.Limits.FailedAuthentications = 1, ClientCalls.MacClient("mac"));
        for (var i = 0; i < 3; i++)
        {
            var expired = await host.AuthorizeAsync(TestJwt.Form(new TestJwt(host, "mac").Claim("exp", "1").Mac(CibaHost.Secret)));
            Refusal.IsProven(host, expired, "The client_assertion is refused: it has expired.");
        }

        Assert.That((await host.AuthorizeAsync(TestJwt.Form(new TestJwt(host, "mac").Mac(CibaHost.Secret)))).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("A2")]
    public async Task However_many_guesses_come_at_once_no_more_are_looked_at()
    {
        await using var host = Host();
        await host.StartedAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => Task.Run(() => host.AuthorizeAsync(("client_secret", $"guess {i}")))));

        var failures = (await host.ServicesAsync()).GetRequiredService<FailedAuthentications>();
        var counted = 0;
        Parallel.For(0, 1000, _ => Interlocked.Add(ref counted, failures.Add(new("another", _from)) is null ? 1 : 0));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Count(answer => answer.Header("Retry-After") is null), Is.EqualTo(30));
            Assert.That(counted, Is.EqualTo(30));
        }
    }

    [Test, Spec("A2")]
    public async Task Zero_is_no_limit()
    {
        await using var host = Host(options => options.Limits.FailedAuthentications = 0);
        await FailAsync(host, 200);

        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_call_that_is_not_looked_at_is_counted_as_limited()
    {
        await using var host = Host(options => options.Limits.FailedAuthentications = 1);
        using var metrics = await MetricsTests.ListenAsync(host);
        await FailAsync(host, 1);
        await host.AuthorizeAsync();

        Assert.That(metrics.Authentications.Last(), Is.EqualTo("ciba.client.authentications 1 {authentication} ciba.outcome=limited"));
    }

    [Test]
    public async Task Invented_names_take_no_more_than_a_bounded_memory()
    {
        await using var host = Host(options => options.Limits.FailedAuthentications = 1);
        var failures = (await host.ServicesAsync()).GetRequiredService<FailedAuthentications>();
        for (var i = 0; i < FailedAuthentications.MaxKept; i++)
        {
            failures.Add(new($"name-{i}", _from));
        }

        var full = failures.WaitOf(new("name-0", _from));
        failures.Add(new("one more", _from));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(full, Is.Not.Null);
            Assert.That(failures.WaitOf(new("name-0", _from)), Is.Null, "the oldest has gone");
            Assert.That(failures.WaitOf(new("name-1", _from)), Is.Not.Null);
            Assert.That(failures.WaitOf(new("one more", _from)), Is.Not.Null);
        }
    }

    private static async Task FailAsync(CibaHost host, int times)
    {
        for (var i = 0; i < times; i++)
        {
            Refusal.IsUnproven(host, await host.AuthorizeAsync(("client_secret", "wrong")), "The secret is wrong");
        }
    }

    private CibaHost Host(Action<CibaOptions>? options = null, params CibaClient[] more) => new()
    {
        Clients = [CibaHost.Client("client"), CibaHost.Client("other"), .. more],
        Options = all =>
        {
            all.RequireHttps = false;
            all.Limits.PendingPerUserAndClient = 0;
            options?.Invoke(all);
        },
        BeforeRouting = app => app.Use((context, next) =>
        {
            context.Connection.RemoteIpAddress = _from;
            return next(context);
        }),
    };
}
