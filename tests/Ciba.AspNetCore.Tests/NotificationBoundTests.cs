using System.Net;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary><see cref="CibaLimitOptions.ConcurrentNotifications"/>: how many notifiers run at once, and whose turn it is next.</summary>
[Spec("A21")]
public sealed class NotificationBoundTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly Channel<string> _begun = Channel.CreateUnbounded<string>();
    private readonly SemaphoreSlim _ends = new(0);
    private int _onThePool;

    public void Dispose() => _ends.Dispose();

    [Test]
    public async Task A_hundred_notifiers_that_block_keep_nobody_from_an_answer()
    {
        await using var host = Host();
        var authReqIds = new List<string>();
        for (var user = 0; user < 100; user++)
        {
            authReqIds.Add((await AskAsync(host, "client", $"user{user}").WaitAsync(Bound)).AuthReqId);
        }

        // Half of 128 are one client's.
        var begun = await BegunAsync(64);
        var poll = await host.PollAsync(authReqIds[0]).WaitAsync(Bound);
        var device = await host.DeviceAsync(HttpMethod.Get, "/requests", "user99").WaitAsync(Bound);
        _ends.Release(100);
        begun.AddRange(await BegunAsync(36));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(poll.Error, Is.EqualTo("authorization_pending"));
            Assert.That(device.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(begun, Is.Unique.And.Count.EqualTo(100), "all are told in the end, each once");
            Assert.That(_onThePool, Is.Zero, "threads that requests need");
        }
    }

    [Test]
    public async Task The_places_are_the_limit_and_each_client_and_user_has_its_share()
    {
        await using var host = Host(places: 16);
        foreach (var client in new[] { "client", "other", "basic" })
        {
            for (var request = 0; request < 20; request++)
            {
                await AskAsync(host, client, client == "other" ? "user0" : $"user{request}");
            }
        }

        // Half of 16, an eighth of 16, and what is left of 16.
        var begun = await BegunAsync(16);

        Assert.That(begun.GroupBy(name => name.Split(' ')[0]).Select(calls => $"{calls.Key} {calls.Count()}").Order(), Is.EqualTo(new[] { "basic 6", "client 8", "other 2" }));
        Assert.That(_begun.Reader.TryRead(out _), Is.False);
        _ends.Release(60);
        await BegunAsync(44);
    }

    [Test]
    public async Task One_that_is_left_behind_keeps_its_place_and_leaves_the_others_theirs()
    {
        await using var host = Host(places: 4);
        for (var user = 0; user < 3; user++)
        {
            await AskAsync(host, "client", $"user{user}");
        }

        await BegunAsync(2);
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(10));
        host.Time.Advance(TimeSpan.FromSeconds(10));
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(1));

        // Both calls of the client have timed out, and have not ended.
        await AskAsync(host, "other", "user0");
        var next = await BegunAsync(1);

        Assert.That(next, Is.EqualTo(new[] { "other user0" }));
        _ends.Release(20);
    }

    [Test]
    public async Task One_that_finds_no_place_in_time_waits_in_the_outbox()
    {
        await using var host = Host(places: 1);
        await host.FirstLookAsync();
        await AskAsync(host, "client", "user0");
        await AskAsync(host, "client", "user1");
        await BegunAsync(1);

        // The first is left behind at its time-out and the second finds no place in that time: both come due again.
        for (var looks = 0; looks < 3; looks++)
        {
            await host.LookAsync();
        }

        _ends.Release();
        for (var looks = 0; looks < 10 && !_begun.Reader.TryPeek(out _); looks++)
        {
            await host.LookAsync();
        }

        Assert.That(await BegunAsync(1), Has.One.StartsWith("client user"));
        _ends.Release(10);
        Assert.That(host.Log.Ours.Where(line => line.Level >= LogLevel.Error), Is.Empty);
    }

    [Test]
    public async Task One_whose_request_was_answered_while_it_waited_is_not_sent()
    {
        await using var host = Host(places: 1);
        await AskAsync(host, "client", "user0");
        await BegunAsync(1);
        var answered = (await AskAsync(host, "client", "user1")).AuthReqId;
        await AskAsync(host, "client", "user2");

        await host.DenyAsync(answered, "user1");
        _ends.Release(2);

        Assert.That(await BegunAsync(1), Is.EqualTo(new[] { "client user2" }));
    }

    [Test]
    public async Task Before_the_acknowledgement_the_client_is_told_that_there_was_no_place()
    {
        await using var host = Host(places: 1, CibaDeviceNotificationMode.BeforeAcknowledgement);
        var first = AskAsync(host, "client", "user0");
        await BegunAsync(1);
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(10));
        var second = AskAsync(host, "other", "user1");
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(10));

        host.Time.Advance(TimeSpan.FromSeconds(10));

        // Before the notifier ends: who does not look in time would take it for in time.
        Refusal.Says(await second.WaitAsync(Bound), "temporarily_unavailable", 503);
        Refusal.Says(await first.WaitAsync(Bound), "temporarily_unavailable", 503);
        _ends.Release(2);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((await host.StoreAsync()).Count, Is.Zero);
            Assert.That(_begun.Reader.TryRead(out _), Is.False);
        }
    }

    [Test]
    public async Task Stopping_the_host_waits_for_no_place()
    {
        await using var host = Host(places: 1);
        await AskAsync(host, "client", "user0");
        await AskAsync(host, "client", "user1");
        await BegunAsync(1);

        var stopping = host.StopAsync();
        _ends.Release();
        await stopping.WaitAsync(Bound);

        Assert.That(_begun.Reader.TryRead(out _), Is.False);
    }

    [TestCase(0), TestCase(-1), TestCase(10_001), Spec("D7")]
    public async Task A_limit_that_makes_no_sense_stops_the_host(int places)
    {
        await using var host = Host(places);

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { "CibaOptions: Limits.ConcurrentNotifications must be between 1 and 10000." }));
    }

    private static Task<Answer> AskAsync(CibaHost host, string client, string user) => client == "basic"
        ? host.PostAsync("/bc-authorize", [("scope", "openid"), ("login_hint", user)], request => request.Headers.Authorization = CibaHost.Basic(client, CibaHost.Secret))
        : host.AuthorizeAsync(("client_id", client), ("login_hint", user));

    /// <summary>A host whose notifiers block until the test lets them end.</summary>
    private CibaHost Host(int? places = null, CibaDeviceNotificationMode mode = CibaDeviceNotificationMode.Background)
    {
        var host = new CibaHost
        {
            Options = options =>
            {
                options.DeviceNotification = mode;
                options.Limits.SwitchOff();
                options.Limits.ConcurrentNotifications = places ?? options.Limits.ConcurrentNotifications;
            },
        };
        host.Users.Names.UnionWith(Enumerable.Range(0, 100).Select(user => $"user{user}"));
        host.Devices.OnNotify = (request, _) =>
        {
            Interlocked.Add(ref _onThePool, Thread.CurrentThread.IsThreadPoolThread ? 1 : 0);
            _begun.Writer.TryWrite($"{request.ClientId} {request.Subject["sub-".Length..]}");
            return Task.FromResult(_ends.Wait(Bound, CancellationToken.None));
        };
        return host;
    }

    private async Task<List<string>> BegunAsync(int count)
    {
        var begun = new List<string>();
        while (begun.Count < count)
        {
            begun.Add(await _begun.Reader.ReadAsync().AsTask().WaitAsync(Bound));
        }

        return begun;
    }
}
