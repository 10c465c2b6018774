using Ciba.AspNetCore.Events;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary><see cref="ICibaEvents"/>: what becomes of events that nobody has heard yet, when there are too many or the host stops.</summary>
public sealed class EventBacklogTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LongestCall = TimeSpan.FromSeconds(30);

    [Test]
    public async Task A_full_queue_drops_what_is_new_and_says_once_how_much_it_was()
    {
        var events = new FakeEvents();
        await using var host = EventTests.Host(events);
        var gate = await FillAsync(host, events, beyond: 7);

        gate.Open();
        var heard = await events.NextAsync(EventQueue.Capacity + 1);
        await StopAsync(host);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(heard.Select(occurrence => occurrence.RequestId), Is.EqualTo(Enumerable.Range(0, EventQueue.Capacity + 1).Select(i => $"{i}")));
            Assert.That(events.Waiting, Is.Zero);
            Assert.That(host.OfTheQueue().Select(line => (line.Level, line.Text.Trim())), Is.EqualTo(new[] { (LogLevel.Warning, "7 events were dropped: they came faster than the listeners heard them") }));
        }
    }

    [Test]
    public async Task A_queue_that_stays_full_says_so_every_minute()
    {
        var events = new FakeEvents();
        await using var host = EventTests.Host(events);
        var gate = await FillAsync(host, events, beyond: 3);

        Gate[] next = [new(), new()];
        foreach (var (seconds, gateAfter) in new[] { 30, 60 }.Zip(next))
        {
            events.OnEvent = (_, _) => gateAfter.PassAsync(CancellationToken.None);
            host.Time.Advance(LongestCall);
            await gateAfter.ReachedAsync();
            var told = host.OfTheQueue().Select(line => line.Text.Trim());
            Assert.That(told, Has.Exactly(seconds / 60).EqualTo("3 events were dropped: they came faster than the listeners heard them"), $"after {seconds} s");
        }

        Array.ForEach([gate, .. next], opened => opened.Open());
    }

    [Test]
    public async Task Stopping_the_host_hands_out_what_is_queued()
    {
        var events = new FakeEvents();
        var gate = new Gate();
        events.OnEvent = (_, _) => gate.PassAsync(CancellationToken.None);
        await using var host = EventTests.Host(events);
        for (var i = 0; i < 5; i++)
        {
            await host.AuthorizeAsync();
        }

        await gate.ReachedAsync();
        var stopping = StopAsync(host);
        var waited = !stopping.IsCompleted;
        gate.Open();
        await stopping;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(waited, Is.True);
            Assert.That(events.Waiting, Is.EqualTo(5));
            Assert.That(host.OfTheQueue(), Is.Empty);
        }
    }

    [Test]
    public async Task Stopping_the_host_takes_no_longer_than_it_may()
    {
        var events = new FakeEvents();
        var gate = new Gate();
        events.OnEvent = (_, _) => gate.PassAsync(CancellationToken.None);
        await using var host = EventTests.Host(events);
        for (var i = 0; i < 3; i++)
        {
            await host.AuthorizeAsync();
        }

        await gate.ReachedAsync();
        await StopAsync(host, new CancellationToken(canceled: true));
        gate.Open();

        Assert.That(host.OfTheQueue().Select(line => line.Text.Trim()), Has.Exactly(2).Items
            .And.Some.StartsWith($"{typeof(FakeEvents)} did not come to an end with Accepted")
            .And.Some.EqualTo("2 events were not handed out before the host stopped"));
    }

    [Test]
    public async Task Without_a_listener_nothing_is_kept()
    {
        await using var host = new CibaHost();
        var services = await host.ServicesAsync();
        var queue = services.GetRequiredService<EventQueue>();
        for (var i = 0; i <= EventQueue.Capacity; i++)
        {
            queue.Raise(Numbered(i));
        }

        await StopAsync(host);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(services.GetRequiredService<Signals>().IsHeard, Is.False);
            Assert.That(host.OfTheQueue(), Is.Empty);
        }
    }

    /// <summary>Holds the first event at a gate, and raises as many behind it as there is room for, and some more.</summary>
    private static async Task<Gate> FillAsync(CibaHost host, FakeEvents events, int beyond)
    {
        var gate = new Gate();
        events.OnEvent = (_, _) => gate.PassAsync(CancellationToken.None);
        var queue = (await host.ServicesAsync()).GetRequiredService<EventQueue>();

        queue.Raise(Numbered(0));
        await gate.ReachedAsync();
        for (var i = 1; i <= EventQueue.Capacity + beyond; i++)
        {
            queue.Raise(Numbered(i));
        }

        return gate;
    }

    private static CibaEvent Numbered(int number) => new() { Kind = CibaEventKind.Expired, OccurredAt = default, RequestId = $"{number}" };

    private static async Task StopAsync(CibaHost host, CancellationToken cancellationToken = default)
    {
        try
        {
            await (await host.ServicesAsync()).GetRequiredService<IHost>().StopAsync(cancellationToken).WaitAsync(Bound, CancellationToken.None);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Others had no time either.
        }
    }
}
