namespace Ciba.AspNetCore.Callbacks;

/// <summary>What is known of a receiver, and who waits for it.</summary>
internal sealed class Receiver(string name)
{
    public string Name { get; } = name;

    public Queue<ReceiverWaiter> Waiting { get; } = new();

    public ReceiverStanding Standing { get; set; } = ReceiverStanding.Unknown;

    /// <summary>How many callbacks may run at once.</summary>
    public int Allowed { get; set; } = 1;

    public int Running { get; set; }

    /// <summary>Whether it stands in a queue of those that may begin something.</summary>
    public bool IsReady { get; set; }
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

    public TaskCompletionSource<ReceiverPlace?> Place { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>The right to call a receiver once.</summary>
internal sealed record ReceiverPlace(Receiver Receiver, ReceiverStanding CountedAs, long BegunAt);
