using System.Net;
using System.Text.Json;
using Ciba.AspNetCore.Events;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary><see cref="ICibaEvents"/>: what a host hears of each step, and what it does not.</summary>
public sealed class EventTests
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    [Test, Spec("A1")]
    public async Task An_accepted_request_is_told_with_its_handle_its_client_and_its_user()
    {
        var events = new FakeEvents();
        await using var host = Host(events);
        var id = CibaRequestId.FromAuthReqId((await host.AuthorizeAsync()).AuthReqId);

        AssertIs(await events.NextAsync(), $$"""{"Kind":"Accepted","OccurredAt":"2026-01-15T12:00:00+00:00","RequestId":"{{id}}","ClientId":"client","Subject":"sub-alice"}""");
    }

    [TestCase("approve", "Approved"), TestCase("deny", "Denied"), TestCase("fail", "Failed"), Spec("U3")]
    public async Task A_decision_is_told_with_its_outcome_and_once(string answer, string outcome)
    {
        var events = new FakeEvents();
        await using var host = Host(events);
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        var id = CibaRequestId.FromAuthReqId(authReqId);
        host.Time.Advance(Step);

        foreach (var _ in new[] { "first", "again" })
        {
            await (answer switch
            {
                "fail" => host.FailAsync(authReqId) as Task,
                _ => host.DeviceAsync(HttpMethod.Post, $"/requests/{id}/{answer}", "alice"),
            });
        }

        await host.AuthorizeAsync(("login_hint", "bob"));
        var heard = await events.NextAsync(3);
        Assert.That(heard.Select(occurrence => occurrence.Kind), Is.EqualTo(new[] { CibaEventKind.Accepted, CibaEventKind.Decided, CibaEventKind.Accepted }));
        AssertIs(heard[1], $$"""{"Kind":"Decided","OccurredAt":"2026-01-15T12:00:01+00:00","RequestId":"{{id}}","ClientId":"client","Subject":"sub-alice","Outcome":"{{outcome}}"}""");
    }

    [Test, Spec("T7"), Spec("T8")]
    public async Task A_redemption_and_its_replay_are_told()
    {
        var events = new FakeEvents();
        await using var host = Host(events);
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(authReqId);
        host.Time.Advance(Step);
        await host.PollAsync(authReqId);
        host.Time.Advance(Step);
        await host.PollAsync(authReqId);

        var id = CibaRequestId.FromAuthReqId(authReqId);
        var heard = await events.NextAsync(4);
        AssertIs(heard[2], $$"""{"Kind":"Redeemed","OccurredAt":"2026-01-15T12:00:01+00:00","RequestId":"{{id}}","ClientId":"client","Subject":"sub-alice"}""");
        AssertIs(heard[3], $$"""{"Kind":"Replayed","OccurredAt":"2026-01-15T12:00:02+00:00","RequestId":"{{id}}","ClientId":"client"}""");
    }

    [Test, Spec("T7")]
    public async Task A_redemption_at_the_hosts_own_token_endpoint_is_told_when_it_is_completed()
    {
        var events = new FakeEvents();
        await using var host = Host(events);
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(authReqId);
        await using var scope = (await host.ServicesAsync()).CreateAsyncScope();
        var grants = scope.ServiceProvider.GetRequiredService<ICibaGrants>();

        await (await grants.RedeemAsync(authReqId, "client", CancellationToken.None)).DisposeAsync();
        await host.AuthorizeAsync(("login_hint", "bob"));
        var grant = await grants.RedeemAsync(authReqId, "client", CancellationToken.None);
        await grant.CompleteAsync(CancellationToken.None);
        await grant.CompleteAsync(CancellationToken.None);
        await host.AuthorizeAsync(("login_hint", "carol"));

        Assert.That((await events.NextAsync(5)).Select(occurrence => occurrence.Kind), Is.EqualTo(new[]
        {
            CibaEventKind.Accepted, CibaEventKind.Decided, CibaEventKind.Accepted, CibaEventKind.Redeemed, CibaEventKind.Accepted,
        }));
    }

    [Test, Spec("U5")]
    public async Task A_limit_that_is_reached_is_told_without_a_request()
    {
        var events = new FakeEvents();
        await using var host = new CibaHost { Setup = events.Use, Options = options => options.Limits.PendingPerUser = 1 };
        await host.AuthorizeAsync();
        host.Time.Advance(Step);
        Assert.That((await host.AuthorizeAsync(("client_id", "other"))).Error, Is.EqualTo("access_denied"));

        AssertIs((await events.NextAsync(2))[1], """{"Kind":"LimitReached","OccurredAt":"2026-01-15T12:00:01+00:00","ClientId":"other","Subject":"sub-alice"}""");
    }

    [Test]
    public async Task What_becomes_of_callbacks_and_of_requests_that_nobody_answers_can_be_told()
    {
        var events = new FakeEvents();
        await using var host = Host(events);
        var signals = (await host.ServicesAsync()).GetRequiredService<Signals>();
        var request = Request();
        host.Time.Advance(TimeSpan.FromMinutes(3));

        signals.Delivered(request, CibaTokenDeliveryModes.Ping, Step);
        signals.Retried(CibaTokenDeliveryModes.Push);
        signals.Undelivered(request, CibaTokenDeliveryModes.Push, "The endpoint answered 404.");
        signals.Expired(request);

        var heard = await events.NextAsync(3);
        const string Of = "\"RequestId\":\"the-handle\",\"ClientId\":\"client\",\"Subject\":\"sub-alice\"";
        AssertIs(heard[0], $$"""{"Kind":"Delivered","OccurredAt":"2026-01-15T12:03:00+00:00",{{Of}},"TokenDeliveryMode":"ping"}""");
        AssertIs(heard[1], $$"""{"Kind":"Undelivered","OccurredAt":"2026-01-15T12:03:00+00:00",{{Of}},"TokenDeliveryMode":"push","Reason":"The endpoint answered 404."}""");
        AssertIs(heard[2], $$"""{"Kind":"Expired","OccurredAt":"2026-01-15T12:02:00+00:00",{{Of}}}""");
    }

    [Test]
    public async Task Of_what_is_refused_nothing_is_told()
    {
        var events = new FakeEvents();
        await using var host = new CibaHost { Setup = events.Use, Options = options => options.DeviceNotification = CibaDeviceNotificationMode.BeforeAcknowledgement };
        host.Devices.OnNotify = (request, _) => request.Subject == "sub-bob" ? throw new InvalidOperationException("no signal") : Task.CompletedTask;

        Answer[] refused =
        [
            await host.AuthorizeAsync(("scope", "profile")),
            await host.AuthorizeAsync(("login_hint", "nobody")),
            await host.AuthorizeAsync(("login_hint", "bob")),
            await host.PollAsync(ClientCalls.UnknownRequest),
            await host.DeviceAsync(HttpMethod.Post, $"/requests/{ClientCalls.UnknownRequest}/approve", "alice"),
        ];
        await host.AuthorizeAsync(("login_hint", "carol"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused.Select(answer => answer.Status), Has.None.EqualTo(HttpStatusCode.OK));
            Assert.That((await events.NextAsync()).Subject, Is.EqualTo("sub-carol"));
        }
    }

    [Test]
    public async Task Polls_that_find_nothing_new_tell_nothing()
    {
        var events = new FakeEvents();
        await using var host = Host(events);
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        await host.PollAsync(authReqId);
        await host.PollAsync(authReqId);
        await host.PollAsync(authReqId, ("client_id", "other"));
        await host.DenyAsync(authReqId);
        await host.PollAsync(authReqId);
        await host.AuthorizeAsync();

        Assert.That((await events.NextAsync(3)).Select(occurrence => occurrence.Kind), Is.EqualTo(new[] { CibaEventKind.Accepted, CibaEventKind.Decided, CibaEventKind.Accepted }));
    }

    [Test]
    public async Task Events_come_in_the_order_in_which_they_happened()
    {
        var events = new FakeEvents { OnEvent = async (_, _) => await Task.Yield() };
        await using var host = new CibaHost { Setup = events.Use, Options = options => options.Limits.SwitchOff() };
        var expected = new List<(CibaEventKind, string?)>();
        for (var i = 0; i < 30; i++)
        {
            var authReqId = (await host.AuthorizeAsync()).AuthReqId;
            await host.ApproveAsync(authReqId);
            await host.PollAsync(authReqId);
            var id = CibaRequestId.FromAuthReqId(authReqId);
            expected.AddRange([(CibaEventKind.Accepted, id), (CibaEventKind.Decided, id), (CibaEventKind.Redeemed, id)]);
        }

        Assert.That((await events.NextAsync(90)).Select(occurrence => (occurrence.Kind, occurrence.RequestId)), Is.EqualTo(expected));
    }

    [Test]
    public async Task No_event_holds_an_auth_req_id_or_a_token()
    {
        var events = new FakeEvents();
        await using var host = new CibaHost { Setup = events.Use, Options = options => options.Limits.PendingPerUser = 1 };
        var tokens = await host.TokensAsync(changes: ("binding_message", "W4SCT"));
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        await host.AuthorizeAsync();
        await host.ApproveAsync(authReqId);
        await host.PollAsync(authReqId);
        await host.PollAsync(authReqId);

        var heard = string.Join('\n', (await events.NextAsync(8)).Select(Render));
        string[] secrets = [authReqId, tokens.Text("access_token")!, tokens.Text("id_token")!, "eyJ", "W4SCT", CibaHost.Secret];
        Assert.That(secrets.Where(heard.Contains), Is.Empty);
    }

    [Test, Spec("A22")]
    public async Task A_concealed_user_is_told_of_as_the_stand_in_that_the_request_is_for()
    {
        var events = new FakeEvents();
        await using var host = new CibaHost { Setup = events.Use, Options = options => options.ConcealUnknownUsers = true };
        await host.AuthorizeAsync(("login_hint", "nobody"));

        Assert.That((await events.NextAsync()).Subject, Does.StartWith("nobody:"));
    }

    internal static CibaHost Host(params FakeEvents[] listeners) => new() { Setup = builder => Array.ForEach(listeners, listener => listener.Use(builder)) };

    internal static CibaRequest Request(string clientId = "client", string subject = "sub-alice")
    {
        var createdAt = new DateTimeOffset(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);
        return new CibaRequest
        {
            Id = "the-handle",
            ClientId = clientId,
            ClientName = "The client",
            Subject = subject,
            Scopes = ["openid"],
            Interval = TimeSpan.FromSeconds(5),
            CreatedAt = createdAt,
            ExpiresAt = createdAt + TimeSpan.FromMinutes(2),
            RetainedUntil = createdAt + TimeSpan.FromMinutes(4),
        };
    }

    internal static void AssertIs(CibaEvent occurrence, string expected) => Assert.That(Render(occurrence), Is.EqualTo(expected));

    /// <summary>Everything in an event but what is null.</summary>
    private static string Render(CibaEvent occurrence)
    {
        var members = typeof(CibaEvent).GetProperties()
            .Select(property => (property.Name, Value: property.GetValue(occurrence)))
            .Where(member => member.Value is not null)
            .Select(member => $"\"{member.Name}\":{(member.Value is DateTimeOffset at ? $"\"{at:yyyy-MM-ddTHH:mm:sszzz}\"" : JsonSerializer.Serialize(member.Value!.ToString()))}");
        return $"{{{string.Join(',', members)}}}";
    }
}
