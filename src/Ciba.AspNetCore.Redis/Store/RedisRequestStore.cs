using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ciba.AspNetCore.Redis.Connection;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>The requests on Redis. What a step does stands in its script; here are its arguments and its answers.</summary>
internal sealed partial class RedisRequestStore(
    RedisConnection redis,
    RedisKeys keys,
    RedisClock clock,
    DecisionSignals signals,
    RedisEviction eviction,
    PayloadProtector protector,
    ILogger<RedisRequestStore> logger) : ICibaRequestStore
{
    // A node whose clock is ahead does not hide from the others what is pending for them.
    private static readonly TimeSpan ForgottenAfter = TimeSpan.FromMinutes(1);

    private readonly Node _node = new();

    public ValueTask<CibaAddResult> AddAsync(CibaRequest request, CibaRequestLimits limits, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return AddAsync(request, limits, request.Fingerprint);
    }

    private async ValueTask<CibaAddResult> AddAsync(CibaRequest request, CibaRequestLimits limits, string? fingerprint)
    {
        var digest = RedisKeys.Digest(request.Id);
        var shard = request.Id[0];
        var redisTime = await clock.OfAsync(shard);
        var (user, client) = (RequestRecord.Digest(request.UserKey), RequestRecord.Digest(request.ClientKey));
        RedisKey[] touched = [.. TouchedBy(request.Id, user), keys.Notifications(shard, user), keys.Quiet(shard, user, client), keys.Present(shard, user)];
        var record = RequestRecord.Write(
            request,
            redisTime,
            protector.Protect(request.Id, RequestRecord.Asked, AskedPayload.Write(request)),
            request.Callback is { } callback ? protector.Protect(request.Id, RequestRecord.Callback, CallbackPayload.Write(callback)) : [],
            fingerprint);
        var notification = NewNotification();
        RedisValue[] values =
        [
            digest,
            record,
            (long)Math.Ceiling((request.RetainedUntil - request.CreatedAt).TotalMilliseconds),
            redisTime.Ticks(request.CreatedAt),
            redisTime.Ticks(request.ExpiresAt),
            redisTime.Ticks(request.CreatedAt - ForgottenAfter),
            limits.PerUser,
            limits.PerUserAndClient,
            request.DueAt is { } dueAt ? redisTime.Ticks(dueAt) : "",
            limits.Notifications.PerUser,
            limits.Notifications.PerUserAndClient,
            redisTime.Ticks(request.CreatedAt + limits.Notifications.Window),
            LifeOf(limits.Notifications),
            notification,
            limits.PerClient > 0 ? ShareOf(limits.PerClient) : "",
        ];

        // A client that is told 503 has no request; so there shall be none.
        RedisValue[] takenBack = [digest, user, notification];
        var added = (RedisResult[])(await redis.RunOrTakeBackAsync(RedisScript.Add, touched, values, RedisScript.Remove, takenBack))!;
        switch ((int)added[0])
        {
            case 1 when await ForgetEvictedAsync(shard, user, redisTime.Ticks(request.CreatedAt)):
                return await AddAsync(request, limits, fingerprint);

            case 1:
                return Refused(CibaAddStatus.LimitReached);

            case 2:
                return Refused(CibaAddStatus.Quiet);

            case 3:
                // Gone meanwhile, or not to be read: then it is not in the way.
                return await FindAsync(shard + (string)added[1]!, request.UserKey, redisTime, request.CreatedAt) is { } found
                    ? CibaAddResult.Identical(found.Request, found.Interval)
                    : await AddAsync(request, limits, fingerprint: null);

            case 4:
                return Refused(CibaAddStatus.NotificationLimitReached);
        }

        if ((bool)added[3] && await RoomOfClientAtAsync(request, limits.PerClient, client, touched, takenBack) is { } room)
        {
            return CibaAddResult.Refused(CibaAddStatus.ClientLimitReached, room - request.CreatedAt);
        }

        var isConcealed = (bool)added[2];
        if ((bool)added[1] && !isConcealed)
        {
            signals.CallOut(DecisionSignals.NameOf(shard, user));
        }

        return CibaAddResult.Added with { IsConcealed = isConcealed };

        CibaAddResult Refused(CibaAddStatus status) => CibaAddResult.Refused(status, redisTime.Instant((long)added[1]) - request.CreatedAt);
    }

    public ValueTask<CibaPollResult> PollAsync(string id, string clientKey, DateTimeOffset now, TimeSpan leaseTime, CancellationToken cancellationToken) =>
        PollAsync(id, clientKey, now, leaseTime, waited: false);

    public ValueTask<CibaPollResult> PollAfterWaitAsync(string id, string clientKey, DateTimeOffset now, TimeSpan leaseTime, CancellationToken cancellationToken) =>
        PollAsync(id, clientKey, now, leaseTime, waited: true);

    public Task WaitForDecisionAsync(string id, CancellationToken cancellationToken) =>
        signals.WaitForDecisionAsync(id, cancellationToken);

    // In two steps. After the first the request is still pending to others, and approved again when its lease runs out: a caller that
    // never learns of it, or dies, costs nobody the approval. Who knows of the first has the tokens, whatever becomes of the second.
    public async ValueTask<bool> CompleteAsync(string id, string lease, CancellationToken cancellationToken)
    {
        if (!CibaRequestId.IsId(id))
        {
            return false;
        }

        RedisKey[] request = [keys.Request(id)];
        if (!(bool)await redis.RunUntilKnownAsync(RedisScript.EndLease, request, [lease, "C", "L"], RedisScript.EndLease, Released(lease)))
        {
            return false;
        }

        RedisValue[] redeemed = [lease, "R", "C"];
        try
        {
            return (bool)await redis.RunUntilKnownAsync(RedisScript.EndLease, request, redeemed);
        }
        catch (CibaStoreUnavailableException)
        {
            redis.RunLater(RedisScript.EndLease, request, redeemed);
            return true;
        }
    }

    public async ValueTask<bool> ReleaseAsync(string id, string lease, CancellationToken cancellationToken) =>
        CibaRequestId.IsId(id) && (bool)await redis.RunUntilKnownAsync(RedisScript.EndLease, [keys.Request(id)], Released(lease));

    public async ValueTask<CibaDecideResult> DecideAsync(string id, string userKey, CibaDecision decision, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(decision);
        if (!CibaRequestId.IsId(id))
        {
            return CibaDecideResult.Unknown;
        }

        var user = RequestRecord.Digest(userKey);
        var redisTime = await clock.OfAsync(id[0]);
        var section = RequestRecord.Section(RequestRecord.Decided, protector.Protect(id, RequestRecord.Decided, DecidedPayload.Write(decision, userKey)));
        var touched = TouchedBy(id, user);
        RedisValue[] values =
        [
            RedisKeys.Digest(id),
            user,
            redisTime.Ticks(now),
            RequestRecord.Letter(decision.Outcome),
            section,
            redisTime.Ticks(now) - 1,
            RequestRecord.Section(RequestRecord.DecisionId, Encoding.UTF8.GetBytes(decision.Id)),
        ];
        if (decision.Quiet is { } quiet && quiet.Until > now)
        {
            touched = [.. touched, keys.Quiet(id[0], user, RequestRecord.Digest(quiet.ClientKey))];
            values = [.. values, redisTime.Ticks(quiet.Until), (long)Math.Ceiling((quiet.Until - now).TotalMilliseconds)];
        }

        var answer = (RedisResult[])(await redis.RunUntilKnownAsync(RedisScript.Decide, touched, values))!;
        var decided = (CibaDecideResult)(int)answer[0];
        if (decided == CibaDecideResult.Done)
        {
            signals.CallOut(id, DecisionSignals.NameOf(id[0], user));
            await FreeAsync((byte[])answer[1]!, id);
        }

        return decided;
    }

    public async ValueTask<CibaRequestState?> GetAsync(string id, string userKey, DateTimeOffset now, CancellationToken cancellationToken) =>
        await GetAsync(id, now) is { Request.IsConcealed: false } found && found.Request.UserKey == userKey ? found : null;

    public async ValueTask<CibaRequestState?> GetForClientAsync(string id, string clientKey, DateTimeOffset now, CancellationToken cancellationToken) =>
        await GetAsync(id, now) is { } found && found.Request.ClientKey == clientKey ? found : null;

    public async ValueTask<IReadOnlyList<CibaRequest>> ListPendingAsync(string userKey, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var shard = CibaRequestId.Shard(userKey);
        var redisTime = await clock.OfAsync(shard);
        var index = keys.Pending(shard, RequestRecord.Digest(userKey));
        var members = await redis.ReadAsync((database, flags) => database.SortedSetRangeByScoreAsync(index, redisTime.Ticks(now), double.PositiveInfinity, Exclude.Start, flags: flags));
        string[] ids = [.. members.Select(member => RequestRecord.HandleOf(shard, member!))];
        if (ids.Length == 0)
        {
            return [];
        }

        var records = await redis.ReadAsync((database, flags) => database.StringGetAsync([.. ids.Select(keys.Request)], flags));
        if (records.Any(record => record.IsNull))
        {
            await ForgetAsync(shard, index, members);
        }

        return
        [
            .. ids.Zip(records, (id, record) => record.IsNull ? null : TryRead(id, record!, redisTime, now, othersWait: true))
                .Where(found => found is { Status: CibaRequestStatus.Pending, Request.IsConcealed: false } && found.Request.UserKey == userKey)
                .Select(found => found!.Request)
                .OrderBy(request => request.CreatedAt),
        ];
    }

    public async ValueTask<bool> RemoveAsync(string id, string userKey, CancellationToken cancellationToken) =>
        CibaRequestId.IsId(id) && await RemoveAsync(id, RequestRecord.Digest(userKey));

    private async ValueTask<bool> RemoveAsync(string id, byte[] user)
    {
        RedisValue[] values = [RedisKeys.Digest(id), user];
        var answer = (RedisResult[])(await redis.RunOrTakeBackAsync(RedisScript.Remove, TouchedBy(id, user), values, RedisScript.Remove, values))!;
        var removed = (bool)answer[0];
        if (removed)
        {
            signals.CallOut(id, DecisionSignals.NameOf(id[0], user));
            await FreeAsync((byte[])answer[1]!, id);
        }

        return removed;
    }

    private async ValueTask<CibaPollResult> PollAsync(string id, string clientKey, DateTimeOffset now, TimeSpan leaseTime, bool waited)
    {
        if (!CibaRequestId.IsId(id))
        {
            return new() { Status = CibaPollStatus.Unknown };
        }

        // A lease that this poll got without hearing of it need not run out first.
        var lease = _node.NewLease();
        var redisTime = await clock.OfAsync(id[0]);
        var found = (RedisResult[])(await redis.RunOrTakeBackAsync(
            RedisScript.Poll,
            [keys.Request(id)],
            [RequestRecord.Digest(clientKey), redisTime.Ticks(now), redisTime.Ticks(now + leaseTime), lease, _node.Name, waited ? 1 : 0],
            RedisScript.EndLease,
            [lease, "A", "L"]))!;
        var status = (CibaPollStatus)(int)found[0];
        if (eviction.IsPossible && status is CibaPollStatus.Pending or CibaPollStatus.SlowDown)
        {
            await RelistAsync(id, redisTime.Ticks(now));
        }

        return status switch
        {
            CibaPollStatus.Approved => Leased(id, lease, (byte[])found[1]!, redisTime),
            CibaPollStatus.Pending or CibaPollStatus.SlowDown when found.Length > 1 =>
                new() { Status = status, Interval = TimeSpan.FromTicks((long)found[1]), PendingUntil = redisTime.Instant((long)found[2]) },
            _ => new() { Status = status },
        };
    }

    private CibaPollResult Leased(string id, string lease, byte[] record, RedisTime redisTime)
    {
        try
        {
            var head = RequestRecord.ReadHead(record, redisTime);
            var request = AskedPayload.Read(id, head, Content(id, head, RequestRecord.Asked));
            var decision = DecidedPayload.Read(request, Content(id, head, RequestRecord.Decided));
            return new() { Status = CibaPollStatus.Approved, Request = request, Decision = decision, Lease = lease };
        }
        catch
        {
            redis.RunLater(RedisScript.EndLease, [keys.Request(id)], [lease, "A", "L"]);
            throw;
        }
    }

    private static RedisValue[] Released(string lease) => [lease, "A", "LC"];

    private async ValueTask<CibaRequestState?> GetAsync(string id, DateTimeOffset now) =>
        CibaRequestId.IsId(id) && await ReadAsync(id) is { } record ? TryRead(id, record, await clock.OfAsync(id[0]), now) : null;

    private async ValueTask<byte[]?> ReadAsync(string id) => await redis.ReadAsync((database, flags) => database.StringGetAsync(keys.Request(id), flags));

    private CibaRequestState? TryRead(string id, byte[] record, RedisTime redisTime, DateTimeOffset now, bool othersWait = false)
    {
        try
        {
            var head = RequestRecord.ReadHead(record, redisTime);
            if (head.RetainedUntil <= now)
            {
                return null;
            }

            return new CibaRequestState(AskedPayload.Read(id, head, Content(id, head, RequestRecord.Asked)), head.Status(now));
        }
        catch (Exception exception) when (exception is CryptographicException or JsonException || (othersWait && exception is CibaStoreUnavailableException))
        {
            // One that cannot be read must not hide the user's others.
            NotReadable(id[..10], exception);
            return null;
        }
    }

    private RedisKey[] TouchedBy(string id, byte[] user) => [keys.Request(id), keys.Pending(id[0], user), keys.Outbox(id[0]), keys.PendingOfShard(id[0])];

    private ReadOnlySpan<byte> Content(string id, RequestHead head, char section) =>
        protector.Unprotect(id, section, RequestRecord.Find(head.Sections, section));

    [LoggerMessage(1, LogLevel.Error, "Request {Request} cannot be read: do the nodes have the same ProtectPayload and the same Data Protection keys?")]
    private partial void NotReadable(string request, Exception exception);

    /// <summary>What tells this node from the others in records and leases.</summary>
    private sealed class Node
    {
        private readonly string _name = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(8));

        private long _leases;

        public Node() => Name = _name[..4];

        /// <summary>As long as there is room for in a record.</summary>
        public RedisValue Name { get; }

        // Of fixed length, and never the same twice. It is told to nobody, so it need not be hard to guess.
        public string NewLease() => string.Create(CultureInfo.InvariantCulture, $"{_name}{Interlocked.Increment(ref _leases):X11}");
    }
}
