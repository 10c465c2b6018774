namespace Ciba.AspNetCore.Hosting;

/// <summary>
/// A bound on calls of the host's classes that run at once. A call keeps its place until it has ended, even if it was left behind
/// at its time-out. Those that wait are served in turn: client after client, and for each client user after user. A client has at
/// most half of the places and each of its users an eighth, so that calls that never end leave the others theirs.
/// </summary>
internal sealed class CallPlaces(string name, int maxCount, TimeProvider time)
{
    public const int MaxWaiting = 10_000;
    public const int MaxWaitingPerClient = 1_000;

    // Blocking calls may wait for what they have begun to await, which needs threads too.
    private const int ThreadsPerPlace = 4;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, CallingClient> _clients = new(StringComparer.Ordinal);
    private readonly LinkedList<CallingClient> _ready = new();
    private readonly int _maxPerClient = Math.Max(1, maxCount / 2);
    private readonly int _maxPerUser = Math.Max(1, maxCount / 8);
    private int _running;
    private int _waiting;
    private bool _isStopped;

    /// <summary>Where the calls run.</summary>
    public HostThreads Threads { get; } = new(name, maxCount * ThreadsPerPlace);

    /// <summary>Waits for a place, which must be left again. Null if none was free in time, or too many wait.</summary>
    public async Task<CallPlace?> EnterAsync(CibaRequest request, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (Queue(request) is not { } waiter)
        {
            return null;
        }

        if (waiter.Place.Task.IsCompleted)
        {
            return await waiter.Place.Task;
        }

        using var timeout = new CancellationTokenSource(patience > TimeSpan.Zero ? patience : TimeSpan.Zero, time);
        await using var late = timeout.Token.UnsafeRegister(_ => GiveUp(waiter), null);
        await using var cancelled = cancellationToken.UnsafeRegister(_ => GiveUp(waiter), null);
        var place = await waiter.Place.Task;
        place?.WasWaitedFor = true;
        return place;
    }

    /// <summary>Frees a place of this user.</summary>
    public void Leave(CallingUser user)
    {
        lock (_gate)
        {
            _running--;
            user.Running--;
            user.Client.Running--;
            Settle(user);
            Begin();
        }
    }

    /// <summary>Sends away those that wait; from now on nobody waits.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _isStopped = true;
            foreach (var waiter in _clients.Values.SelectMany(client => client.Users.Values).SelectMany(user => user.Waiting).ToList())
            {
                GiveUp(waiter);
            }
        }
    }

    private CallWaiter? Queue(CibaRequest request)
    {
        lock (_gate)
        {
            var user = Find(request);
            if (_waiting >= MaxWaiting || user.Client.Waiting >= MaxWaitingPerClient)
            {
                Settle(user);
                return null;
            }

            var waiter = new CallWaiter(user);
            user.Waiting.AddLast(waiter.Node);
            user.Client.Waiting++;
            _waiting++;
            Settle(user);
            Begin();
            if (_isStopped)
            {
                GiveUp(waiter);
            }

            return waiter;
        }
    }

    private CallingUser Find(CibaRequest request)
    {
        if (!_clients.TryGetValue(request.ClientKey, out var client))
        {
            _clients[request.ClientKey] = client = new CallingClient(request.ClientKey);
        }

        if (!client.Users.TryGetValue(request.UserKey, out var user))
        {
            client.Users[request.UserKey] = user = new CallingUser(request.UserKey, client);
        }

        return user;
    }

    private void GiveUp(CallWaiter waiter)
    {
        lock (_gate)
        {
            if (waiter.Node.List is not null)
            {
                Remove(waiter);
                waiter.Place.SetResult(null);
                Settle(waiter.User);
            }
        }
    }

    private void Remove(CallWaiter waiter)
    {
        waiter.User.Waiting.Remove(waiter.Node);
        waiter.User.Client.Waiting--;
        _waiting--;
    }

    private void Begin()
    {
        while (_running < maxCount && _ready.First?.Value is { } client)
        {
            var user = client.Ready.First!.Value;
            var waiter = user.Waiting.First!.Value;
            Remove(waiter);
            _running++;
            user.Running++;
            client.Running++;
            waiter.Place.SetResult(new CallPlace(this, user));

            // To the end of the queue, if there is more to do.
            client.Ready.Remove(user.Node);
            _ready.Remove(client.Node);
            Settle(user);
        }
    }

    /// <summary>Puts the user and the client where they belong: in the queues of those that may begin a call, or nowhere.</summary>
    private void Settle(CallingUser user)
    {
        var client = user.Client;
        Settle(client.Ready, user.Node, user.Waiting.Count > 0 && user.Running < _maxPerUser);
        Settle(_ready, client.Node, client.Ready.Count > 0 && client.Running < _maxPerClient);
        if (user is { Running: 0, Waiting.Count: 0 } && client.Users.Remove(user.Key) && client.Users.Count == 0)
        {
            _clients.Remove(client.Key);
        }
    }

    private static void Settle<T>(LinkedList<T> queue, LinkedListNode<T> node, bool belongs)
    {
        if (belongs && node.List is null)
        {
            queue.AddLast(node);
        }
        else if (!belongs && node.List is not null)
        {
            queue.Remove(node);
        }
    }
}
