using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 15: a phone rings as often as is allowed, whatever becomes of the requests.</summary>
public sealed class NotificationLimitTests
{
    private const string Refused = """{"error":"access_denied","error_description":"This user was notified as often as is allowed for now: try again later."}""";

    [Test, Spec("U5")]
    public async Task A_client_that_asks_and_cancels_rings_a_phone_ten_times_in_ten_minutes()
    {
        await using var host = new CibaHost { Options = options => options.ClientsMayCancel = true };
        var accepted = 0;
        Answer answer;
        while ((answer = await host.AuthorizeAsync()).Status == HttpStatusCode.OK)
        {
            accepted++;
            await host.Devices.NextAsync();
            await CallAsync(host, "cancel", answer.AuthReqId);
            host.Time.Advance(TimeSpan.FromSeconds(1));
        }

        host.Time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1));
        var atLast = await host.AuthorizeAsync();
        host.Time.Advance(TimeSpan.FromTicks(1));

        Refusal.Says(answer, "access_denied", 403);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((accepted, host.Devices.Calls), Is.EqualTo((10, 10)));
            Assert.That((answer.Body, answer.Header("Retry-After")), Is.EqualTo((Refused, "590")));
            Assert.That((atLast.Body, atLast.Header("Retry-After")), Is.EqualTo((Refused, "1")));
            Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((await host.AuthorizeAsync()).Header("Retry-After"), Is.EqualTo("1"), "the window slides");
            Assert.That((await host.AuthorizeAsync(("login_hint", "bob"))).Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((await host.AuthorizeAsync(("client_id", "other"))).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test, Spec("U5"), Spec("A11")]
    public async Task Requests_of_one_second_ring_no_phone_without_end()
    {
        await using var host = new CibaHost { Options = options => options.MinRequestLifetime = new CibaOptions().MinRequestLifetime };
        var accepted = 0;
        for (var second = 0; second < 600; second++)
        {
            accepted += (await host.AuthorizeAsync(("requested_expiry", "1"))).Status == HttpStatusCode.OK ? 1 : 0;
            host.Time.Advance(TimeSpan.FromSeconds(1));
        }

        await host.StopAsync();
        Assert.That((accepted, host.Devices.Calls), Is.EqualTo((10, 10)));
    }

    [Test, Spec("U5")]
    public async Task All_clients_together_have_a_limit_for_a_user()
    {
        await using var host = new CibaHost { Options = options => options.Limits.NotificationsPerUser = 3 };
        var answers = new List<Answer>();
        foreach (var client in new[] { "client", "other", "client", "other", "client" })
        {
            answers.Add(await host.AuthorizeAsync(("client_id", client)));
            host.Time.Advance(TimeSpan.FromMinutes(2));
        }

        Assert.That(answers.Select(answer => (answer.Error, answer.Header("Retry-After"))), Is.EqualTo(new (string?, string?)[]
        {
            (null, null), (null, null), (null, null), ("access_denied", "240"), ("access_denied", "120"),
        }));
    }

    [Test, Spec("U5")]
    public async Task Without_limits_a_phone_rings_as_often_as_clients_ask()
    {
        await using var host = new CibaHost { Options = options => options.Limits.SwitchOff() };

        for (var i = 0; i < 40; i++)
        {
            Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test, Spec("U5")]
    public async Task A_resend_counts_and_one_that_is_refused_uses_up_nothing()
    {
        await using var host = Resending(options =>
        {
            options.MaxResends = 1;
            options.Limits.NotificationsPerUserAndClient = 2;
            options.Limits.NotificationWindow = TimeSpan.FromMinutes(1);
        });
        await host.AuthorizeAsync();
        await host.Devices.NextAsync();
        host.Time.Advance(TimeSpan.FromSeconds(20));
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.Devices.NextAsync();

        var byClient = await CallAsync(host, "resend", id);
        var byUser = await ByUserAsync(host, id);
        host.Time.Advance(TimeSpan.FromSeconds(40));
        var after = await CallAsync(host, "resend", id);
        await host.Devices.NextAsync();
        var next = await host.AuthorizeAsync();

        Refusal.Says(byClient, "access_denied", 403);
        DeviceEndpointTests.AssertProblem(byUser, 429, "The user was notified as often as is allowed for now: try again later.");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((byClient.Body, byClient.Header("Retry-After")), Is.EqualTo((Refused, "40")));
            Assert.That((byUser.Text("code"), byUser.Header("Retry-After")), Is.EqualTo(("too_many_notifications", "40")));
            Assert.That(after.Status, Is.EqualTo(HttpStatusCode.NoContent));
            Assert.That((next.Error, next.Header("Retry-After")), Is.EqualTo(("access_denied", "20")), "the resend counts");
            Assert.That(host.Devices.Calls, Is.EqualTo(3));
        }
    }

    [Test, Spec("U5"), Spec("A21")]
    public async Task A_retry_counts_and_waits_where_the_limit_is_reached()
    {
        await using var host = new CibaHost
        {
            Options = options =>
            {
                options.RequestLifetime = TimeSpan.FromMinutes(5);
                options.Limits.NotificationsPerUserAndClient = 3;
                options.Limits.NotificationWindow = TimeSpan.FromMinutes(1);
            },
        };
        host.Devices.OnNotify = (_, _) => host.Devices.Calls <= 3 ? throw new InvalidOperationException("The push service is down.") : Task.CompletedTask;
        await host.FirstLookAsync();

        // At 0, 1 and 3 s; the fourth, at 7 s, is one too many until the first has left the window.
        await host.AuthorizeAsync();
        await host.WaitedAsync(1);
        await host.WaitedAsync(2);
        for (var seconds = 5; seconds < 60; seconds += 5)
        {
            await host.LookAsync();
        }

        var before = host.Devices.Calls;
        var refused = await host.AuthorizeAsync();
        await host.LookAsync();
        await host.Devices.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((before, host.Devices.Calls), Is.EqualTo((3, 4)));
            Assert.That(refused.Error, Is.EqualTo("access_denied"));
            Assert.That(host.Log.Ours.Select(line => line.Text), Has.Some.Contains("the user was notified as often as is allowed"));
        }
    }

    [Test, Spec("U5"), Spec("A21")]
    public async Task What_waits_for_room_until_its_request_is_over_is_given_up()
    {
        await using var host = new CibaHost { Options = options => options.Limits.NotificationsPerUserAndClient = 1 };
        host.Devices.OnNotify = (_, _) => throw new InvalidOperationException("The push service is down.");
        await host.FirstLookAsync();
        await host.AuthorizeAsync();
        await host.WaitedAsync(1);
        await host.LookAsync();
        await host.StopAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(host.Devices.Calls, Is.EqualTo(1));
            Assert.That(host.Log.Ours.Where(line => line.Level == Microsoft.Extensions.Logging.LogLevel.Error).Select(line => line.Text), Has.One.Contains("in its lifetime"));
        }
    }

    [Test, Spec("U5")]
    public async Task The_host_learns_of_a_limit_that_is_reached()
    {
        var events = new FakeEvents();
        await using var host = new CibaHost { Setup = events.Use, Options = options => options.Limits.NotificationsPerUser = 1 };
        await host.AuthorizeAsync();
        await host.AuthorizeAsync();

        Assert.That((await events.NextAsync(2)).Select(heard => (heard.Kind, heard.Subject)), Is.EqualTo(new[] { (CibaEventKind.Accepted, "sub-alice"), (CibaEventKind.LimitReached, "sub-alice") }));
    }

    private static CibaHost Resending(Action<CibaOptions> change) => new()
    {
        Options = options =>
        {
            options.ClientsMayResend = true;
            options.RequestLifetime = TimeSpan.FromMinutes(5);
            change(options);
        },
    };

    private static Task<Answer> CallAsync(CibaHost host, string verb, string authReqId) =>
        host.PostAsync($"/bc-authorize/{verb}", [("client_id", "client"), ("client_secret", CibaHost.Secret), ("auth_req_id", authReqId)]);

    private static async Task<Answer> ByUserAsync(CibaHost host, string authReqId) =>
        await host.DeviceAsync(HttpMethod.Post, $"/requests/{await host.HandleAsync(authReqId)}/resend", "alice");
}
