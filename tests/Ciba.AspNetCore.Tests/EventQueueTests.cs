using System.Net;
using Ciba.AspNetCore.Events;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary><see cref="ICibaEvents"/>: listeners that are slow, broken or many disturb nobody.</summary>
public sealed class EventQueueTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LongestCall = TimeSpan.FromSeconds(30);

    [Test]
    public async Task Every_listener_hears_every_event_one_after_another()
    {
        var (first, second) = (new FakeEvents(), new MoreFakeEvents());
        var steps = new List<string>();
        first.OnEvent = (occurrence, _) => StepsAsync("first", occurrence);
        second.OnEvent = (occurrence, _) => StepsAsync("second", occurrence);
        await using var host = EventTests.Host(first, second);
        await host.DenyAsync((await host.AuthorizeAsync()).AuthReqId);

        await first.NextAsync(2);
        await second.NextAsync(2);

        Assert.That(steps, Is.EqualTo(new[]
        {
            "first begins Accepted", "first ends Accepted", "second begins Accepted", "second ends Accepted",
            "first begins Decided", "first ends Decided", "second begins Decided", "second ends Decided",
        }));

        async Task StepsAsync(string name, CibaEvent occurrence)
        {
            steps.Add($"{name} begins {occurrence.Kind}");
            await Task.Yield();
            steps.Add($"{name} ends {occurrence.Kind}");
        }
    }

    [Test]
    public async Task A_listener_that_is_added_twice_hears_an_event_once()
    {
        var events = new FakeEvents();
        await using var host = EventTests.Host(events, events);
        await host.AuthorizeAsync();
        await host.AuthorizeAsync(("login_hint", "bob"));

        Assert.That((await events.NextAsync(2)).Select(occurrence => occurrence.Subject), Is.EqualTo(new[] { "sub-alice", "sub-bob" }));
    }

    [TestCase(true), TestCase(false)]
    public async Task A_listener_that_throws_is_logged_and_keeps_nobody_from_hearing(bool atOnce)
    {
        var (broken, sound) = (new FakeEvents(), new MoreFakeEvents());
        broken.OnEvent = async (occurrence, _) =>
        {
            if (!atOnce)
            {
                await Task.Yield();
            }

            if (occurrence.Kind == CibaEventKind.Accepted)
            {
                throw new InvalidOperationException("The audit log is full.");
            }
        };
        await using var host = EventTests.Host(broken, sound);
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        await host.DenyAsync(authReqId);

        var id = CibaRequestId.FromAuthReqId(authReqId)!;
        var heard = await sound.NextAsync(2);
        var logged = host.OfTheQueue().Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(heard.Select(occurrence => occurrence.Kind), Is.EqualTo(new[] { CibaEventKind.Accepted, CibaEventKind.Decided }));
            Assert.That((await broken.NextAsync()).Kind, Is.EqualTo(CibaEventKind.Decided));
            Assert.That(logged.Level, Is.EqualTo(LogLevel.Warning));
            Assert.That(logged.Text, Does.StartWith($"{typeof(FakeEvents)} failed to hear of Accepted, request {id[..10]} System.InvalidOperationException: The audit log is full."));
            Assert.That(logged.Text, Does.Not.Contain(id).And.Not.Contain("sub-alice"));
        }
    }

    [Test]
    public async Task A_listener_that_cannot_be_made_keeps_nobody_from_hearing()
    {
        var events = new FakeEvents();
        await using var host = new CibaHost
        {
            Setup = builder =>
            {
                builder.AddEvents<Unmakeable>();
                events.Use(builder);
            },
        };
        await host.AuthorizeAsync();
        await events.NextAsync();

        Assert.That(host.OfTheQueue().Select(line => line.Text), Has.One.Contains($"{typeof(Unmakeable)} failed to hear of Accepted").And.One.Contains("out of order"));
    }

    [Test]
    public async Task A_listener_is_made_anew_for_every_event_and_disposed_of_after_it()
    {
        var (tally, events) = (new Tally(), new FakeEvents());
        await using var host = new CibaHost
        {
            Setup = builder =>
            {
                builder.Services.AddSingleton(tally);
                builder.AddEvents<Counted>();
                events.Use(builder);
            },
        };
        await host.AuthorizeAsync();
        await host.AuthorizeAsync();
        await events.NextAsync(2);

        Assert.That((tally.Made, tally.Disposed), Is.EqualTo((2, 2)));
    }

    [Test]
    public async Task A_listener_that_hangs_holds_up_neither_the_client_nor_the_device()
    {
        var events = new FakeEvents();
        var gate = new Gate();
        events.OnEvent = (_, _) => gate.PassAsync(CancellationToken.None);
        await using var host = EventTests.Host(events);

        var tokens = await host.TokensAsync();
        await gate.ReachedAsync();
        var waiting = events.Waiting;
        gate.Open();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tokens.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(waiting, Is.Zero);
            Assert.That((await events.NextAsync(3)).Select(occurrence => occurrence.Kind), Is.EqualTo(new[] { CibaEventKind.Accepted, CibaEventKind.Decided, CibaEventKind.Redeemed }));
        }
    }

    [TestCase("deaf"), TestCase("obedient"), TestCase("blocking")]
    public async Task A_listener_that_takes_longer_than_30_s_is_left_behind(string kind)
    {
        var (hanging, sound) = (new FakeEvents(), new MoreFakeEvents());
        using var ends = new SemaphoreSlim(0);
        hanging.OnEvent = (occurrence, cancellationToken) => occurrence.Kind != CibaEventKind.Accepted ? Task.CompletedTask : kind switch
        {
            "deaf" => ends.WaitAsync(Bound, CancellationToken.None),
            "obedient" => ends.WaitAsync(Bound, cancellationToken),
            _ => Task.FromResult(ends.Wait(Bound, CancellationToken.None)),
        };
        await using var host = EventTests.Host(hanging, sound);
        var authReqId = (await host.AuthorizeAsync()).AuthReqId;
        await host.Time.TimerSetAsync(LongestCall);
        await host.DenyAsync(authReqId);

        host.Time.Advance(LongestCall - TimeSpan.FromTicks(1));
        var early = sound.Waiting;
        host.Time.Advance(TimeSpan.FromTicks(1));
        var heard = await sound.NextAsync(2);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(early, Is.Zero);
            Assert.That(heard.Select(occurrence => occurrence.Kind), Is.EqualTo(new[] { CibaEventKind.Accepted, CibaEventKind.Decided }));
            Assert.That((await hanging.NextAsync()).Kind, Is.EqualTo(CibaEventKind.Decided));
            Assert.That(host.OfTheQueue().Select(line => (line.Level, line.Text.Trim())), Is.EqualTo(new[]
            {
                (LogLevel.Warning, $"{typeof(FakeEvents)} did not come to an end with Accepted, request {CibaRequestId.FromAuthReqId(authReqId)![..10]}, in its time: it is left behind"),
            }));
        }

        ends.Release();
    }

    [Test]
    public async Task A_listener_whose_calls_never_end_is_called_no_more_until_one_of_them_does()
    {
        var (hanging, sound) = (new FakeEvents(), new MoreFakeEvents());
        using var ends = new SemaphoreSlim(0);
        hanging.OnEvent = (_, _) => Task.FromResult(ends.Wait(Bound, CancellationToken.None));
        await using var host = EventTests.Host(hanging, sound);
        var queue = (await host.ServicesAsync()).GetRequiredService<EventQueue>();
        for (var call = 0; call < EventQueue.MaxUnfinished; call++)
        {
            queue.Raise(Any);
            await host.Time.TimerSetAsync(LongestCall);
            host.Time.Advance(LongestCall);
            await sound.NextAsync();
            await host.Time.TimerSetAsync(LongestCall);
        }

        // Nothing is waited for any longer: the time stands still.
        queue.Raise(Any);
        queue.Raise(Any);
        await sound.NextAsync(2);
        ends.Release(EventQueue.MaxUnfinished + 1);
        await hanging.NextAsync(EventQueue.MaxUnfinished);

        // The last of its calls may be about to end.
        var missed = 1;
        while (hanging.Waiting == 0)
        {
            missed++;
            queue.Raise(Any);
            await sound.NextAsync();
        }

        Assert.That(host.OfTheQueue().Select(line => line.Text.Trim()).Where(line => !line.EndsWith("it is left behind", StringComparison.Ordinal)), Is.EqualTo(new[]
        {
            $"{typeof(FakeEvents)} has 8 calls that have not ended; it receives no events until one of them ends",
            $"{typeof(FakeEvents)} missed {missed} events while its calls did not end",
        }));
    }

    private static CibaEvent Any => new() { Kind = CibaEventKind.Expired, OccurredAt = default };

    private sealed class Unmakeable : ICibaEvents
    {
        public Unmakeable() => throw new InvalidOperationException("out of order");

        public ValueTask OnEventAsync(CibaEvent occurrence, CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }

    private sealed class Tally
    {
        public int Made { get; set; }

        public int Disposed { get; set; }
    }

    private sealed class Counted : ICibaEvents, IDisposable
    {
        private readonly Tally _tally;

        public Counted(Tally tally)
        {
            _tally = tally;
            _tally.Made++;
        }

        public ValueTask OnEventAsync(CibaEvent occurrence, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public void Dispose() => _tally.Disposed++;
    }
}
