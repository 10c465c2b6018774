namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A request store as simple as its documentation: a list, looked through from end to end at every step.</summary>
public sealed class ModelStore
{
    private readonly List<Entry> _entries = [];
    private readonly List<(string Subject, string ClientId, DateTimeOffset EndsAt)> _notified = [];

    public CibaAddResult Add(CibaRequest request, CibaRequestLimits limits)
    {
        var (subject, now) = (request.Subject, request.CreatedAt);
        DateTimeOffset[] pending = Rooms([.. Pending(subject, now).Select(other => (other.ClientId, other.ExpiresAt))], request.ClientId, limits.PerUser, limits.PerUserAndClient);
        DateTimeOffset[] notified = RoomsToNotify(subject, request.ClientId, limits.Notifications, now);
        if (pending.Length + notified.Length > 0)
        {
            return CibaAddResult.Refused(pending.Length > 0 ? CibaAddStatus.LimitReached : CibaAddStatus.NotificationLimitReached, pending.Concat(notified).Max() - now);
        }

        var ofClient = _entries.Where(entry => entry.Request.ClientId == request.ClientId && entry.Status == CibaRequestStatus.Pending && now < entry.Request.ExpiresAt).ToList();
        if (limits.PerClient > 0 && ofClient.Count >= limits.PerClient)
        {
            return CibaAddResult.Refused(CibaAddStatus.ClientLimitReached, ofClient.Min(entry => entry.Request.ExpiresAt) - now);
        }

        _entries.Add(new Entry(request));
        _notified.Add((subject, request.ClientId, now + limits.Notifications.Window));
        return CibaAddResult.Added;
    }

    public CibaNotificationResult CountNotification(CibaRequest request, CibaNotificationLimits limits, DateTimeOffset now)
    {
        var rooms = RoomsToNotify(request.Subject, request.ClientId, limits, now);
        if (rooms.Length > 0)
        {
            return new() { Status = CibaNotificationStatus.LimitReached, RetryAfter = rooms.Max() - now };
        }

        _notified.Add((request.Subject, request.ClientId, now + limits.Window));
        return new() { Status = CibaNotificationStatus.Counted };
    }

    public CibaPollStatus Poll(string id, string clientId, DateTimeOffset now, TimeSpan leaseTime)
    {
        if (Find(id, now) is not { } entry || entry.Request.ClientId != clientId)
        {
            return CibaPollStatus.Unknown;
        }

        if (entry.Status == CibaRequestStatus.Redeemed)
        {
            return CibaPollStatus.Redeemed;
        }

        if (now >= entry.Request.ExpiresAt)
        {
            return CibaPollStatus.Expired;
        }

        if (entry.Status is CibaRequestStatus.Denied or CibaRequestStatus.Failed)
        {
            return entry.Status == CibaRequestStatus.Denied ? CibaPollStatus.Denied : CibaPollStatus.Failed;
        }

        if (entry.Status == CibaRequestStatus.Approved || (entry.Status == CibaRequestStatus.Redeeming && now >= entry.LeaseEndsAt))
        {
            entry.Status = CibaRequestStatus.Redeeming;
            entry.LeaseEndsAt = now + leaseTime;
            return CibaPollStatus.Approved;
        }

        if (entry.Status == CibaRequestStatus.Redeeming)
        {
            return CibaPollStatus.Pending;
        }

        var tooSoon = now < entry.NextPollAt;
        entry.Interval += tooSoon ? TimeSpan.FromSeconds(5) : TimeSpan.Zero;
        entry.NextPollAt = now + entry.Interval;
        return tooSoon ? CibaPollStatus.SlowDown : CibaPollStatus.Pending;
    }

    /// <summary>The caller who polled last successfully has this lease from then on.</summary>
    public void Leased(string id, string lease, DateTimeOffset now) => Find(id, now)!.Lease = lease;

    public bool EndLease(string id, string lease, CibaRequestStatus status, DateTimeOffset now)
    {
        if (Find(id, now) is not { Status: CibaRequestStatus.Redeeming or CibaRequestStatus.Redeemed } entry || entry.Lease != lease)
        {
            return false;
        }

        if (entry.Status == CibaRequestStatus.Redeemed)
        {
            return status == CibaRequestStatus.Redeemed;
        }

        entry.Status = status;
        return true;
    }

    public CibaDecideResult Decide(string id, string subject, CibaRequestStatus outcome, DateTimeOffset now)
    {
        switch (Find(id, now))
        {
            case null:
                return CibaDecideResult.Unknown;
            case { } entry when entry.Request.Subject != subject:
                return CibaDecideResult.NotYours;
            case { Status: not CibaRequestStatus.Pending }:
                return CibaDecideResult.AlreadyDecided;
            case { } entry when now >= entry.Request.ExpiresAt:
                return CibaDecideResult.Expired;
            case { } entry:
                entry.Status = outcome;
                return CibaDecideResult.Done;
        }
    }

    public CibaRequestStatus? Get(string id, string subject, DateTimeOffset now) =>
        Find(id, now) is { } entry && entry.Request.Subject == subject
            ? entry.Status == CibaRequestStatus.Pending && now >= entry.Request.ExpiresAt ? CibaRequestStatus.Expired : entry.Status
            : null;

    public IEnumerable<CibaRequest> Pending(string subject, DateTimeOffset now) =>
        from entry in _entries
        where entry.Request.Subject == subject && entry.Status == CibaRequestStatus.Pending && now < entry.Request.ExpiresAt
        select entry.Request;

    public bool Remove(string id, DateTimeOffset now) =>
        Find(id, now) is { Status: CibaRequestStatus.Pending } entry && _entries.Remove(entry);

    private DateTimeOffset[] RoomsToNotify(string subject, string clientId, CibaNotificationLimits limits, DateTimeOffset now) => Rooms(
        [.. _notified.Where(notified => notified.Subject == subject && now < notified.EndsAt).Select(notified => (notified.ClientId, notified.EndsAt))],
        clientId, limits.PerUser, limits.PerUserAndClient);

    /// <summary>When those limits have room again that are reached.</summary>
    private static DateTimeOffset[] Rooms((string ClientId, DateTimeOffset EndsAt)[] entries, string clientId, int perUser, int perUserAndClient)
    {
        DateTimeOffset[] all = [.. entries.Select(entry => entry.EndsAt).Order()];
        DateTimeOffset[] ofClient = [.. entries.Where(entry => entry.ClientId == clientId).Select(entry => entry.EndsAt).Order()];
        return
        [
            .. perUser > 0 && all.Length >= perUser ? [all[^perUser]] : Array.Empty<DateTimeOffset>(),
            .. perUserAndClient > 0 && ofClient.Length >= perUserAndClient ? [ofClient[^perUserAndClient]] : Array.Empty<DateTimeOffset>(),
        ];
    }

    private Entry? Find(string id, DateTimeOffset now) => _entries.Find(entry => entry.Request.Id == id && now < entry.Request.RetainedUntil);

    private sealed class Entry(CibaRequest request)
    {
        public CibaRequest Request { get; } = request;

        public CibaRequestStatus Status { get; set; }

        public TimeSpan Interval { get; set; } = request.Interval;

        public DateTimeOffset NextPollAt { get; set; }

        public string? Lease { get; set; }

        public DateTimeOffset LeaseEndsAt { get; set; }
    }
}
