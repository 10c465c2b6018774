using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>What an operator hears of clients that fail to authenticate: a metric of each, a warning and an event a minute and client.</summary>
public sealed class ClientAuthenticationReportTests
{
    private const string WrongSecret = "The secret is wrong, or not form-encoded in a Basic header.";

    [Test, Spec("A2")]
    public async Task Every_authentication_is_counted_by_what_it_came_to()
    {
        await using var host = new CibaHost { Clients = [CibaHost.Client("client"), CibaHost.Client("basic", "client_secret_basic"), ClientCalls.MacClient("mac")] };
        using var metrics = await MetricsTests.ListenAsync(host);

        await host.AuthorizeAsync();
        await host.AuthorizeAsync(("client_id", null));
        await host.AuthorizeAsync(("client_id", "nobody"));
        await host.AuthorizeAsync(("client_id", "basic"));
        await host.AuthorizeAsync(("client_secret", "wrong"));
        await host.AuthorizeAsync(TestJwt.Form(new TestJwt(host, "mac").Claim("exp", "1").Mac(CibaHost.Secret)));

        Assert.That(metrics.Authentications, Is.EqualTo(new[]
        {
            "ciba.client.authentications 1 {authentication} ciba.outcome=succeeded",
            "ciba.client.authentications 1 {authentication} ciba.outcome=malformed",
            "ciba.client.authentications 1 {authentication} ciba.outcome=unknown_client",
            "ciba.client.authentications 1 {authentication} ciba.outcome=wrong_method",
            "ciba.client.authentications 1 {authentication} ciba.outcome=wrong_credentials",
            "ciba.client.authentications 1 {authentication} ciba.outcome=refused",
        }));
    }

    [Test, Spec("A2")]
    public async Task A_registration_that_is_not_acceptable_is_counted_too()
    {
        var client = CibaHost.Client("client");
        client.BackchannelTokenDeliveryMode = "push";
        await using var host = new CibaHost { Clients = [], Setup = new HookedClients { Current = client }.Use };
        using var metrics = await MetricsTests.ListenAsync(host);

        await HookedClients.AskAsync(host);

        Assert.That(metrics.Authentications, Is.EqualTo(new[] { "ciba.client.authentications 1 {authentication} ciba.outcome=misregistered" }));
    }

    [Test, Spec("A2")]
    public async Task A_client_that_fails_is_warned_of_once_a_minute_with_the_number_of_its_failures()
    {
        await using var host = new CibaHost { BeforeRouting = From("203.0.113.7"), Options = options => options.RequireHttps = false };
        await host.StartedAsync();
        host.Log.Lines.Clear();

        for (var second = 0; second < 61; second += 10)
        {
            await host.AuthorizeAsync(("client_secret", "a-wrong-secret"));
            await host.AuthorizeAsync(("client_id", "other"), ("client_secret", "a-wrong-secret"));
            host.Time.Advance(TimeSpan.FromSeconds(10));
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Warnings(host), Is.EqualTo(new[]
            {
                $"Client client failed to authenticate from 203.0.113.7 (1 since the last warning): {WrongSecret}",
                $"Client other failed to authenticate from 203.0.113.7 (1 since the last warning): {WrongSecret}",
                $"Client client failed to authenticate from 203.0.113.7 (6 since the last warning): {WrongSecret}",
                $"Client other failed to authenticate from 203.0.113.7 (6 since the last warning): {WrongSecret}",
            }));
            Assert.That(host.Log.Ours.Count(line => line.Text.StartsWith("Client ", StringComparison.Ordinal)), Is.EqualTo(14), "the others at debug");
        }
    }

    [Test, Spec("A2")]
    public async Task Callers_that_are_no_known_client_are_warned_of_together_and_not_by_the_names_they_invent()
    {
        await using var host = new CibaHost();
        await host.StartedAsync();
        host.Log.Lines.Clear();

        for (var i = 0; i < 20; i++)
        {
            await host.AuthorizeAsync(("client_id", $"invented-{i}"), ("client_secret", "a-wrong-secret"));
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Warnings(host), Is.EqualTo(new[] { "Client (not known) failed to authenticate from an unknown address (1 since the last warning): There is no such client." }));
            Assert.That(host.Log.Ours.Select(line => line.Text), Has.None.Contains("invented").And.None.Contains("a-wrong-secret"));
        }
    }

    [Test, Spec("A2")]
    public async Task An_event_names_the_client_the_number_and_the_reason()
    {
        var events = new FakeEvents();
        await using var host = new CibaHost { Setup = events.Use, BeforeRouting = From("2001:db8::7"), Options = options => options.RequireHttps = false };

        for (var i = 0; i < 3; i++)
        {
            await host.AuthorizeAsync(("client_secret", "wrong"));
        }

        host.Time.Advance(TimeSpan.FromMinutes(1));
        await host.AuthorizeAsync(("client_secret", "wrong"));
        await host.AuthorizeAsync(("client_id", "nobody"));

        var heard = await events.NextAsync(3);
        EventTests.AssertIs(heard[0], $$"""{"Kind":"ClientAuthenticationFailed","OccurredAt":"2026-01-15T12:00:00+00:00","ClientId":"client","Reason":"{{WrongSecret}}","Count":"1","RemoteAddress":"2001:db8::7"}""");
        EventTests.AssertIs(heard[1], $$"""{"Kind":"ClientAuthenticationFailed","OccurredAt":"2026-01-15T12:01:00+00:00","ClientId":"client","Reason":"{{WrongSecret}}","Count":"3","RemoteAddress":"2001:db8::7"}""");
        EventTests.AssertIs(heard[2], """{"Kind":"ClientAuthenticationFailed","OccurredAt":"2026-01-15T12:01:00+00:00","Reason":"There is no such client.","Count":"1","RemoteAddress":"2001:db8::7"}""");
    }

    private static IEnumerable<string> Warnings(CibaHost host) =>
        host.Log.Ours.Where(line => line.Level == LogLevel.Warning && line.Text.StartsWith("Client ", StringComparison.Ordinal)).Select(line => line.Text.Trim());

    private static Action<WebApplication> From(string address) => app => app.Use((context, next) =>
    {
        context.Connection.RemoteIpAddress = IPAddress.Parse(address);
        return next(context);
    });
}
