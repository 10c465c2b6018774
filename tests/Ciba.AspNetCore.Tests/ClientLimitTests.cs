using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 15: one client, or all of them, do not fill the provider.</summary>
public sealed class ClientLimitTests
{
    private const string OfClient = """{"error":"temporarily_unavailable","error_description":"Too many requests of this client are pending: try again when some are answered or expired."}""";
    private const string InTotal = """{"error":"temporarily_unavailable","error_description":"Too many requests are pending here: try again later."}""";

    [Test, Spec("U5"), Spec("A20")]
    public async Task A_client_has_a_limit_of_its_own_for_all_users_together()
    {
        await using var host = new CibaHost { Options = options => options.Limits.PendingPerClient = 2 };
        await host.AuthorizeAsync(("requested_expiry", "30"));
        host.Time.Advance(TimeSpan.FromSeconds(10.5));
        await host.AuthorizeAsync(("login_hint", "bob"));
        await host.Devices.NextAsync();
        await host.Devices.NextAsync();

        var answer = await host.AuthorizeAsync(("login_hint", "carol"));

        Refusal.Says(answer, "temporarily_unavailable", 503);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Body, answer.Header("Retry-After")), Is.EqualTo((OfClient, "20")));
            Assert.That((await host.StoreAsync()).Count, Is.EqualTo(2));
            Assert.That(host.Devices.Calls, Is.EqualTo(2));
            Assert.That((await host.AuthorizeAsync(("login_hint", "carol"), ("client_id", "other"))).Status, Is.EqualTo(HttpStatusCode.OK));
        }

        host.Time.Advance(TimeSpan.FromSeconds(20));
        Assert.That((await host.AuthorizeAsync(("login_hint", "carol"))).Status, Is.EqualTo(HttpStatusCode.OK), "after that time");
    }

    [Test, Spec("U5")]
    public async Task All_clients_together_have_a_limit()
    {
        await using var host = new CibaHost { Options = options => options.Limits.PendingTotal = 2 };
        var first = (await host.AuthorizeAsync()).AuthReqId;
        await host.AuthorizeAsync(("login_hint", "bob"), ("client_id", "other"));

        var answer = await host.AuthorizeAsync(("login_hint", "carol"));
        await host.ApproveAsync(first);

        Refusal.Says(answer, "temporarily_unavailable", 503);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Body, answer.Header("Retry-After")), Is.EqualTo((InTotal, "120")));
            Assert.That((await host.AuthorizeAsync(("login_hint", "carol"))).Status, Is.EqualTo(HttpStatusCode.OK), "what is answered is pending no longer");
        }
    }

    [TestCase("approved"), TestCase("denied"), TestCase("cancelled"), TestCase("expired"), Spec("U5")]
    public async Task What_is_pending_no_longer_makes_room(string end)
    {
        await using var host = new CibaHost { Options = options => (options.Limits.PendingPerClient, options.ClientsMayCancel) = (1, true) };
        var id = (await host.AuthorizeAsync()).AuthReqId;
        Assert.That((await host.AuthorizeAsync(("login_hint", "bob"))).Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        switch (end)
        {
            case "approved":
                await host.ApproveAsync(id);
                break;
            case "denied":
                await host.DenyAsync(id);
                break;
            case "cancelled":
                await host.PostAsync("/bc-authorize/cancel", [("client_id", "client"), ("client_secret", CibaHost.Secret), ("auth_req_id", id)]);
                break;
            default:
                host.Time.Advance(TimeSpan.FromMinutes(2));
                break;
        }

        Assert.That((await host.AuthorizeAsync(("login_hint", "bob"))).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("U5")]
    public async Task Requests_that_come_all_at_once_do_not_pass_the_limits([Values] bool total)
    {
        await using var host = new CibaHost
        {
            Options = options =>
            {
                options.Limits.SwitchOff();
                (options.Limits.PendingPerClient, options.Limits.PendingTotal) = total ? (0, 5) : (5, 0);
            },
        };
        host.Users.Names.UnionWith(Enumerable.Range(0, 40).Select(user => $"user{user}"));
        await host.StartedAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(user => Task.Run(() => host.AuthorizeAsync(("login_hint", $"user{user}")))));

        Assert.That(answers.CountBy(answer => answer.Status).ToDictionary(), Is.EqualTo(new Dictionary<HttpStatusCode, int> { [HttpStatusCode.OK] = 5, [HttpStatusCode.ServiceUnavailable] = 35 }));
    }

    [Test]
    public async Task What_was_cancelled_leaves_memory_long_before_it_would_have_expired()
    {
        await using var host = new CibaHost
        {
            Options = options =>
            {
                options.ClientsMayCancel = true;
                options.RequestLifetime = options.MaxRequestLifetime = TimeSpan.FromDays(30);
                options.Limits.SwitchOff();
            },
        };
        var requests = new List<WeakReference>();
        host.Devices.OnNotify = (_, _) => Task.CompletedTask;
        for (var i = 0; i < 20; i++)
        {
            requests.Add(await CancelledAsync(host));
        }

        await host.StopAsync();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        // The last is still in somebody's hands.
        Assert.That(requests.Count(request => request.IsAlive), Is.LessThan(5));
    }

    private static async Task<WeakReference> CancelledAsync(CibaHost host)
    {
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.Devices.NextAsync();
        var found = await (await host.StoreAsync()).GetForClientAsync(await host.HandleAsync(id), "client", host.Time.GetUtcNow(), CancellationToken.None);
        await host.PostAsync("/bc-authorize/cancel", [("client_id", "client"), ("client_secret", CibaHost.Secret), ("auth_req_id", id)]);
        return new WeakReference(found!.Request);
    }
}
