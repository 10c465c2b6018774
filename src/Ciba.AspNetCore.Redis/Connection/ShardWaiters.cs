using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>Who waits for news of one shard on this node.</summary>
internal sealed class ShardWaiters
{
    // A step of Redis is not to hold up the others for long.
    private const int MostKeys = 1000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Waiters> _waiting = new(StringComparer.Ordinal);

    // What was pending for the users at the last look.
    private readonly Dictionary<string, string> _pending = new(StringComparer.Ordinal);


    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Values.Sum(waiters => waiters.Count);
            }
        }
    }

    public Waiters Join(string name, RedisKey key, bool isUser)
    {
        lock (_gate)
        {
            if (!_waiting.TryGetValue(name, out var waiters))
            {
                _waiting[name] = waiters = new Waiters(name, key, isUser);
            }

            waiters.Count++;
            return waiters;
        }
    }

    public void Leave(string name, Waiters waiters)
    {
        lock (_gate)
        {
            if (--waiters.Count == 0 && _waiting.TryGetValue(name, out var known) && known == waiters)
            {
                _waiting.Remove(name);
            }
        }
    }

    public void Wake(string name)
    {
        Waiters? waiters;
        lock (_gate)
        {
            _waiting.Remove(name, out waiters);
        }

        waiters?.Changed.TrySetResult();
    }

    /// <summary>The looks that ask for everything that is waited for here, each one step.</summary>
    public IEnumerable<ShardLook> Looks()
    {
        Waiters[] all;
        lock (_gate)
        {
            all = [.. _waiting.Values];
            foreach (var name in _pending.Keys)
            {
                if (!_waiting.ContainsKey(name))
                {
                    _pending.Remove(name);
                }
            }
        }

        return all.Chunk(MostKeys).Select(some => new ShardLook(this, some));
    }

    /// <summary>Wakes the devices of a user for whom something else is pending than at the last look, or for whom there was none.</summary>
    public void Found(string name, string pending)
    {
        bool isKnown;
        lock (_gate)
        {
            isKnown = _pending.TryGetValue(name, out var before) && before == pending;
            _pending[name] = pending;
        }

        if (!isKnown)
        {
            Wake(name);
        }
    }
}

/// <summary>Those who wait for the same: a request to be decided, or something new for a user.</summary>
/// <param name="name">What is called out when it comes.</param>
/// <param name="key">The request, or what is pending for the user.</param>
/// <param name="isUser">Whether it is about a user.</param>
internal sealed class Waiters(string name, RedisKey key, bool isUser)
{
    public string Name => name;

    public RedisKey Key => key;

    public bool IsUser => isUser;

    public TaskCompletionSource Changed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public int Count { get; set; }
}

/// <summary>One look at what is waited for in a shard: the keys and the answer of look.lua.</summary>
internal sealed class ShardLook(ShardWaiters shard, Waiters[] waiters)
{
    private readonly Waiters[] _requests = [.. waiters.Where(one => !one.IsUser)];
    private readonly Waiters[] _users = [.. waiters.Where(one => one.IsUser)];

    public RedisKey[] Keys => [.. _requests.Concat(_users).Select(one => one.Key)];

    public int Requests => _requests.Length;

    public void Found(RedisResult[] answer)
    {
        foreach (var place in (int[])answer[0]!)
        {
            shard.Wake(_requests[place - 1].Name);
        }

        foreach (var (user, pending) in _users.Zip((string[])answer[1]!))
        {
            shard.Found(user.Name, pending);
        }
    }
}
