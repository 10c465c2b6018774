using System.Net;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>The notifier that leaves it to the device's event stream where there is one.</summary>
[Spec("A21")]
public sealed class ServerSentEventsNotifierTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    [TestCase("GET", "/requests"), TestCase("GET", "/requests/{id}")]
    public async Task A_device_that_listens_and_fetches_the_request_is_told_by_its_events_alone(string method, string path)
    {
        await using var host = Host();
        await using var device = await ListeningDevice.OpenAsync(host);
        var asks = host.AuthorizeAsync();
        var id = (await device.NextAsync()).Data.GetProperty("id").GetString()!;
        await host.DeviceAsync(new HttpMethod(method), path.Replace("{id}", id, StringComparison.Ordinal), "alice");

        await LookedAsync(host);

        Assert.That((await asks.WaitAsync(Bound)).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(host.Devices.Calls, Is.Zero);
    }

    [Test]
    public async Task A_device_that_listens_and_answers_at_once_is_told_by_its_events_alone()
    {
        await using var host = Host();
        await using var device = await ListeningDevice.OpenAsync(host);
        var asks = host.AuthorizeAsync();
        var id = (await device.NextAsync()).Data.GetProperty("id").GetString()!;
        await host.DeviceAsync(HttpMethod.Post, $"/requests/{id}/approve", "alice");

        await LookedAsync(host, times: 10);

        Assert.That((await asks.WaitAsync(Bound)).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(host.Devices.Calls, Is.Zero);
    }

    [Test]
    public async Task A_device_whose_stream_is_open_and_that_does_nothing_is_told_by_the_next_notifier()
    {
        await using var host = Host();
        await using var device = await ListeningDevice.OpenAsync(host);
        var asks = host.AuthorizeAsync();
        await device.NextAsync();

        await LookedAsync(host, times: 10);

        var told = await host.Devices.NextAsync();
        Assert.That(told.Id, Is.EqualTo(await host.HandleAsync((await asks.WaitAsync(Bound)).AuthReqId)));
    }

    [TestCase("bob"), TestCase("alice, until now"), TestCase("nobody")]
    public async Task A_user_whose_devices_do_not_listen_is_told_by_the_next_notifier(string listening)
    {
        await using var host = Host();
        var now = host.Time.GetUtcNow();
        if (listening != "nobody")
        {
            await (await host.StoreAsync()).MarkPresentAsync(FakeUsers.SubjectOf(listening.Split(',')[0]), now.AddSeconds(-15), listening == "bob" ? now.AddSeconds(15) : now, CancellationToken.None);
        }

        var answer = await host.AuthorizeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await host.Devices.NextAsync()).Id, Is.EqualTo(await host.HandleAsync(answer.AuthReqId)));
            Assert.That(host.Log.Ours.Select(line => (line.Level, line.Text.Trim())), Does.Contain((LogLevel.Debug, $"No device listens for request {(await host.HandleAsync(answer.AuthReqId))[..10]}; FakeDevices is tried")));
            Assert.That(host.Log.Ours.Where(line => line.Level >= LogLevel.Warning && line.Text.Contains("tried", StringComparison.Ordinal)), Is.Empty, "an app that is closed is no fault");
        }
    }

    [Test]
    public async Task Alone_it_fails_where_nobody_listens()
    {
        await using var host = new CibaHost { Options = CallbackCalls.Quietly, Notifiers = ciba => ciba.AddServerSentEventsNotifier() };

        Refusal.Says(await host.AuthorizeAsync(), "temporarily_unavailable", 503);
    }

    /// <summary>Lets the time pass in which the notifier looks whether the device has fetched the request.</summary>
    private static async Task LookedAsync(CibaHost host, int times = 1)
    {
        for (var time = 0; time < times; time++)
        {
            await host.Time.TimerSetAsync(LookEvery);
            host.Time.Advance(LookEvery);
        }
    }

    private static CibaHost Host() => new()
    {
        Options = CallbackCalls.Quietly,
        Notifiers = ciba => ciba.AddServerSentEventsNotifier().AddDeviceNotifier<FakeDevices>(),
    };
}
