using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Ciba.AspNetCore.Callbacks;

namespace Ciba.AspNetCore.Tests;

/// <summary>Names that fail, or that DNS never answers for, hold up no call to any other name.</summary>
[Spec("P8")]
public sealed class NameLookUpTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private readonly ManualTime _time = new();
    private readonly Channel<string> _asked = Channel.CreateUnbounded<string>();

    [TestCase(16, 0), TestCase(16, 1), TestCase(31, 3)]
    public async Task Names_that_are_never_answered_leave_places_for_new_ones(int atOnce, int rounds)
    {
        var names = Names(name => name.StartsWith("dead", StringComparison.Ordinal) ? Never.Task : Answer);
        for (var round = 0; round < rounds; round++)
        {
            await HangAsync(names, $"dead{round}", atOnce, expected: atOnce);
        }

        _ = Dead("dead", rounds < 3 ? atOnce : 0).Select(name => names.FindAsync(name, CancellationToken.None)).ToList();

        Assert.That(await names.FindAsync("alive", CancellationToken.None).WaitAsync(Bound), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Names_that_are_never_answered_leave_places_for_those_that_were_whatever_their_number()
    {
        var names = Names(name => name.StartsWith("dead", StringComparison.Ordinal) ? Never.Task : Answer);
        await names.FindAsync("alive", CancellationToken.None).WaitAsync(Bound);
        await AskedAsync(1);
        await TimersSetAsync(2);

        // Two rounds that are left behind, one that cannot be, and no place for what comes then: nothing runs beyond the bounds.
        await HangAsync(names, "dead1", NameLookUps.MaxUnknown, NameLookUps.MaxUnknown);
        await HangAsync(names, "dead2", NameLookUps.MaxLeftBehind - NameLookUps.MaxUnknown, NameLookUps.MaxLeftBehind - NameLookUps.MaxUnknown);
        await HangAsync(names, "dead3", NameLookUps.MaxUnknown, NameLookUps.MaxUnknown);
        await HangAsync(names, "dead4", 200, expected: 0);

        Assert.That(await names.FindAsync("alive", CancellationToken.None).WaitAsync(Bound), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Names_that_failed_take_places_of_their_own()
    {
        var fails = true;
        var names = Names(name => name == "alive" ? Answer : fails ? Failure : Never.Task);
        foreach (var name in Dead("dead", 100))
        {
            await ProblemAsync(names.FindAsync(name, CancellationToken.None));
        }

        await AskedAsync(100);
        fails = false;
        _time.Advance(TimeSpan.FromSeconds(2));
        _ = Dead("dead", 100).Select(name => names.FindAsync(name, CancellationToken.None)).ToList();
        await AskedAsync(NameLookUps.MaxFailing);

        Assert.That(await names.FindAsync("alive", CancellationToken.None).WaitAsync(Bound), Has.Length.EqualTo(1));
        Assert.That((await AskedAsync(1), _asked.Reader.TryRead(out _)), Is.EqualTo(("alive", false)));
    }

    [Test]
    public async Task One_look_up_serves_all_who_wait_for_the_name()
    {
        var gate = new TaskCompletionSource<IPAddress[]>();
        var names = Names(_ => gate.Task);

        var waiting = Enumerable.Range(0, 100).Select(_ => names.FindAsync("rp.example", CancellationToken.None)).ToList();
        using var impatient = new CancellationTokenSource();
        var leaving = names.FindAsync("RP.example", impatient.Token);
        await AskedAsync(1);
        await impatient.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(() => leaving.WaitAsync(Bound));
        gate.SetResult([IPAddress.Loopback]);

        Assert.That(await Task.WhenAll(waiting).WaitAsync(Bound), Has.All.Length.EqualTo(1));
        Assert.That(_asked.Reader.TryRead(out _), Is.False);
    }

    [Test]
    public async Task A_failure_is_remembered_for_two_seconds()
    {
        var fails = true;
        var names = Names(_ => fails ? Failure : Answer);

        var first = await ProblemAsync(names.FindAsync("rp.example", CancellationToken.None));
        _time.Advance(TimeSpan.FromSeconds(2) - TimeSpan.FromTicks(1));
        var second = await ProblemAsync(names.FindAsync("rp.example", CancellationToken.None));
        var asked = _asked.Reader.Count;
        fails = false;
        _time.Advance(TimeSpan.FromTicks(1));
        await names.FindAsync("rp.example", CancellationToken.None).WaitAsync(Bound);
        await names.FindAsync("rp.example", CancellationToken.None).WaitAsync(Bound);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { first, second }, Is.All.EqualTo("its host name cannot be resolved"));
            Assert.That(asked, Is.EqualTo(1));
            Assert.That(_asked.Reader.Count, Is.EqualTo(3), "an address is not remembered");
        }
    }

    [Test]
    public async Task A_name_that_is_not_answered_in_time_fails_at_once_until_the_look_up_has_ended()
    {
        var gate = new TaskCompletionSource<IPAddress[]>();
        var isFirst = true;
        var names = Names(_ => isFirst ? gate.Task : Answer);
        var first = names.FindAsync("rp.example", CancellationToken.None);
        await AskedAsync(1);
        await TimersSetAsync(2);
        isFirst = false;

        _time.Advance(Limit);
        var problems = new List<string> { await ProblemAsync(first) };
        _time.Advance(TimeSpan.FromHours(1));
        problems.Add(await ProblemAsync(names.FindAsync("rp.example", CancellationToken.None)));
        gate.SetException(new SocketException((int)SocketError.TryAgain));

        // It ends on another thread.
        using var inVain = new CancellationTokenSource(Bound);
        while (await ProblemOrNullAsync(names.FindAsync("rp.example", inVain.Token)) is not null)
        {
            _time.Advance(TimeSpan.FromSeconds(2));
            await Task.Yield();
            inVain.Token.ThrowIfCancellationRequested();
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(problems, Is.All.EqualTo("its host name was not resolved in time"));
            Assert.That(_asked.Reader.Count, Is.EqualTo(1));
        }
    }

    [Test]
    public async Task A_look_up_that_fails_leaves_its_place_to_the_next([Values(SocketError.HostNotFound, SocketError.TryAgain)] SocketError error)
    {
        var names = Names(name => name == "alive" ? Answer : Task.FromException<IPAddress[]>(new SocketException((int)error)));

        foreach (var name in Dead("dead", 500))
        {
            Assert.That(await ProblemAsync(names.FindAsync(name, CancellationToken.None)), Is.EqualTo("its host name cannot be resolved"));
        }

        Assert.That(await names.FindAsync("alive", CancellationToken.None).WaitAsync(Bound), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task The_system_knows_the_name_of_this_machine() =>
        Assert.That(await NameLookUps.AskSystemAsync("localhost", CancellationToken.None).WaitAsync(Bound), Is.Not.Empty);

    private static TaskCompletionSource<IPAddress[]> Never { get; } = new();

    private static Task<IPAddress[]> Answer => Task.FromResult<IPAddress[]>([IPAddress.Loopback]);

    private static Task<IPAddress[]> Failure => Task.FromException<IPAddress[]>(new ArgumentOutOfRangeException("hostName"));

    private static IEnumerable<string> Dead(string prefix, int count) => Enumerable.Range(0, count).Select(number => $"{prefix}-{number}.example");

    private NameLookUps Names(Func<string, Task<IPAddress[]>> answer) => new(
        (name, _) =>
        {
            // Chosen first: a test that has seen the question may change what the next one is answered.
            var chosen = answer(name);
            _asked.Writer.TryWrite(name);
            return chosen;
        },
        Limit,
        _time);

    /// <summary>Asks for so many names that are never answered, until all who asked have given up.</summary>
    private async Task HangAsync(NameLookUps names, string prefix, int count, int expected)
    {
        var waiting = Dead(prefix, count).Select(name => names.FindAsync(name, CancellationToken.None)).ToList();
        await AskedAsync(expected);
        await TimersSetAsync(count + expected);
        _time.Advance(Limit);
        Assert.That(await Task.WhenAll(waiting.Select(ProblemAsync)), Is.All.EqualTo("its host name was not resolved in time"));
        Assert.That(_asked.Reader.TryRead(out _), Is.False);
    }

    /// <summary>Waits until so many timers were set: one for a place, and one for a look-up.</summary>
    private async Task TimersSetAsync(int count)
    {
        for (; count > 0; count--)
        {
            await _time.TimerSetAsync(Limit);
        }
    }

    private async Task<string> AskedAsync(int count)
    {
        var last = "";
        for (; count > 0; count--)
        {
            last = await _asked.Reader.ReadAsync().AsTask().WaitAsync(Bound);
        }

        return last;
    }

    private static async Task<string?> ProblemOrNullAsync(Task<IPAddress[]> looking)
    {
        try
        {
            await looking;
            return null;
        }
        catch (OutgoingConnectionException exception)
        {
            return exception.Message;
        }
    }

    private static async Task<string> ProblemAsync(Task<IPAddress[]> looking) => (await Assert.ThrowsAsync<OutgoingConnectionException>(() => looking.WaitAsync(Bound)))!.Message;
}
