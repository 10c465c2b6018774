namespace Ciba.AspNetCore.Tests;

/// <summary>A user who is locked, disabled or gone sees and does nothing more with the session that is left.</summary>
public sealed class DeviceLockOutTests
{
    private static readonly TimeSpan TickEvery = TimeSpan.FromSeconds(5);

    [TestCase("GET", "/requests"), TestCase("GET", "/requests/{id}"), TestCase("POST", "/requests/{id}/approve"), TestCase("POST", "/requests/{id}/deny")]
    [TestCase("POST", "/requests/{id}/resend"), TestCase("GET", "/events"), Spec("A22")]
    public async Task Every_call_of_a_user_who_was_locked_is_refused(string method, string path)
    {
        await using var host = new CibaHost();
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        await host.Devices.NextAsync();
        host.Users.Lock("alice");

        var answer = await host.DeviceAsync(new HttpMethod(method), path.Replace("{id}", CibaRequestId.FromAuthReqId(authReqId), StringComparison.Ordinal), "alice");

        DeviceEndpointTests.AssertProblem(answer, 403, "This user cannot authenticate at present.");
        Assert.That(host.Devices.Calls, Is.EqualTo(1));
    }

    [Test, Spec("A22")]
    public async Task A_stream_of_a_user_who_was_locked_ends_within_a_minute_and_others_go_on()
    {
        await using var host = new CibaHost();
        await using var alices = await ListeningDevice.OpenAsync(host);
        await using var bobs = await ListeningDevice.OpenAsync(host, "bob");
        host.Users.Lock("alice");

        await PassAsync(host, alices, bobs);

        Assert.That(await alices.EndsAsync(), Is.True);
        Assert.That((await bobs.NextAsync()).Name, Is.EqualTo(":"));
        var id = CibaRequestId.FromAuthReqId((await host.AuthorizeAsync(("login_hint", "bob"))).AuthReqId);
        Assert.That(await bobs.SaidAsync(), Is.EqualTo($"requested {id}"));
    }

    [Test]
    public async Task A_stream_on_which_things_happen_asks_as_well()
    {
        await using var host = new CibaHost();
        await using var device = await ListeningDevice.OpenAsync(host);
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        await device.NextAsync();
        host.Users.Lock("alice");
        host.Time.Advance(TimeSpan.FromSeconds(61));

        await host.FailAsync(authReqId);

        Assert.That(await device.EndsAsync(), Is.True);
    }

    [Test]
    public async Task A_user_lookup_that_fails_ends_no_stream()
    {
        var users = new HookedUsers();
        await using var host = new CibaHost { Setup = users.Use };
        await using var device = await ListeningDevice.OpenAsync(host);
        var failed = new TaskCompletionSource();
        users.OnActive = _ =>
        {
            failed.TrySetResult();
            throw new TimeoutException("The directory does not answer.");
        };

        await PassAsync(host, device);

        await failed.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.That((await device.NextAsync()).Name, Is.EqualTo(":"));
        users.OnActive = _ => Task.CompletedTask;
        var id = CibaRequestId.FromAuthReqId((await host.AuthorizeAsync()).AuthReqId);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await device.SaidAsync(), Is.EqualTo($"requested {id}"));
            Assert.That(host.Log.Ours.Select(line => line.Text), Has.One.Contain("The user of an event stream could not be looked up; the stream goes on"));
        }
    }

    /// <summary>Lets a minute pass, in which the devices hear three times that the stream lives, and are to hear it once more.</summary>
    private static async Task PassAsync(CibaHost host, params ListeningDevice[] devices)
    {
        for (var tick = 1; tick <= 12; tick++)
        {
            await host.Time.TimerSetAsync(TickEvery);
            host.Time.Advance(TickEvery);
            foreach (var device in tick is 3 or 6 or 9 ? devices : [])
            {
                Assert.That((await device.NextAsync()).Name, Is.EqualTo(":"));
            }
        }
    }
}
