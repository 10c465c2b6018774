namespace Ciba.AspNetCore.Store;

/// <summary>How often users were notified in the last while.</summary>
internal sealed partial class MemoryShard
{
    private readonly Dictionary<string, List<Notification>> _notifications = new(StringComparer.Ordinal);
    private readonly PriorityQueue<string, long> _notificationEnds = new();

    public CibaNotificationResult CountNotification(CibaRequest request, CibaNotificationLimits limits, bool byClient, DateTimeOffset now)
    {
        lock (_gate)
        {
            ForgetNotifications(now);
            var (user, client, group) = (request.UserKey, request.ClientKey, byClient ? request.LimitGroup : null);
            var quiet = QuietUntil(user, client, now);
            if (group is null && quiet is { } until)
            {
                return new() { Status = CibaNotificationStatus.Cooldown, RetryAfter = until - now };
            }

            if (RoomToNotifyAt(user, client, group, limits) is { } room)
            {
                return new() { Status = CibaNotificationStatus.LimitReached, RetryAfter = room - now };
            }

            var isConcealed = request.IsConcealed || (group is not null && (quiet is not null || RoomToNotifyAt(user, client, null, limits) is not null));
            Note(user, new Notification(client, group, isConcealed, now + limits.Window), limits);
            return new() { Status = isConcealed ? CibaNotificationStatus.Concealed : CibaNotificationStatus.Counted };
        }
    }

    private DateTimeOffset? RoomToNotifyAt(string user, string client, string? group, CibaNotificationLimits limits) =>
        _notifications.TryGetValue(user, out var known) ? UserLimits.RoomAt(known, client, group, limits.PerUser, limits.PerUserAndClient) : null;

    private void Note(string user, Notification notification, CibaNotificationLimits limits)
    {
        if (limits is { PerUser: 0, PerUserAndClient: 0 })
        {
            return;
        }

        if (!_notifications.TryGetValue(user, out var known))
        {
            _notifications[user] = known = [];
        }

        known.Add(notification);
        _notificationEnds.Enqueue(user, notification.EndsAt.UtcTicks);
    }

    private void ForgetNotifications(DateTimeOffset now)
    {
        while (_notificationEnds.TryPeek(out var user, out var end) && end <= now.UtcTicks)
        {
            _notificationEnds.Dequeue();
            if (_notifications.TryGetValue(user, out var known))
            {
                known.RemoveAll(notification => notification.EndsAt <= now);
                if (known.Count == 0)
                {
                    _notifications.Remove(user);
                }
            }
        }
    }

    private sealed record Notification(string Client, string? Group, bool IsConcealed, DateTimeOffset EndsAt) : ICounted;
}
