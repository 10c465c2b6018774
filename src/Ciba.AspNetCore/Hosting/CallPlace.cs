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
internal sealed class CallingClient
{
    public CallingClient(string key) => (Key, Node) = (key, new(this));

    public string Key { get; }

    /// <summary>Its place in the queue of clients that may begin a call.</summary>
    public LinkedListNode<CallingClient> Node { get; }

    public Dictionary<string, CallingUser> Users { get; } = new(StringComparer.Ordinal);

    /// <summary>Its users that may begin a call.</summary>
    public LinkedList<CallingUser> Ready { get; } = new();

    public int Running { get; set; }

    public int Waiting { get; set; }
}

/// <summary>A user of a client, on whose behalf the host is called.</summary>
internal sealed class CallingUser
{
    public CallingUser(string key, CallingClient client) => (Key, Client, Node) = (key, client, new(this));

    public string Key { get; }

    public CallingClient Client { get; }

    /// <summary>Its place in the queue of its client.</summary>
    public LinkedListNode<CallingUser> Node { get; }

    public LinkedList<CallWaiter> Waiting { get; } = new();

    public int Running { get; set; }
}

/// <summary>A call that waits for a place.</summary>
internal sealed class CallWaiter
{
    public CallWaiter(CallingUser user) => (User, Node) = (user, new(this));

    public CallingUser User { get; }

    /// <summary>Its place among what its user waits for.</summary>
    public LinkedListNode<CallWaiter> Node { get; }

    public TaskCompletionSource<CallPlace?> Place { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
