using System.Globalization;

namespace Ciba.AspNetCore.Store;

/// <summary>The requests of one in 64 users, under one lock that is never held for longer than a few look-ups.</summary>
internal sealed partial class MemoryShard(PendingCounts counts)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, MemoryRequest> _requests = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PendingRequests> _pending = new(StringComparer.Ordinal);

    // When each request is next to be looked at: at its expiry, when it stops to count as pending, and at its end. Names, so that it
    // keeps no request in memory that was withdrawn.
    private readonly PriorityQueue<string, long> _due = new();

    private long _leases;

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _requests.Count;
            }
        }
    }

    public CibaAddResult Add(CibaRequest request, CibaRequestLimits limits)
    {
        lock (_gate)
        {
            var (user, client, group, now) = (request.UserKey, request.ClientKey, request.LimitGroup, request.CreatedAt);
            Expire(now);
            ForgetNotifications(now);
            if (!_pending.TryGetValue(user, out var waiting))
            {
                waiting = new PendingRequests();
            }

            var quiet = QuietUntil(user, client, now);
            if (group is null && quiet is { } until)
            {
                return CibaAddResult.Refused(CibaAddStatus.Quiet, until - now);
            }

            if (waiting.SameAs(request) is { } existing)
            {
                return CibaAddResult.Identical(existing.Request, existing.Interval);
            }

            if (WhyNot(waiting, request, group, limits) is { } refusal)
            {
                return refusal;
            }

            if (counts.TryEnter(client, request.ExpiresAt, now, limits) is { } tooMany)
            {
                return tooMany;
            }

            var isConcealed = request.IsConcealed || (group is not null && (quiet is not null || WhyNot(waiting, request, null, limits) is not null));
            var entry = new MemoryRequest(isConcealed ? request.Conceal() : request);
            _requests.Add(request.Id, entry);
            _pending[user] = waiting;
            waiting.Add(entry);
            _due.Enqueue(request.Id, request.ExpiresAt.UtcTicks);
            Schedule(entry, isConcealed && request.DueAt is not null ? request.ExpiresAt : request.DueAt);
            Note(user, new Notification(client, group, isConcealed, now + limits.Notifications.Window), limits.Notifications);
            if (!isConcealed)
            {
                Tell(user);
            }

            return CibaAddResult.Added with { IsConcealed = isConcealed };
        }
    }

    public CibaPollResult Poll(string id, string clientKey, DateTimeOffset now, TimeSpan leaseTime, bool waited)
    {
        lock (_gate)
        {
            Expire(now);
            if (!_requests.TryGetValue(id, out var entry) || entry.Request.ClientKey != clientKey)
            {
                return new() { Status = CibaPollStatus.Unknown };
            }

            if (waited)
            {
                entry.NextPollAt = now;
            }

            var status = entry.Judge(now);
            if (status == CibaPollStatus.Approved)
            {
                return Lease(entry, now + leaseTime);
            }

            if (status is CibaPollStatus.SlowDown)
            {
                entry.Interval += CibaRequest.SlowDownIncrement;
            }

            if (!waited)
            {
                entry.NextPollAt = now + entry.Interval;
            }

            return new() { Status = status, Interval = entry.Interval, PendingUntil = entry.Status == CibaRequestStatus.Pending ? entry.Request.ExpiresAt : null };
        }
    }

    /// <summary>Done at once where there is nothing to wait for.</summary>
    public Task WaitForDecision(string id)
    {
        lock (_gate)
        {
            return _requests.TryGetValue(id, out var entry) && entry.Pending is not null ? entry.WhenDecided() : Task.CompletedTask;
        }
    }

    public bool Complete(string id, string lease) => EndLease(id, lease, CibaRequestStatus.Redeemed);

    public bool Release(string id, string lease) => EndLease(id, lease, CibaRequestStatus.Approved);

    public CibaDecideResult Decide(string id, string userKey, CibaDecision decision, DateTimeOffset now)
    {
        lock (_gate)
        {
            Expire(now);
            if (!_requests.TryGetValue(id, out var entry))
            {
                return CibaDecideResult.Unknown;
            }

            if (entry.Request.UserKey != userKey || entry.Request.IsConcealed)
            {
                return CibaDecideResult.NotYours;
            }

            if (entry.StatusAt(now) == CibaRequestStatus.Expired)
            {
                return CibaDecideResult.Expired;
            }

            if (entry.Status != CibaRequestStatus.Pending)
            {
                return entry.Decision?.Id == decision.Id ? CibaDecideResult.Done : CibaDecideResult.AlreadyDecided;
            }

            NoLongerPending(entry);
            entry.Status = decision.Outcome;
            entry.Decision = decision;
            ScheduleCallback(entry, now);
            BeQuiet(userKey, decision.Quiet);
            return CibaDecideResult.Done;
        }
    }

    public CibaRequestState? Get(string id, string userKey, DateTimeOffset now) =>
        Get(id, now) is { Request.IsConcealed: false } found && found.Request.UserKey == userKey ? found : null;

    public CibaRequestState? GetForClient(string id, string clientKey, DateTimeOffset now) => Get(id, now) is { } found && found.Request.ClientKey == clientKey ? found : null;

    public IReadOnlyList<CibaRequest> ListPending(string userKey, DateTimeOffset now)
    {
        lock (_gate)
        {
            Expire(now);
            return _pending.TryGetValue(userKey, out var waiting) ? [.. waiting.Select(entry => entry.Request).Where(request => request.ExpiresAt > now && !request.IsConcealed)] : [];
        }
    }

    public bool Remove(string id, string userKey)
    {
        lock (_gate)
        {
            if (!_requests.TryGetValue(id, out var entry) || entry.Request.UserKey != userKey || entry.Status != CibaRequestStatus.Pending)
            {
                return false;
            }

            NoLongerPending(entry);
            return _requests.Remove(id);
        }
    }

    public void Sweep(DateTimeOffset now)
    {
        lock (_gate)
        {
            Expire(now);
            ForgetAbsent(now);
            ForgetQuiet(now);
            ForgetNotifications(now);
        }
    }

    private CibaAddResult? WhyNot(PendingRequests waiting, CibaRequest request, string? group, CibaRequestLimits limits)
    {
        var room = UserLimits.RoomAt(waiting, request.ClientKey, group, limits.PerUser, limits.PerUserAndClient);
        var roomToNotify = RoomToNotifyAt(request.UserKey, request.ClientKey, group, limits.Notifications);
        return UserLimits.Later(room, roomToNotify) is { } at
            ? CibaAddResult.Refused(room is null ? CibaAddStatus.NotificationLimitReached : CibaAddStatus.LimitReached, at - request.CreatedAt)
            : null;
    }

    private CibaRequestState? Get(string id, DateTimeOffset now)
    {
        lock (_gate)
        {
            Expire(now);
            return _requests.TryGetValue(id, out var entry) ? new(entry.Request, entry.StatusAt(now)) : null;
        }
    }

    private CibaPollResult Lease(MemoryRequest entry, DateTimeOffset until)
    {
        entry.Status = CibaRequestStatus.Redeeming;
        entry.Lease = ++_leases;
        entry.LeaseEndsAt = until;
        return new()
        {
            Status = CibaPollStatus.Approved,
            Request = entry.Request,
            Decision = entry.Decision,
            Lease = entry.Lease.ToString(CultureInfo.InvariantCulture),
        };
    }

    private bool EndLease(string id, string lease, CibaRequestStatus status)
    {
        lock (_gate)
        {
            if (!_requests.TryGetValue(id, out var entry) || entry.Lease.ToString(CultureInfo.InvariantCulture) != lease)
            {
                return false;
            }

            if (entry.Status != CibaRequestStatus.Redeeming)
            {
                return entry.Status == CibaRequestStatus.Redeemed && status == CibaRequestStatus.Redeemed;
            }

            entry.Status = status;
            return true;
        }
    }

    /// <summary>Takes what is past its time off the user's pending requests, and forgets what is past its end.</summary>
    private void Expire(DateTimeOffset now)
    {
        while (_due.TryPeek(out var id, out var dueAt) && dueAt <= now.UtcTicks)
        {
            _due.Dequeue();
            if (!_requests.TryGetValue(id, out var entry) || entry.Request.ExpiresAt > now)
            {
                continue; // It was withdrawn, and may have been added anew.
            }

            NoLongerPending(entry);
            if (entry.Request.RetainedUntil > now)
            {
                _due.Enqueue(id, entry.Request.RetainedUntil.UtcTicks);
            }
            else
            {
                _requests.Remove(id);
            }
        }
    }

    private void NoLongerPending(MemoryRequest entry)
    {
        if (entry.Pending is { } waiting)
        {
            var user = entry.Request.UserKey;
            waiting.Remove(entry);
            counts.Leave(entry.Request.ClientKey, entry.Request.ExpiresAt);
            entry.WakeUp();
            Tell(user);
            if (waiting.Count == 0)
            {
                _pending.Remove(user);
            }
        }
    }
}
