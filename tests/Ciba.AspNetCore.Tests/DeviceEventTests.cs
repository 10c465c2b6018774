using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 8: a device that need not ask hears of its user's requests by server-sent events.</summary>
public sealed class DeviceEventTests
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    [Test, Spec("U1")]
    public async Task What_waits_already_is_told_at_once_and_what_comes_when_it_comes()
    {
        await using var host = new CibaHost();
        var first = await AskedAsync(host, ("binding_message", "W4SCT"));
        await using var device = await ListeningDevice.OpenAsync(host);

        var waiting = await device.NextAsync();
        var second = await AskedAsync(host);
        var coming = await device.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((waiting.Name, coming.Name), Is.EqualTo(("requested", "requested")));
            Assert.That(waiting.Data.GetRawText(), Is.EqualTo((await host.DeviceAsync(HttpMethod.Get, $"/requests/{first}", "alice")).Body));
            Assert.That(coming.Data.GetRawText(), Is.EqualTo((await host.DeviceAsync(HttpMethod.Get, $"/requests/{second}", "alice")).Body));
        }
    }

    [TestCase("approve", "approved"), TestCase("deny", "denied"), Spec("U3")]
    public async Task An_answer_is_told_to_every_device_of_the_user(string verb, string outcome)
    {
        await using var host = new CibaHost();
        await using var phone = await ListeningDevice.OpenAsync(host);
        await using var tablet = await ListeningDevice.OpenAsync(host);
        var id = await AskedAsync(host);
        string[] asked = [await phone.SaidAsync(), await tablet.SaidAsync()];

        await host.DeviceAsync(HttpMethod.Post, $"/requests/{id}/{verb}", "alice");

        string[] answered = [await phone.SaidAsync(), await tablet.SaidAsync()];
        Assert.That(asked.Concat(answered), Is.EqualTo(new[] { $"requested {id}", $"requested {id}", $"decided {id} {outcome}", $"decided {id} {outcome}" }));
    }

    [Test]
    public async Task A_request_that_fails_expires_or_is_withdrawn_is_told_as_what_it_is()
    {
        await using var host = new CibaHost { Options = options => options.ClientsMayCancel = true };
        await using var device = await ListeningDevice.OpenAsync(host);
        var fails = (await host.AuthorizeAsync()).AuthReqId;
        await device.NextAsync();
        await host.FailAsync(fails);
        var failed = await device.SaidAsync();

        var goes = (await host.AuthorizeAsync()).AuthReqId;
        await device.NextAsync();
        await host.PostAsync("/bc-authorize/cancel", [("client_id", "client"), ("client_secret", CibaHost.Secret), ("auth_req_id", goes)]);
        var withdrawn = await device.SaidAsync();

        var expires = (await host.AuthorizeAsync(("requested_expiry", "3"))).AuthReqId;
        await device.NextAsync();
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(3));
        host.Time.Advance(TimeSpan.FromSeconds(3));
        var expired = await device.SaidAsync();

        Assert.That(new[] { failed, withdrawn, expired }, Is.EqualTo(new[]
        {
            $"decided {await host.HandleAsync(fails)} failed", $"withdrawn {await host.HandleAsync(goes)}", $"expired {await host.HandleAsync(expires)}",
        }));
    }

    [Test, Spec("U2")]
    public async Task Nobody_hears_of_another_users_requests()
    {
        await using var host = new CibaHost();
        await using var bobs = await ListeningDevice.OpenAsync(host, "bob");
        var alices = await AskedAsync(host);
        await host.DeviceAsync(HttpMethod.Post, $"/requests/{alices}/approve", "alice");

        var id = CibaRequestId.FromAuthReqId((await host.AuthorizeAsync(("login_hint", "bob"))).AuthReqId);

        Assert.That(await bobs.SaidAsync(), Is.EqualTo($"requested {id}"));
    }

    [Test]
    public async Task A_stream_on_which_nothing_happens_shows_every_15_s_that_it_lives()
    {
        await using var host = new CibaHost();
        await using var device = await ListeningDevice.OpenAsync(host);
        foreach (var _ in Enumerable.Range(0, 3))
        {
            await LookedAsync(host);
        }

        Assert.That((await device.NextAsync()).Name, Is.EqualTo(":"));
    }

    [Test]
    public async Task A_stream_on_which_nothing_happens_asks_the_store_for_nothing()
    {
        var store = new HookedStore();
        await using var host = new CibaHost { Setup = store.Use };
        await using var device = await ListeningDevice.OpenAsync(host);
        await using var other = await ListeningDevice.OpenAsync(host);
        store.Calls.Clear();
        foreach (var _ in Enumerable.Range(0, 3))
        {
            await LookedAsync(host);
        }

        await device.NextAsync();

        // For both streams together, or the device would be taken for gone.
        Assert.That(store.Calls, Is.EqualTo(Enumerable.Repeat(nameof(ICibaRequestStore.MarkPresentAsync), 3)));
    }

    [Test]
    public async Task A_stream_ends_after_ten_minutes_and_when_the_host_stops([Values] bool stops)
    {
        await using var host = new CibaHost();
        await using var device = await ListeningDevice.OpenAsync(host);

        if (stops)
        {
            (await host.ServicesAsync()).GetRequiredService<IHostApplicationLifetime>().StopApplication();
        }
        else
        {
            host.Time.Advance(TimeSpan.FromMinutes(10));
        }

        Assert.That(await device.EndsAsync(), Is.True);
    }

    [Test]
    public async Task A_stream_whose_time_is_over_in_the_middle_of_a_write_ends_like_any_other()
    {
        var store = new HookedStore();
        await using var host = new CibaHost { Setup = store.Use };
        await using var device = await ListeningDevice.OpenAsync(host);
        store.Before = step =>
        {
            if (step == nameof(ICibaRequestStore.ListPendingAsync))
            {
                host.Time.Advance(TimeSpan.FromMinutes(10));
            }

            return Task.CompletedTask;
        };

        await host.AuthorizeAsync();

        Assert.That(await device.EndsAsync(), Is.True);
    }

    [Test]
    public async Task A_user_is_present_while_a_device_listens_and_not_for_long_after()
    {
        await using var host = new CibaHost();
        var store = await host.StoreAsync();
        var before = await PresentAsync(store, host);
        await using (await ListeningDevice.OpenAsync(host))
        {
            Assert.That(await PresentAsync(store, host), Is.True);
        }

        host.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.That((before, await PresentAsync(store, host)), Is.EqualTo((false, false)));
    }

    [Test]
    public async Task A_user_is_present_no_more_when_the_last_stream_ends()
    {
        await using var host = new CibaHost();
        var store = await host.StoreAsync();
        await using var device = await ListeningDevice.OpenAsync(host);
        var before = await PresentAsync(store, host);

        host.Time.Advance(TimeSpan.FromMinutes(10));

        Assert.That(await device.EndsAsync(), Is.True);
        Assert.That((before, await PresentAsync(store, host)), Is.EqualTo((true, false)));
    }

    [Test]
    public async Task A_store_that_is_away_is_an_error_at_first_and_later_no_more_than_a_delay()
    {
        var store = new HookedStore();
        await using var host = new CibaHost { Setup = store.Use };
        store.Before = step => step == nameof(ICibaRequestStore.ListPendingAsync) ? throw new CibaStoreUnavailableException("down") : Task.CompletedTask;
        var refused = await host.DeviceAsync(HttpMethod.Get, "/events", "alice");
        store.Before = _ => Task.CompletedTask;
        await using var device = await ListeningDevice.OpenAsync(host);
        var failed = new TaskCompletionSource();
        store.Before = step =>
        {
            if (step == nameof(ICibaRequestStore.ListPendingAsync))
            {
                failed.TrySetResult();
                throw new CibaStoreUnavailableException("down");
            }

            return Task.CompletedTask;
        };

        var id = await AskedAsync(host);
        await failed.Task.WaitAsync(TimeSpan.FromSeconds(20));
        store.Before = _ => Task.CompletedTask;
        await LookedAsync(host);

        DeviceEndpointTests.AssertProblem(refused, 503, CibaError.TemporarilyUnavailable.Description);
        Assert.That(await device.SaidAsync(), Is.EqualTo($"requested {id}"));
    }

    [Test]
    public async Task Only_a_user_listens()
    {
        await using var host = new CibaHost();

        DeviceEndpointTests.AssertProblem(await host.DeviceAsync(HttpMethod.Get, "/events", null), 401, "Nobody is signed in, or the user has no sub claim.");
    }

    private static async Task<string> AskedAsync(CibaHost host, params (string, string?)[] changes)
    {
        var answer = await host.AuthorizeAsync(changes);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
        return CibaRequestId.FromAuthReqId(answer.AuthReqId)!;
    }

    /// <summary>Lets the time pass until the next look that nobody asked for.</summary>
    private static async Task LookedAsync(CibaHost host)
    {
        await host.Time.TimerSetAsync(LookEvery);
        host.Time.Advance(LookEvery);
    }

    private static ValueTask<bool> PresentAsync(MemoryCibaRequestStore store, CibaHost host) => store.IsPresentAsync("sub-alice", host.Time.GetUtcNow(), CancellationToken.None);
}
