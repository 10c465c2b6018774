using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Ciba.AspNetCore.Clients;

/// <summary>
/// What took time to work out, up to a number of things, beyond which all of them are forgotten: a loss of time and of nothing else, so
/// rare that nothing is kept to choose by.
/// </summary>
internal sealed class BoundedMemory<T>(int maxCount)
{
    private readonly ConcurrentDictionary<string, T> _known = new(StringComparer.Ordinal);

    private int _count;

    public bool TryGet(string key, [MaybeNullWhen(false)] out T value) => _known.TryGetValue(key, out value);

    public void Set(string key, T value)
    {
        if (!_known.ContainsKey(key))
        {
            MakeRoom();
        }

        _known[key] = value;
    }

    /// <summary>The value that is there, the same for all who ask at once.</summary>
    public T GetOrAdd(string key, Func<T> make)
    {
        if (_known.TryGetValue(key, out var known))
        {
            return known;
        }

        MakeRoom();
        return _known.GetOrAdd(key, static (_, make) => make(), make);
    }

    // The dictionary's own count takes all of its locks. This one may be too high by those who added the same at once.
    private void MakeRoom()
    {
        if (Interlocked.Increment(ref _count) > maxCount)
        {
            Interlocked.Exchange(ref _count, 1);
            _known.Clear();
        }
    }
}
