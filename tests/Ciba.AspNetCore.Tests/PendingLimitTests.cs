using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 15: nobody can bury a user's device under requests.</summary>
public sealed class PendingLimitTests
{
    [Test, Spec("U5"), Spec("A20")]
    public async Task One_request_too_many_is_refused_and_notifies_nobody()
    {
        await using var host = new CibaHost { Options = options => options.MaxPendingRequestsPerUser = 2 };
        await host.AuthorizeAsync();
        await host.AuthorizeAsync(("client_id", "other"));
        await host.Devices.NextAsync();
        await host.Devices.NextAsync();

        var refused = await host.AuthorizeAsync();
        var bobs = await host.AuthorizeAsync(("login_hint", "bob"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused.Status, Is.EqualTo(HttpStatusCode.Forbidden));
            Assert.That(refused.Body, Is.EqualTo("""{"error":"access_denied","error_description":"Too many requests wait for this user: try again when they are answered or expired."}"""));
            Assert.That(bobs.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((await host.Devices.NextAsync()).Subject, Is.EqualTo("sub-bob"), "the next that any device heard");
            Assert.That((await host.StoreAsync()).Count, Is.EqualTo(3));
        }
    }

    [TestCase("approve"), TestCase("deny"), TestCase("expire"), Spec("U5")]
    public async Task An_answered_or_expired_request_makes_room(string end)
    {
        await using var host = new CibaHost { Options = options => options.MaxPendingRequestsPerUserAndClient = 1 };
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        var before = await host.AuthorizeAsync();

        if (end == "expire")
        {
            host.Time.Advance(TimeSpan.FromMinutes(2));
        }
        else
        {
            await host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(authReqId)}/{end}", "alice");
        }

        var after = await host.AuthorizeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before.Error, Is.EqualTo("access_denied"));
            Assert.That(after.Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test, Spec("U5")]
    public async Task Many_requests_at_once_do_not_get_past_the_limit()
    {
        await using var host = new CibaHost();

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Task.Run(() => host.AuthorizeAsync())));

        Assert.That(answers.Select(answer => (int)answer.Status), Has.Exactly(10).EqualTo(200).And.Exactly(30).EqualTo(403));
    }
}
