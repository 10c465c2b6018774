using Ciba.AspNetCore.Hosting;

namespace Ciba.AspNetCore.Tests;

/// <summary>Whose turn it is to call the host's classes.</summary>
[Spec("A21")]
public sealed class CallPlacesTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly ManualTime _time = new();

    [Test]
    public async Task Turns_go_from_client_to_client_and_from_user_to_user()
    {
        var places = new CallPlaces("test", 1, _time);
        var place = await EnterAsync(places, "a 0");
        var waiting = new[] { "a 1", "a 1", "a 2", "a 1", "b 1", "b 2", "c 1" }.Select(name => (Name: name, Place: EnterAsync(places, name))).ToList();

        var order = new List<string>();
        while (waiting.Count > 0)
        {
            place!.Leave();
            await Task.WhenAny(waiting.Select(waiter => waiter.Place)).WaitAsync(Bound);
            var next = waiting.Single(waiter => waiter.Place.IsCompleted);
            order.Add(next.Name);
            place = await next.Place;
            waiting.Remove(next);
        }

        Assert.That(order, Is.EqualTo(new[] { "b 1", "c 1", "a 1", "b 2", "a 2", "a 1", "a 1" }));
    }

    [Test]
    public async Task A_place_is_free_when_all_who_hold_it_have_left()
    {
        var places = new CallPlaces("test", 1, _time);
        var place = (await EnterAsync(places, "a 0"))!;
        place.Hold();
        var next = EnterAsync(places, "b 0");

        place.Leave();
        var early = next.IsCompleted;
        place.Leave();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(early, Is.False);
            Assert.That((await next.WaitAsync(Bound))!.WasWaitedFor, Is.True);
            Assert.That(place.WasWaitedFor, Is.False);
        }
    }

    [Test]
    public async Task Who_gives_up_is_passed_over()
    {
        var places = new CallPlaces("test", 1, _time);
        using var caller = new CancellationTokenSource();
        var place = await EnterAsync(places, "a 0");
        var impatient = places.EnterAsync(Request("b 0"), TimeSpan.FromSeconds(3), CancellationToken.None);
        var cancelled = places.EnterAsync(Request("b 1"), Patience, caller.Token);
        var patient = EnterAsync(places, "b 2");

        _time.Advance(TimeSpan.FromSeconds(3));
        await caller.CancelAsync();
        var gone = new[] { await impatient.WaitAsync(Bound), await cancelled.WaitAsync(Bound) };
        place!.Leave();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(gone, Is.All.Null);
            Assert.That(await patient.WaitAsync(Bound), Is.Not.Null);
        }
    }

    [Test]
    public async Task No_more_wait_than_may_and_one_client_takes_not_all_of_that()
    {
        var places = new CallPlaces("test", 1, _time);
        await EnterAsync(places, "a 0");

        var clients = (CallPlaces.MaxWaiting / CallPlaces.MaxWaitingPerClient) + 1;
        var waiting = Enumerable.Range(0, clients).Select(client => Enumerable.Range(0, CallPlaces.MaxWaitingPerClient + 1).Select(user => EnterAsync(places, $"c{client} {user}")).ToList()).ToList();

        Assert.That(waiting.Select(calls => calls.Count(call => !call.IsCompleted)), Is.EqualTo(Enumerable.Repeat(CallPlaces.MaxWaitingPerClient, clients - 1).Append(0)));
        places.Stop();
        Assert.That(await Task.WhenAll(waiting.SelectMany(calls => calls)).WaitAsync(Bound), Is.All.Null);
        Assert.That(await EnterAsync(places, "z 0"), Is.Null);
    }

    [Test]
    public async Task Many_at_once_are_never_more_than_may_run_and_all_have_their_turn()
    {
        var places = new CallPlaces("test", 8, _time);
        var running = 0;
        var most = 0;

        await Task.WhenAll(Enumerable.Range(0, 2_000).Select(call => Task.Run(async () =>
        {
            var place = (await EnterAsync(places, $"c{call % 7} {call % 11}"))!;
            InterlockedMax(ref most, Interlocked.Increment(ref running));
            await Task.Yield();
            Interlocked.Decrement(ref running);
            place.Leave();
        }))).WaitAsync(Bound);

        Assert.That(most, Is.InRange(1, 8));
    }

    private static void InterlockedMax(ref int most, int now)
    {
        for (var seen = Volatile.Read(ref most); now > seen; seen = Volatile.Read(ref most))
        {
            Interlocked.CompareExchange(ref most, now, seen);
        }
    }

    private static Task<CallPlace?> EnterAsync(CallPlaces places, string name) => places.EnterAsync(Request(name), Patience, CancellationToken.None);

    private static CibaRequest Request(string name) => EventTests.Request(name.Split(' ')[0], name.Split(' ')[1]);
}
