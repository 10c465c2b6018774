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

    /// <summary>The most that <see cref="CibaClientKeyOptions.MaxKeys"/> may allow. What is read here holds for any options.</summary>
    public const int MaxKeys = 1000;

    private static readonly BoundedMemory<KnownSet> Known = new(MaxCount);

    /// <summary>Reads a JWK Set as <see cref="ClientKeySet.Read"/> does.</summary>
    public static ClientKeySet? Get(string jwks, out string? problem)
    {
        if (!Known.TryGet(jwks, out var known))
        {
            known = new(ClientKeySet.Read(Encoding.UTF8.GetBytes(jwks), MaxKeys, out var found), found);
            if (jwks.Length <= MaxLength)
            {
                Known.Set(jwks, known);
            }
        }

        problem = known.Problem;
        return known.Keys;
    }

    private sealed record KnownSet(ClientKeySet? Keys, string? Problem);
}
