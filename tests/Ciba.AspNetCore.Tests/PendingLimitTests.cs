using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 15: nobody is worn down by requests.</summary>
public sealed class PendingLimitTests
{
    [Test, Spec("U5"), Spec("A20")]
    public async Task Ten_requests_may_wait_for_a_user_and_the_next_is_refused_and_not_notified()
    {
        await using var host = new CibaHost
        {
            Options = options =>
            {
                options.DeviceNotification = CibaDeviceNotificationMode.BeforeAcknowledgement;
                options.Limits.PendingPerUserAndClient = 0;
            },
        };
        for (var i = 0; i < 10; i++)
        {
            Assert.That((await host.AuthorizeAsync(("client_id", i % 2 == 0 ? "client" : "other"))).Status, Is.EqualTo(HttpStatusCode.OK));
        }

        var answer = await host.AuthorizeAsync();

        Refusal.Says(answer, "access_denied", 403);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Description, Is.EqualTo("Too many requests wait for this user: try again when they are answered or expired."));
            Assert.That(host.Devices.Calls, Is.EqualTo(10));
            Assert.That((await host.StoreAsync()).Count, Is.EqualTo(10));
            Assert.That((await host.AuthorizeAsync(("login_hint", "bob"))).Status, Is.EqualTo(HttpStatusCode.OK), "another user");
        }
    }

    [Test, Spec("U5")]
    public async Task By_default_a_client_has_three_of_a_users_places()
    {
        await using var host = new CibaHost();
        var errors = new List<string?>();
        for (var i = 0; i < 4; i++)
        {
            errors.Add((await host.AuthorizeAsync()).Error);
        }

        errors.Add((await host.AuthorizeAsync(("client_id", "other"))).Error);

        Assert.That(errors, Is.EqualTo(new[] { null, null, null, "access_denied", null }));
    }

    [Test, Spec("U5")]
    public async Task A_client_may_have_a_limit_of_its_own_for_a_user()
    {
        await using var host = new CibaHost
        {
            Options = options =>
            {
                options.Limits.PendingPerUser = 3;
                options.Limits.PendingPerUserAndClient = 2;
            },
        };
        string?[] errors =
        [
            (await host.AuthorizeAsync()).Error,
            (await host.AuthorizeAsync()).Error,
            (await host.AuthorizeAsync()).Error,
            (await host.AuthorizeAsync(("login_hint", "bob"))).Error,
            (await host.AuthorizeAsync(("client_id", "other"))).Error,
            (await host.AuthorizeAsync(("client_id", "other"))).Error,
        ];

        Assert.That(errors, Is.EqualTo(new[] { null, null, "access_denied", null, null, "access_denied" }));
    }

    [TestCase("approved"), TestCase("denied"), TestCase("expired"), TestCase("redeemed"), Spec("U5")]
    public async Task Only_what_waits_counts(string fate)
    {
        await using var host = new CibaHost
        {
            Options = options =>
            {
                options.Limits.PendingPerUser = 1;
                options.Limits.PendingPerUserAndClient = 1;
            },
        };
        var id = (await host.AuthorizeAsync(("requested_expiry", "30"))).AuthReqId;
        Assert.That((await host.AuthorizeAsync()).Error, Is.EqualTo("access_denied"));

        switch (fate)
        {
            case "denied":
                await host.DenyAsync(id);
                break;

            case "expired":
                host.Time.Advance(TimeSpan.FromSeconds(30) - TimeSpan.FromTicks(1));
                Assert.That((await host.AuthorizeAsync()).Error, Is.EqualTo("access_denied"));
                host.Time.Advance(TimeSpan.FromTicks(1));
                break;

            default:
                await host.ApproveAsync(id);
                Assert.That(fate == "approved" || (await host.PollAsync(id)).Status == HttpStatusCode.OK);
                break;
        }

        Assert.That((await host.AuthorizeAsync()).Error, Is.Null);
    }

    [Test, Spec("U5")]
    public async Task Without_a_limit_any_number_may_wait()
    {
        await using var host = new CibaHost { Options = options => options.Limits.SwitchOff() };

        for (var i = 0; i < 25; i++)
        {
            Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test, Spec("U5")]
    public async Task Requests_that_come_all_at_once_do_not_pass_the_limit()
    {
        await using var host = new CibaHost { Options = options => (options.Limits.PendingPerUser, options.Limits.PendingPerUserAndClient) = (5, 0) };
        await host.StartedAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Task.Run(() => host.AuthorizeAsync())));

        Assert.That(answers.Count(answer => answer.Status == HttpStatusCode.OK), Is.EqualTo(5));
        Assert.That(answers.Count(answer => answer.Error == "access_denied"), Is.EqualTo(35));
    }

    [Test, Spec("U5"), Spec("A21")]
    public async Task A_request_that_was_taken_back_does_not_count()
    {
        await using var host = new CibaHost
        {
            Options = options =>
            {
                options.Limits.PendingPerUser = 1;
                options.DeviceNotification = CibaDeviceNotificationMode.BeforeAcknowledgement;
            },
        };
        host.Devices.OnNotify = (_, _) => throw new InvalidOperationException("The push service is down.");
        Assert.That((await host.AuthorizeAsync()).Error, Is.EqualTo("temporarily_unavailable"));

        host.Devices.OnNotify = null;

        Assert.That((await host.AuthorizeAsync()).Error, Is.Null);
    }
}
