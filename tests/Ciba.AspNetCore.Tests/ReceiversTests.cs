using Ciba.AspNetCore.Callbacks;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Tests;

/// <summary>How many calls go out at once, and that a receiver that is slow or dead takes nothing from the others.</summary>
[Spec("P7")]
public sealed class ReceiversTests
{
    private const int MostQueued = 10_000;

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    [Test]
    public void A_receiver_begins_low_grows_with_every_answer_and_falls_to_one_at_a_failure()
    {
        var receivers = With(512, 16);
        var places = Enumerable.Range(0, 60).Select(_ => receivers.EnterAsync("a")).ToList();
        var left = 0;
        int Running() => places.Count(place => place.IsCompleted) - left;
        int After(bool answered)
        {
            receivers.Leave("a", answered);
            left++;
            return Running();
        }

        Assert.That(Running(), Is.EqualTo(2));
        Assert.That(new[] { After(true), After(true), After(true), After(true) }, Is.EqualTo(new[] { 4, 8, 16, 16 }));
        Assert.That(Enumerable.Range(0, 18).Select(_ => After(false)), Is.EqualTo(new[] { 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1, 1, 1 }));
        Assert.That(new[] { After(true), After(true), After(false), After(true) }, Is.EqualTo(new[] { 2, 4, 3, 2 }));
    }

    [Test]
    public void A_receiver_begins_with_no_more_than_it_may_have() => Assert.That(Taken(With(512, 1), "a", 5), Is.EqualTo(1));

    [Test]
    public void A_slow_receiver_takes_its_own_places_only()
    {
        var receivers = With(8, 4);
        Taken(receivers, "slow", 2);
        receivers.Leave("slow", true);
        Taken(receivers, "slow", 100);

        Assert.That(new[] { "b", "c", "d", "e", "f" }.Select(name => Taken(receivers, name)), Is.EqualTo(new[] { 1, 1, 1, 1, 0 }));
    }

    [Test]
    public void Receivers_take_turns()
    {
        var receivers = With(1, 1);
        var order = new List<string>();
        var places = new[] { "a", "a", "a", "b", "b", "c" }.Select(name => (Name: name, Place: receivers.EnterAsync(name))).ToList();
        while (places.Find(place => place.Place.IsCompleted) is { Name: { } name } next)
        {
            places.Remove(next);
            order.Add(name);
            receivers.Leave(name, true);
        }

        Assert.That(order, Is.EqualTo(new[] { "a", "b", "c", "a", "b", "a" }));
    }

    [TestCase(4, 2), TestCase(5, 2), TestCase(1, 1)]
    public void Receivers_that_failed_last_share_half_of_the_places(int most, int failing)
    {
        var receivers = With(most, 1);
        string[] dead = ["w", "x", "y", "z"];
        foreach (var name in dead)
        {
            Assert.That(Taken(receivers, name), Is.EqualTo(1));
            receivers.Leave(name, false);
        }

        Assert.That(dead.Sum(name => Taken(receivers, name)), Is.EqualTo(failing));
        Assert.That(new[] { "a", "b", "c", "d", "e", "f" }.Sum(name => Taken(receivers, name)), Is.EqualTo(most - failing));
    }

    [Test]
    public void A_receiver_that_answers_again_is_no_longer_held_back()
    {
        var receivers = With(2, 2);
        foreach (var answered in new[] { false, true })
        {
            Taken(receivers, "a");
            receivers.Leave("a", answered);
        }

        Assert.That(Taken(receivers, "a", 2), Is.EqualTo(2));
    }

    [Test]
    public async Task Whoever_finds_too_many_waiting_is_sent_away_at_once()
    {
        var receivers = With(1, 1);
        Assert.That(Taken(receivers, "a", 1 + MostQueued), Is.EqualTo(1));

        var late = receivers.EnterAsync("a");

        Assert.That(late.IsCompleted);
        Assert.That(await late, Is.False);
        receivers.Leave("a", true);
        Assert.That(receivers.EnterAsync("a").IsCompleted, Is.False, "there is room to wait again");
    }

    [Test]
    public async Task Stopping_sends_away_who_waits_and_whoever_comes()
    {
        var receivers = With(1, 1);
        var (inside, waiting) = (receivers.EnterAsync("a"), new[] { receivers.EnterAsync("a"), receivers.EnterAsync("b") });

        receivers.Stop();

        Assert.That(await inside, Is.True);
        Assert.That(await Task.WhenAll(waiting).WaitAsync(Bound), Is.All.False);
        Assert.That(await receivers.EnterAsync("c").WaitAsync(Bound), Is.False);
        Assert.That(() => receivers.Leave("a", true), Throws.Nothing);
    }

    [Test]
    public void A_receiver_that_was_not_met_for_long_is_forgotten_and_begins_low()
    {
        var receivers = With(512, 16);
        for (var i = 0; i < 10_000; i++)
        {
            Taken(receivers, $"r{i}");
            receivers.Leave($"r{i}", true);
        }

        var known = Taken(receivers, "r0", 10);
        Taken(receivers, "one more");

        Assert.That((known, Taken(receivers, "r1", 10)), Is.EqualTo((4, 2)));
    }

    [Test]
    public async Task A_hanging_receiver_delays_neither_the_devices_answer_nor_another_clients_ping()
    {
        var gate = new Gate();
        using var receiver = new FakeReceiver
        {
            OnCall = async (call, _) =>
        {
            if (call.Url.Host == "slow.example")
            {
                await gate.PassAsync(CancellationToken.None);
            }

            return await FakeReceiver.Answer(204);
        }
        };
        var events = new FakeEvents();
        await using var host = Host(receiver, events);

        for (var i = 0; i < 5; i++)
        {
            var id = (await host.AskAsync()).AuthReqId;
            var answer = await host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(id)}/approve", "alice").WaitAsync(Bound);
            Assert.That((int)answer.Status, Is.EqualTo(204), answer.Body);
        }

        await gate.ReachedAsync();
        await host.ApproveAsync((await host.AskAsync(("client_id", "other"))).AuthReqId);

        Assert.That((await events.NextAsync(CibaEventKind.Delivered)).ClientId, Is.EqualTo("other"));
        gate.Open();
    }

    [Test]
    public async Task Stopping_the_host_waits_for_the_call_on_its_way_and_begins_none_that_waits()
    {
        var gate = new Gate();
        using var receiver = new FakeReceiver
        {
            OnCall = async (_, _) =>
        {
            await gate.PassAsync(CancellationToken.None);
            return await FakeReceiver.Answer(503);
        }
        };
        await using var host = Host(receiver, new FakeEvents(), options => options.Callbacks.MaxConcurrentPerReceiver = 1);
        await host.ApproveAsync((await host.AskAsync()).AuthReqId);
        await host.ApproveAsync((await host.AskAsync()).AuthReqId);
        await gate.ReachedAsync();

        var stopping = host.StopAsync();
        Assert.That(stopping.IsCompleted, Is.False);
        gate.Open();
        await stopping;

        Assert.That(receiver.Calls, Is.EqualTo(1));
    }

    private static Receivers With(int most, int mostForOne) => new(Options.Create(new CibaOptions
    {
        Callbacks = new() { MaxConcurrent = most, MaxConcurrentPerReceiver = mostForOne },
    }));

    /// <summary>How many of so many that come get a place at once.</summary>
    private static int Taken(Receivers receivers, string name, int callers = 1) =>
        Enumerable.Range(0, callers).Select(_ => receivers.EnterAsync(name)).ToList().Count(place => place is { IsCompleted: true, Result: true });

    private static CibaHost Host(FakeReceiver receiver, FakeEvents events, Action<CibaOptions>? change = null) => new()
    {
        Clients = [FakeReceiver.PingClient("client", "https://slow.example/cb"), FakeReceiver.PingClient("other", "https://quick.example/cb")],
        Options = options =>
        {
            CallbackCalls.Quietly(options);
            change?.Invoke(options);
        },
        Setup = ciba =>
        {
            receiver.Use(ciba);
            events.Use(ciba);
        },
    };
}
