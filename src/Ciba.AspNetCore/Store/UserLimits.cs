namespace Ciba.AspNetCore.Store;

/// <summary>What counts towards a user's limits, until its end: a pending request, or a notification of the last while.</summary>
internal interface ICounted
{
    string Client { get; }

    string? Group { get; }

    bool IsConcealed { get; }

    DateTimeOffset EndsAt { get; }
}

/// <summary>The limits of a user, and of one client for the user.</summary>
internal static class UserLimits
{
    /// <summary>When there is room for one more of the client; null where there is now. Without a group, what is kept from the user does not count.</summary>
    public static DateTimeOffset? RoomAt(IEnumerable<ICounted> entries, string client, string? group, int perUser, int perUserAndClient)
    {
        var counted = entries.Where(entry => group is null ? !entry.IsConcealed : entry.Group == group);
        return Later(RoomAt(counted, perUser), RoomAt(counted.Where(entry => entry.Client == client), perUserAndClient));
    }

    public static DateTimeOffset? Later(DateTimeOffset? one, DateTimeOffset? other) => one is null || other > one ? other : one;

    private static DateTimeOffset? RoomAt(IEnumerable<ICounted> counted, int limit)
    {
        if (limit <= 0)
        {
            return null;
        }

        var count = counted.Count();
        return count < limit ? null : counted.Select(entry => entry.EndsAt).Order().ElementAt(count - limit);
    }
}
