namespace Ciba.AspNetCore.Settings;

/// <summary>Finds the name that somebody probably meant.</summary>
internal static class NearestName
{
    /// <summary>The path of the nearest name, the first of equally near ones; null if all are far away.</summary>
    public static string? Find(string name, IEnumerable<(string Name, string Path)> known)
    {
        var wanted = Normalize(name);
        return known
            .Select(candidate => (candidate.Path, candidate.Name.Length, Distance: Distance(wanted, Normalize(candidate.Name))))
            .Where(found => found.Distance <= Math.Max(1, Math.Max(found.Length, wanted.Length) / 3))
            .OrderBy(found => found.Distance)
            .FirstOrDefault().Path;
    }

    // client_name is ClientName.
    private static string Normalize(string name) => string.Concat(name.Where(char.IsLetterOrDigit).Select(char.ToLowerInvariant));

    /// <summary>How many letters must be added, left out, changed or swapped with their neighbour.</summary>
    private static int Distance(string from, string to)
    {
        var distances = new int[from.Length + 1, to.Length + 1];
        for (var i = 0; i <= from.Length; i++)
        {
            for (var j = 0; j <= to.Length; j++)
            {
                distances[i, j] = i == 0 || j == 0 ? i + j : Math.Min(
                    Math.Min(distances[i - 1, j], distances[i, j - 1]) + 1,
                    distances[i - 1, j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                {
                    distances[i, j] = Math.Min(distances[i, j], distances[i - 2, j - 2] + 1);
                }
            }
        }

        return distances[from.Length, to.Length];
    }
}
