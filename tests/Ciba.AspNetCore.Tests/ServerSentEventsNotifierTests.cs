using System.Net;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>The notifier that leaves it to the device's event stream where there is one.</summary>
[Spec("A21")]
public sealed class ServerSentEventsNotifierTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    [Test]
    public async Task A_user_whose_device_listens_on_any_node_is_told_by_its_events_alone()
    {
        await using var host = Host();
        var now = host.Time.GetUtcNow();
        await (await host.StoreAsync()).MarkPresentAsync("sub-alice", now, now.AddSeconds(15), CancellationToken.None);

        var answer = await host.AuthorizeAsync();

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
        Assert.That(host.Devices.Calls, Is.Zero);
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

    [Test]
    public async Task A_stream_that_is_open_counts()
    {
        await using var host = Host();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/device/events");
        request.Headers.Add("X-Test-User", "alice");
        using var response = await (await host.HttpAsync()).SendAsync(request, HttpCompletionOption.ResponseHeadersRead).WaitAsync(Bound);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.That(await reader.ReadLineAsync().WaitAsync(Bound), Is.EqualTo(": listening"));

        var answer = await host.AuthorizeAsync();

        var line = "";
        while (!line.StartsWith("data:", StringComparison.Ordinal))
        {
            line = await reader.ReadLineAsync().WaitAsync(Bound) ?? throw new InvalidOperationException("The stream has ended.");
        }

        Assert.That(line, Does.Contain(await host.HandleAsync(answer.AuthReqId)));
        Assert.That(host.Devices.Calls, Is.Zero);
    }

    private static CibaHost Host() => new()
    {
        Options = CallbackCalls.Quietly,
        Notifiers = ciba => ciba.AddServerSentEventsNotifier().AddDeviceNotifier<FakeDevices>(),
    };
}
