using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Event streams while the store is away, and when there are too many of them.</summary>
[Spec("U2")]
public sealed class DeviceEventOutageTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    private readonly HookedStore _store = new();

    public void Dispose() => _store.Dispose();

    [Test]
    public async Task What_a_look_found_before_the_store_went_away_is_told_all_the_same()
    {
        await using var host = HostWithoutWorker();
        await using var device = await ListeningDevice.OpenAsync(host);
        var first = (await host.AuthorizeAsync()).AuthReqId;
        await device.SaidAsync();
        var look = new Gate();
        var isAway = true;
        _store.Before = async step =>
        {
            if (step == nameof(ICibaRequestStore.ListPendingAsync))
            {
                await look.PassAsync();
            }
            else if (step == nameof(ICibaRequestStore.GetAsync) && isAway)
            {
                isAway = false;
                throw new CibaStoreUnavailableException("down");
            }
        };

        // One look that finds a new request, and that the first is gone; what became of that one it cannot learn.
        await host.FailAsync(first);
        await look.ReachedAsync();
        isAway = false;
        var second = (await host.AuthorizeAsync()).AuthReqId;
        isAway = true;
        look.Open();

        Assert.That(await device.SaidAsync(), Is.EqualTo($"requested {await host.HandleAsync(second)}"));
        await host.Time.TimerSetAsync(LookEvery);
        host.Time.Advance(LookEvery);
        Assert.That(await device.SaidAsync(), Is.EqualTo($"decided {await host.HandleAsync(first)} failed"));
    }

    [Test]
    public async Task A_stream_looks_every_five_seconds_while_the_store_is_away_also_where_a_request_has_expired()
    {
        await using var host = HostWithoutWorker();
        await using var device = await ListeningDevice.OpenAsync(host);
        await host.AuthorizeAsync(("requested_expiry", "3"));
        await device.SaidAsync();
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(3));
        var looks = 0;
        _store.Before = step =>
        {
            if (step == nameof(ICibaRequestStore.MarkPresentAsync))
            {
                looks++;
                throw new CibaStoreUnavailableException("down");
            }

            return Task.CompletedTask;
        };

        host.Time.Advance(TimeSpan.FromSeconds(3));
        for (var look = 1; look <= 3; look++)
        {
            await host.Time.TimerSetAsync(LookEvery);
            Assert.That(looks, Is.EqualTo(look));
            host.Time.Advance(LookEvery);
        }
    }

    [Test]
    public async Task A_stream_that_could_not_begin_leaves_nobody_waiting()
    {
        await using var host = new CibaHost { Setup = _store.Use };
        await host.StartedAsync();
        _store.Before = step => step == nameof(ICibaRequestStore.ListPendingAsync) ? throw new CibaStoreUnavailableException("down") : Task.CompletedTask;

        var answer = await host.DeviceAsync(HttpMethod.Get, "/events", "alice");

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(async () => await _store.Waits.Single().WaitAsync(Bound), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task One_user_has_32_streams_at_most_and_leaves_the_others_theirs()
    {
        await using var host = new CibaHost();
        var devices = new List<ListeningDevice>();
        for (var i = 0; i < 32; i++)
        {
            devices.Add(await ListeningDevice.OpenAsync(host));
        }

        var refused = await host.DeviceAsync(HttpMethod.Get, "/events", "alice");
        await using var other = await ListeningDevice.OpenAsync(host, "bob");
        host.Time.Advance(TimeSpan.FromMinutes(10));
        foreach (var device in devices)
        {
            await device.EndsAsync();
            await device.DisposeAsync();
        }

        DeviceEndpointTests.AssertProblem(refused, 503, "Too many devices listen here: try again later.");
        await using var again = await ListeningDevice.OpenAsync(host);
    }

    /// <summary>Nothing else in it looks every five seconds.</summary>
    private CibaHost HostWithoutWorker() => new()
    {
        Setup = ciba =>
        {
            _store.Use(ciba);
            CallbackCalls.WithoutLooks(ciba);
        },
    };
}
