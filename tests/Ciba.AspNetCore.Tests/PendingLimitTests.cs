using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 15, fatigue: how many requests may wait for one user.</summary>
[Spec("U5")]
public sealed class PendingLimitTests
{
    [Test]
    public async Task The_eleventh_pending_request_of_a_user_is_refused_and_notifies_nobody()
    {
        await using var host = new CibaHost();
        for (var i = 0; i < 10; i++)
        {
            await host.AuthorizeAsync(("client_id", i % 2 == 0 ? "client" : "other"));
            await host.Devices.NextAsync();
        }

        var answer = await host.AuthorizeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Forbidden));
            Assert.That(answer.Body, Is.EqualTo("""{"error":"access_denied","error_description":"Too many requests wait for this user: try again when they are answered or expired."}"""));
            Assert.That((await host.StoreAsync()).Count, Is.EqualTo(10));
            Assert.That(host.Devices.Calls, Is.EqualTo(10));
            Assert.That((await host.AuthorizeAsync(("login_hint", "bob"))).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test]
    public async Task A_request_that_is_answered_makes_room_for_another([Values] bool yes)
    {
        await using var host = new CibaHost { Options = options => options.MaxPendingRequestsPerUser = 1 };
        var id = (await host.AuthorizeAsync()).AuthReqId;
        Assert.That((await host.AuthorizeAsync()).Error, Is.EqualTo("access_denied"));

        Assert.That(yes ? await host.ApproveAsync(id) : await host.DenyAsync(id), Is.EqualTo(CibaDecisionResult.Done));

        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_request_that_expires_makes_room_for_another()
    {
        await using var host = new CibaHost { Options = options => options.MaxPendingRequestsPerUser = 1 };
        await host.AuthorizeAsync();
        host.Time.Advance(TimeSpan.FromSeconds(119));
        Assert.That((await host.AuthorizeAsync()).Error, Is.EqualTo("access_denied"));

        host.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task One_client_can_be_held_to_less_than_all_together()
    {
        await using var host = new CibaHost { Options = options => options.MaxPendingRequestsPerUserAndClient = 2 };
        await host.AuthorizeAsync();
        await host.AuthorizeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await host.AuthorizeAsync()).Error, Is.EqualTo("access_denied"));
            Assert.That((await host.AuthorizeAsync(("client_id", "other"))).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test]
    public async Task Zero_is_no_limit()
    {
        await using var host = new CibaHost { Options = options => options.MaxPendingRequestsPerUser = 0 };
        for (var i = 0; i < 50; i++)
        {
            await host.AuthorizeAsync();
        }

        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
    }
}
