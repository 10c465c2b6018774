namespace Ciba.AspNetCore.Hosting;

/// <summary>The right to call the host's classes. It is held by whoever got it, and by each call until that has ended.</summary>
internal sealed class CallPlace(CallPlaces places, CallingUser user)
{
    private int _holders = 1;

    public HostThreads Threads => places.Threads;

    /// <summary>Whether it was not free at once.</summary>
    public bool WasWaitedFor { get; set; }

    public void Hold() => Interlocked.Increment(ref _holders);

    public void Leave()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            places.Leave(user);
        }
    }
}

/// <summary>A client on whose behalf the host is called.</summary>
internal sealed class CallingClient(string key)
{
    public string Key { get; } = key;

    public Dictionary<string, CallingUser> Users { get; } = new(StringComparer.Ordinal);

    /// <summary>Its users that may begin a call, each at most once.</summary>
    public Queue<CallingUser> Ready { get; } = new();

    public int Running { get; set; }

    public int Waiting { get; set; }

    /// <summary>Whether it is in the queue of clients that may begin a call.</summary>
    public bool IsReady { get; set; }
}

/// <summary>A user of a client, on whose behalf the host is called.</summary>
internal sealed class CallingUser(string key, CallingClient client)
{
    public string Key { get; } = key;

    public CallingClient Client { get; } = client;

    public LinkedList<CallWaiter> Waiting { get; } = new();

    public int Running { get; set; }

    /// <summary>Whether it is in the queue of its client.</summary>
    public bool IsReady { get; set; }
}

/// <summary>A call that waits for a place.</summary>
internal sealed class CallWaiter(CallingUser user)
{
    public CallingUser User { get; } = user;

    public LinkedListNode<CallWaiter>? Node { get; set; }

    public TaskCompletionSource<CallPlace?> Place { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
