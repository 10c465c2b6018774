using System.Globalization;
using System.Security.Cryptography;
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
    DecisionSignals signals,
    PayloadProtector protector,
    ILogger<RedisRequestStore> logger) : ICibaRequestStore
{
    // A node whose clock is ahead does not hide from the others what is pending for them.
    private static readonly TimeSpan ForgottenAfter = TimeSpan.FromMinutes(1);

    private readonly string _node = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(8));

    private long _leases;

    public async ValueTask<CibaAddResult> AddAsync(CibaRequest request, CibaRequestLimits limits, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        RedisKey[] touched = [keys.Request(request.Id), keys.Pending(request.Id[0], RequestRecord.Digest(request.Subject))];
        var record = RequestRecord.Write(request, protector.Protect(request.Id, RequestRecord.Asked, AskedPayload.Write(request)));
        try
        {
            var added = await redis.RunAsync(RedisScript.Add, touched,
            [
                RedisKeys.Digest(request.Id),
                record,
                (long)Math.Ceiling((request.RetainedUntil - request.CreatedAt).TotalMilliseconds),
                RedisTicks.Of(request.CreatedAt),
                RedisTicks.Of(request.ExpiresAt),
                RedisTicks.Of(request.CreatedAt - ForgottenAfter),
                limits.PerUser,
                limits.PerUserAndClient,
            ]);
            return (bool)added ? CibaAddResult.Added : CibaAddResult.LimitReached;
        }
        catch (CibaStoreUnavailableException)
        {
            // The client is told that there is no request; so there shall be none.
            redis.TakeBack(RedisScript.Remove, touched, [RedisKeys.Digest(request.Id), RequestRecord.Digest(request.Subject)]);
            throw;
        }
    }

    public ValueTask<CibaPollResult> PollAsync(string id, string clientId, DateTimeOffset now, TimeSpan leaseTime, CancellationToken cancellationToken) =>
        PollAsync(id, clientId, now, leaseTime, waited: false);

    public ValueTask<CibaPollResult> PollAfterWaitAsync(string id, string clientId, DateTimeOffset now, TimeSpan leaseTime, CancellationToken cancellationToken) =>
        PollAsync(id, clientId, now, leaseTime, waited: true);

    public Task WaitForDecisionAsync(string id, CancellationToken cancellationToken) => signals.WaitAsync(id, cancellationToken);

    public ValueTask<bool> CompleteAsync(string id, string lease, CancellationToken cancellationToken) => EndLeaseAsync(id, lease, "R");

    public ValueTask<bool> ReleaseAsync(string id, string lease, CancellationToken cancellationToken) => EndLeaseAsync(id, lease, "A");

    public async ValueTask<CibaDecideResult> DecideAsync(string id, string subject, CibaDecision decision, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(decision);
        if (!CibaRequestId.IsId(id))
        {
            return CibaDecideResult.Unknown;
        }

        var user = RequestRecord.Digest(subject);
        var section = RequestRecord.Section(RequestRecord.Decided, protector.Protect(id, RequestRecord.Decided, DecidedPayload.Write(decision)));
        var decided = (CibaDecideResult)(int)await redis.RunAsync(
            RedisScript.Decide,
            [keys.Request(id), keys.Pending(id[0], user)],
            [RedisKeys.Digest(id), user, RedisTicks.Of(now), RequestRecord.Letter(decision.Outcome), section]);
        if (decided == CibaDecideResult.Done)
        {
            signals.CallOut(id);
        }

        return decided;
    }

    public async ValueTask<CibaRequestState?> GetAsync(string id, string subject, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (!CibaRequestId.IsId(id))
        {
            return null;
        }

        byte[]? record = await redis.ReadAsync(database => database.StringGetAsync(keys.Request(id), RedisConnection.OnMaster));
        return record is null ? null : Read(id, subject, record, now);
    }

    public async ValueTask<IReadOnlyList<CibaRequest>> ListPendingAsync(string subject, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var shard = CibaRequestId.Shard(subject);
        var index = keys.Pending(shard, RequestRecord.Digest(subject));
        var members = await redis.ReadAsync(database => database.SortedSetRangeByScoreAsync(index, RedisTicks.Of(now), double.PositiveInfinity, Exclude.Start, flags: RedisConnection.OnMaster));
        string[] ids = [.. members.Select(member => RequestRecord.HandleOf(shard, member!))];
        if (ids.Length == 0)
        {
            return [];
        }

        var records = await redis.ReadAsync(database => database.StringGetAsync([.. ids.Select(keys.Request)], RedisConnection.OnMaster));
        return
        [
            .. ids.Zip(records, (id, record) => record.IsNull ? null : Read(id, subject, record!, now))
                .Where(found => found is { Status: CibaRequestStatus.Pending })
                .Select(found => found!.Request)
                .OrderBy(request => request.CreatedAt),
        ];
    }

    public async ValueTask<bool> RemoveAsync(string id, string subject, CancellationToken cancellationToken)
    {
        if (!CibaRequestId.IsId(id))
        {
            return false;
        }

        var user = RequestRecord.Digest(subject);
        var removed = (bool)await redis.RunAsync(RedisScript.Remove, [keys.Request(id), keys.Pending(id[0], user)], [RedisKeys.Digest(id), user]);
        if (removed)
        {
            signals.CallOut(id);
        }

        return removed;
    }

    private async ValueTask<CibaPollResult> PollAsync(string id, string clientId, DateTimeOffset now, TimeSpan leaseTime, bool waited)
    {
        if (!CibaRequestId.IsId(id))
        {
            return new() { Status = CibaPollStatus.Unknown };
        }

        RedisKey[] touched = [keys.Request(id)];
        var lease = NewLease();
        RedisResult[] found;
        try
        {
            found = (RedisResult[])(await redis.RunAsync(RedisScript.Poll, touched,
                [RequestRecord.Digest(clientId), RedisTicks.Of(now), RedisTicks.Of(now + leaseTime), lease, _node[..4], waited ? 1 : 0]))!;
        }
        catch (CibaStoreUnavailableException)
        {
            // Should this poll have got the lease, the next one need not wait until it ends.
            redis.TakeBack(RedisScript.EndLease, touched, [lease, "A"]);
            throw;
        }

        var status = (CibaPollStatus)(int)found[0];
        return status switch
        {
            CibaPollStatus.Approved => Leased(id, lease, (byte[])found[1]!),
            CibaPollStatus.Pending or CibaPollStatus.SlowDown when found.Length > 1 =>
                new() { Status = status, Interval = TimeSpan.FromTicks((long)found[1]), PendingUntil = RedisTicks.Instant((long)found[2]) },
            _ => new() { Status = status },
        };
    }

    // Of fixed length, and never the same twice: it is told to nobody, so it need not be hard to guess.
    private string NewLease() => string.Create(CultureInfo.InvariantCulture, $"{_node}{Interlocked.Increment(ref _leases):X11}");

    private CibaPollResult Leased(string id, string lease, byte[] record)
    {
        try
        {
            var head = RequestRecord.ReadHead(record);
            var request = AskedPayload.Read(id, head, protector.Unprotect(id, RequestRecord.Asked, RequestRecord.Find(head.Sections, RequestRecord.Asked)));
            var decision = DecidedPayload.Read(protector.Unprotect(id, RequestRecord.Decided, RequestRecord.Find(head.Sections, RequestRecord.Decided)));
            return decision.Outcome == CibaRequestStatus.Approved
                ? new() { Status = CibaPollStatus.Approved, Request = request, Decision = decision, Lease = lease }
                : throw new CryptographicException("The answer is not the approval that the record claims.");
        }
        catch
        {
            redis.TakeBack(RedisScript.EndLease, [keys.Request(id)], [lease, "A"]);
            throw;
        }
    }

    private async ValueTask<bool> EndLeaseAsync(string id, string lease, string status) =>
        CibaRequestId.IsId(id) && (bool)await redis.RunAsync(RedisScript.EndLease, [keys.Request(id)], [lease, status]);

    private CibaRequestState? Read(string id, string subject, byte[] record, DateTimeOffset now)
    {
        var head = RequestRecord.ReadHead(record);
        if (head.RetainedUntil <= now || !head.User.SequenceEqual(RequestRecord.Digest(subject)))
        {
            return null;
        }

        try
        {
            var asked = protector.Unprotect(id, RequestRecord.Asked, RequestRecord.Find(head.Sections, RequestRecord.Asked));
            return new CibaRequestState(AskedPayload.Read(id, head, asked), head.Status(now));
        }
        catch (Exception exception) when (exception is CryptographicException or JsonException)
        {
            // One that cannot be read must not hide the user's others.
            NotReadable(id[..10], exception);
            return null;
        }
    }

    [LoggerMessage(1, LogLevel.Error, "Request {Request} cannot be read: do the nodes have the same ProtectPayload and the same Data Protection keys?")]
    private partial void NotReadable(string request, Exception exception);
}
