using Ciba.AspNetCore.Callbacks;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Tests;

/// <summary>How many calls go out at once, and that a receiver that is slow or dead takes nothing from the others.</summary>
[Spec("P7")]
public sealed class ReceiversTests
{
    private readonly ManualTime _time = new();

    private DateTimeOffset Later => _time.GetUtcNow() + TimeSpan.FromMinutes(1);

    [Test]
    public void A_receiver_begins_at_one_grows_with_quick_answers_and_falls_to_one_at_a_failure()
    {
        var places = With(512, 16);
        places.Come("a", 90);

        Assert.That(places.Running("a"), Is.EqualTo(1));
        Assert.That(Enumerable.Range(0, 6).Select(_ => places.Leave("a", true)), Is.EqualTo(new[] { 2, 4, 8, 16, 16, 16 }));
        Assert.That(Enumerable.Range(0, 17).Select(_ => places.Leave("a", false)), Is.EqualTo(new[] { 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1, 1 }));
        Assert.That(new[] { places.Leave("a", true), places.Leave("a", true), places.Leave("a", false), places.Leave("a", true) }, Is.EqualTo(new[] { 2, 4, 3, 2 }));
    }

    [Test]
    public void A_slow_answer_makes_less_of_it_and_a_call_that_was_not_made_changes_nothing()
    {
        var places = With(512, 16);
        places.Come("a", 90);
        places.Leave("a", true);
        places.Leave("a", true);
        Assert.That(new[] { places.Leave("a", null), places.Leave("a", null), places.Leave("a", true) }, Is.EqualTo(new[] { 4, 4, 8 }));

        _time.Advance(TimeSpan.FromSeconds(1.1));

        Assert.That(Enumerable.Range(0, 7).Select(_ => places.Leave("a", true)), Is.EqualTo(new[] { 7, 6, 5, 4, 3, 2, 1 }));
    }

    [Test]
    public void A_dead_receiver_that_is_not_called_does_not_become_a_good_one()
    {
        var places = With(512, 16);
        places.Come("dead", 50);
        places.Leave("dead", false);

        Assert.That(Enumerable.Range(0, 20).Select(_ => places.Leave("dead", null)), Is.All.EqualTo(1));
    }

    [Test]
    public void A_receiver_gets_no_more_than_it_may_have() => Assert.That(With(512, 1).Taken("a", 5), Is.EqualTo(1));

    [Test]
    public void A_slow_receiver_takes_its_own_places_only()
    {
        var places = With(8, 4);
        foreach (var name in new[] { "slow", "slow", "b", "c" })
        {
            places.Come(name, 1);
            places.Leave(name, true);
        }

        Assert.That(new[] { "slow", "b", "c" }.Select(name => places.Taken(name, 100)), Is.EqualTo(new[] { 4, 2, 2 }));
    }

    [Test]
    public void Receivers_take_turns()
    {
        var places = With(1, 1);
        foreach (var name in new[] { "a", "a", "a", "b", "b", "c" })
        {
            places.Come(name, 1);
        }

        var order = new List<string>();
        while (Array.Find(["a", "b", "c"], name => places.Running(name) > 0) is { } name)
        {
            order.Add(name);
            places.Leave(name, null);
        }

        Assert.That(order, Is.EqualTo(new[] { "a", "b", "c", "a", "b", "a" }));
    }

    [TestCase(8, 2), TestCase(9, 2), TestCase(1, 1)]
    public void Receivers_that_failed_last_share_a_quarter_of_the_places(int most, int failing)
    {
        var places = With(most, 1);
        string[] dead = ["u", "v", "w", "x"];
        foreach (var name in dead)
        {
            places.Come(name, 1);
            places.Leave(name, false);
        }

        Assert.That(dead.Sum(name => places.Taken(name)), Is.EqualTo(failing));
    }

    [TestCase(8, 4), TestCase(5, 2), TestCase(1, 1)]
    public void Receivers_that_are_not_known_yet_share_half_of_the_places(int most, int unknown)
    {
        var places = With(most, 1);
        places.Come("known", 1);
        places.Leave("known", true);

        Assert.That(Enumerable.Range(0, 10).Sum(number => places.Taken($"new {number}")), Is.EqualTo(unknown));
        Assert.That(places.Taken("known"), Is.EqualTo(most > 1 ? 1 : 0));
    }

    [Test]
    public void A_receiver_that_is_not_known_yet_gets_its_turn_beside_busy_ones()
    {
        var places = With(2, 2);
        places.Come("busy", 1);
        places.Leave("busy", true);
        places.Come("busy", 50);
        places.Come("new", 1);

        for (var i = 0; i < 3; i++)
        {
            places.Leave("busy", true);
        }

        Assert.That(places.Running("new"), Is.EqualTo(1));
    }

    [Test]
    public void A_receiver_that_answers_again_is_no_longer_held_back()
    {
        var places = With(2, 2);
        foreach (var answered in new[] { false, true })
        {
            places.Come("a", 1);
            places.Leave("a", answered);
        }

        Assert.That(places.Taken("a", 2), Is.EqualTo(2));
    }

    [Test]
    public void Whoever_finds_too_many_waiting_for_a_receiver_is_sent_away_at_once_and_others_are_not()
    {
        var places = With(2, 1);
        places.Come("a", 1 + Receivers.MostWaiting);

        places.Come("a", 1);
        Assert.That(places.SentAway("a"), Is.EqualTo(1));
        Assert.That(places.Taken("b"), Is.Zero, "one of two places is for unknown receivers, and it is taken");
        Assert.That(places.SentAway("b"), Is.Zero);
        places.Leave("a", null);
        places.Leave("b", null);
        places.Come("a", 1);
        Assert.That(places.SentAway("a"), Is.EqualTo(1), "there is room to wait again");
    }

    [TestCase(false), TestCase(true)]
    public void Whoever_has_waited_too_long_to_begin_is_sent_away(bool swept)
    {
        var places = With(1, 1);
        places.Come("a", 3);
        _time.Advance(TimeSpan.FromMinutes(1));

        if (swept)
        {
            places.Receivers.Sweep();
        }
        else
        {
            places.Leave("a", true);
        }

        Assert.That(places.SentAway("a"), Is.EqualTo(2));
    }

    [Test]
    public void Stopping_sends_away_who_waits_and_whoever_comes()
    {
        var places = With(1, 1);
        places.Come("a", 2);
        places.Come("b", 1);

        places.Receivers.Stop();
        places.Come("c", 1);

        Assert.That(new[] { "a", "b", "c" }.Select(places.SentAway), Is.All.EqualTo(1));
        Assert.That(places.Leave("a", true), Is.Zero);
    }

    [Test]
    public void A_receiver_that_was_not_met_for_long_is_forgotten_and_begins_at_one()
    {
        var places = With(512, 16);
        for (var i = 0; i < 10_000; i++)
        {
            places.Come($"r{i}", 1);
            places.Leave($"r{i}", true);
        }

        var known = places.Taken("r0", 10);
        places.Come("one more", 1);

        Assert.That((known, places.Taken("r1", 10)), Is.EqualTo((2, 1)));
    }

    [Test]
    public void Clients_at_one_authority_delay_each_other_no_more_than_those_at_many()
    {
        var places = With(512, 16);
        places.Come("hangs@shared.example", 100);

        Assert.That(places.Running("hangs@shared.example"), Is.EqualTo(1));
        Assert.That(places.Taken("quick@shared.example", 2), Is.EqualTo(1));
        Assert.That(places.Leave("quick@shared.example", true), Is.EqualTo(1));
    }

    [Test]
    public void Clients_that_hang_leave_most_places_of_their_authority_to_others()
    {
        var places = With(512, 16);
        string[] hanging = [.. Enumerable.Range(0, 40).Select(number => $"hangs {number}@shared.example")];
        Array.ForEach(hanging, name => places.Come(name, 1));

        // At first nothing is known of them: then they are known to fail.
        var unknown = hanging.Sum(places.Running);
        while (Array.Find(hanging, name => places.Running(name) > 0 && places.Waits(name).Any() is false) is { } name && hanging.Sum(places.Running) > 0)
        {
            places.Leave(name, false);
        }

        Array.ForEach(hanging, name => places.Come(name, 1));
        places.Come("known@shared.example", 1);
        places.Leave("known@shared.example", true);

        Assert.That((unknown, hanging.Sum(places.Running), places.Taken("known@shared.example", 20)), Is.EqualTo((8, 4, 2)));
    }

    [Test]
    public void All_clients_at_an_authority_share_its_bound_in_turns()
    {
        var places = With(512, 4);
        foreach (var name in new[] { "a@shared.example", "b@shared.example" })
        {
            places.Come(name, 3);
            places.Leave(name, true);
            places.Leave(name, true);
            places.Leave(name, true);
        }

        Assert.That(new[] { places.Taken("a@shared.example", 50), places.Taken("b@shared.example", 50) }, Is.EqualTo(new[] { 4, 0 }));
        Assert.That(new[] { places.Leave("a@shared.example", true), places.Running("b@shared.example") }, Is.EqualTo(new[] { 3, 1 }));
        Assert.That(places.Taken("c@elsewhere.example"), Is.EqualTo(1));
    }

    [Test]
    public void Whoever_cannot_begin_in_time_is_sent_away_for_as_long_as_the_queue_says()
    {
        var places = With(512, 16);
        places.Come("slow", 1);
        _time.Advance(TimeSpan.FromSeconds(30));
        places.Leave("slow", false);

        // One runs, one waits for half a minute, one for a minute; the next would begin too late.
        places.Come("slow", 6);
        var slow = places.Waits("slow").ToArray();
        places.Leave("slow", true);
        places.Leave("slow", true);
        places.Leave("slow", true);
        places.Come("slow", 1);

        Assert.That((slow, places.Running("slow"), places.SentAway("slow")), Is.EqualTo((new[] { 90, 120, 150 }, 1, 3)));
    }

    private Places With(int most, int mostForOne) => new(
        new Receivers(Options.Create(new CibaOptions { Callbacks = new() { MaxConcurrent = most, MaxConcurrentPerReceiver = mostForOne } }), _time),
        () => Later);

    /// <summary>Who comes for a place, has one, and leaves.</summary>
    private sealed class Places(Receivers receivers, Func<DateTimeOffset> until)
    {
        private readonly List<(string Name, Task<ReceiverEntry> Entry)> _came = [];

        public Receivers Receivers => receivers;

        /// <summary>Comes for a client, which is alone at its authority unless one is named: <c>client@authority</c>.</summary>
        public void Come(string name, int callers) => _came.AddRange(Enumerable.Range(0, callers).Select(_ => (name, receivers.EnterAsync(name, name.Split('@')[^1], until()))));

        public int Running(string name) => _came.Count(one => one.Name == name && HasPlace(one.Entry));

        public int SentAway(string name) => _came.Count(one => one.Name == name && one.Entry is { IsCompleted: true, Result.Place: null });

        /// <summary>For how long they were sent away, in whole seconds.</summary>
        public IEnumerable<int> Waits(string name) => _came.Where(one => one.Name == name && one.Entry is { IsCompleted: true, Result.Place: null }).Select(one => (int)one.Entry.Result.Wait.TotalSeconds);

        /// <summary>How many more have a place when so many have come.</summary>
        public int Taken(string name, int callers = 1)
        {
            var before = Running(name);
            Come(name, callers);
            return Running(name) - before;
        }

        /// <summary>The first that has a place leaves; answers how many run then.</summary>
        public int Leave(string name, bool? answered)
        {
            var leaver = _came.Find(one => one.Name == name && HasPlace(one.Entry));
            _came.Remove(leaver);
            receivers.Leave(leaver.Entry.Result.Place!, answered);
            return Running(name);
        }

        private static bool HasPlace(Task<ReceiverEntry> entry) => entry is { IsCompleted: true, Result.Place: not null };
    }
}
