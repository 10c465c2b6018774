using System.Collections.Concurrent;
using System.Text;

namespace Ciba.AspNetCore.Clients;

/// <summary>
/// The key sets that clients are registered with, read once: a store of the host's makes a new <see cref="CibaClient"/> for
/// every request, and to import its keys costs more than the rest of the request.
/// </summary>
internal static class ReadKeySets
{
    public const int MaxCount = 1000;
    public const int MaxLength = 64 * 1024;

    private static readonly ConcurrentDictionary<string, KnownSet> Known = new(StringComparer.Ordinal);

    private static int _count;

    /// <summary>Reads a JWK Set as <see cref="ClientKeySet.Read"/> does.</summary>
    public static ClientKeySet? Get(string jwks, out string? problem)
    {
        if (!Known.TryGetValue(jwks, out var known))
        {
            known = new(ClientKeySet.Read(Encoding.UTF8.GetBytes(jwks), out var found), found);
            Keep(jwks, known);
        }

        problem = known.Problem;
        return known.Keys;
    }

    private static void Keep(string jwks, KnownSet known)
    {
        if (jwks.Length > MaxLength || !Known.TryAdd(jwks, known))
        {
            return;
        }

        // The dictionary's own count takes all of its locks.
        if (Interlocked.Increment(ref _count) >= MaxCount)
        {
            Interlocked.Exchange(ref _count, 0);
            Known.Clear();
        }
    }

    private sealed record KnownSet(ClientKeySet? Keys, string? Problem);
}
