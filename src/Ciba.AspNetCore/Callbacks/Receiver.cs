namespace Ciba.AspNetCore.Callbacks;

/// <summary>A client at an authority: what is known of its answers, and who waits to call it.</summary>
internal sealed class Receiver(ReceiverAuthority authority)
{
    private static readonly TimeSpan LongestTurn = TimeSpan.FromHours(1);

    public ReceiverAuthority Authority { get; } = authority;

    public Queue<ReceiverWaiter> Waiting { get; } = new();

    public ReceiverStanding Standing { get; set; } = ReceiverStanding.Unknown;

    /// <summary>How many callbacks may run at once.</summary>
    public int Allowed { get; set; } = 1;

    public int Running { get; set; }

    /// <summary>How long the last call took; zero before the first.</summary>
    public TimeSpan LastCall { get; set; }

    /// <summary>Whether it stands in a queue of those that may begin something, be it the one of its authority.</summary>
    public bool IsReady { get; set; }

    /// <summary>After which time one who comes now might begin, if all calls go as the last one.</summary>
    public TimeSpan Wait => LastCall * ((Running + Waiting.Count) / Allowed);

    /// <summary>When the next one who is sent away might begin, behind all who were sent away before.</summary>
    public DateTimeOffset NextTurn { get; set; }

    /// <summary>Gives one who is sent away a turn, and says how long that is to come.</summary>
    public TimeSpan SendAway(DateTimeOffset now)
    {
        var turn = NextTurn > now + Wait ? NextTurn : now + Wait;
        if (turn - now < LongestTurn)
        {
            NextTurn = turn + (LastCall / Allowed);
        }

        return turn - now;
    }
}

/// <summary>A host and port, which many clients may share.</summary>
internal sealed class ReceiverAuthority(string name)
{
    public string Name { get; } = name;

    public RunningCalls Running { get; } = new();

    /// <summary>How many receivers are known at it.</summary>
    public int Receivers { get; set; }

    /// <summary>Receivers that could begin, were there a place at the authority.</summary>
    public Queue<Receiver> Blocked { get; } = new();
}

/// <summary>
/// How many calls run, by the standing of their receivers. Of so many places those that are not known yet share half at most, and those
/// that failed last a quarter.
/// </summary>
internal sealed class RunningCalls
{
    private readonly int[] _running = new int[3];

    public bool IsFull(int places) => _running.Sum() >= places;

    public bool HasPlace(ReceiverStanding standing, int places) => !IsFull(places) && _running[(int)standing] < standing switch
    {
        ReceiverStanding.Proven => places,
        ReceiverStanding.Unknown => Math.Max(1, places / 2),
        _ => Math.Max(1, places / 4),
    };

    public void Begin(ReceiverStanding standing) => _running[(int)standing]++;

    public void End(ReceiverStanding standing) => _running[(int)standing]--;
}

internal enum ReceiverStanding
{
    /// <summary>It answered last.</summary>
    Proven,

    /// <summary>It was not called yet.</summary>
    Unknown,

    /// <summary>It did not answer last.</summary>
    Failing,
}

/// <summary>Somebody who waits for a place, and until when it would still be of use.</summary>
internal sealed class ReceiverWaiter(DateTimeOffset until)
{
    public DateTimeOffset Until { get; } = until;

    public TaskCompletionSource<ReceiverEntry> Entry { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>The right to call a receiver once.</summary>
internal sealed record ReceiverPlace(Receiver Receiver, ReceiverStanding CountedAs, long BegunAt);

/// <summary>A place, or how long there will hardly be one.</summary>
internal readonly record struct ReceiverEntry(ReceiverPlace? Place, TimeSpan Wait = default);
