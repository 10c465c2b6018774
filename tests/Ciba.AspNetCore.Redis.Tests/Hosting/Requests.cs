using System.Security.Cryptography;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>Requests to store, and the usual steps on them.</summary>
public static class Requests
{
    public const string Client = "client";
    public const string Alice = "alice";
    public const string NotificationToken = "token-of-the-client-4f5e7d";

    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);
    public static readonly TimeSpan Retention = TimeSpan.FromMinutes(1);
    public static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan Hold = TimeSpan.FromSeconds(20);

    public static string NewAuthReqId(string subject = Alice) => CibaRequestId.Shard(subject) + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public static CibaRequest New(DateTimeOffset now, string subject = Alice, string? authReqId = null, TimeSpan? lifetime = null, string mode = CibaTokenDeliveryModes.Poll, DateTimeOffset? dueAt = null, TimeSpan? interval = null)
    {
        authReqId ??= NewAuthReqId(subject);
        var expiresAt = now + (lifetime ?? Lifetime);
        return new CibaRequest
        {
            Id = CibaRequestId.FromAuthReqId(authReqId)!,
            ClientId = Client,
            ClientName = "The Client",
            Subject = subject,
            Scopes = ["openid", "profile"],
            BindingMessage = "W4SCT",
            AcrValues = ["urn:acr:1"],
            Interval = interval ?? TimeSpan.FromSeconds(5),
            TokenDeliveryMode = mode,
            Callback = mode == CibaTokenDeliveryModes.Poll ? null : new CibaCallback(authReqId, NotificationToken),
            DueAt = dueAt,
            CreatedAt = now,
            ExpiresAt = expiresAt,
            RetainedUntil = expiresAt + Retention,
        };
    }

    /// <summary>A request that is in the outbox from the beginning.</summary>
    public static CibaRequest Due(DateTimeOffset now, string subject = Alice, string mode = CibaTokenDeliveryModes.Ping, DateTimeOffset? dueAt = null) =>
        New(now, subject, mode: mode, dueAt: dueAt ?? now);

    public static async Task<CibaRequest> DueAddedAsync(this ICibaRequestStore store, DateTimeOffset now, string subject = Alice, string mode = CibaTokenDeliveryModes.Ping)
    {
        var request = Due(now, subject, mode);
        Assert.That(await store.AddAsync(request, default, CancellationToken.None), Is.EqualTo(CibaAddResult.Added));
        return request;
    }

    public static ValueTask<CibaOutboxEntry?> ClaimAsync(this ICibaRequestStore store, CibaRequest request, DateTimeOffset now) =>
        store.ClaimAsync(request.Id, now, now + Hold, CancellationToken.None);

    public static ValueTask<IReadOnlyList<CibaOutboxEntry>> ClaimDueAsync(this ICibaRequestStore store, DateTimeOffset now, string subject = Alice) =>
        store.ClaimDueAsync(CibaRequestId.Shard(subject), now, now + Hold, 100, CancellationToken.None);

    public static async Task<CibaRequest> AddedAsync(this ICibaRequestStore store, DateTimeOffset now, string subject = Alice)
    {
        var request = New(now, subject);
        Assert.That(await store.AddAsync(request, default, CancellationToken.None), Is.EqualTo(CibaAddResult.Added));
        return request;
    }

    public static ValueTask<CibaPollResult> PollAsync(this ICibaRequestStore store, CibaRequest request, DateTimeOffset now) =>
        store.PollAsync(request.Id, request.ClientId, now, LeaseTime, CancellationToken.None);

    public static ValueTask<CibaDecideResult> ApproveAsync(this ICibaRequestStore store, CibaRequest request, DateTimeOffset now) => store.DecideAsync(
        request.Id,
        request.Subject,
        new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = now, Scopes = ["openid"], AuthTime = now, Acr = "urn:acr:1", Amr = ["face"] },
        now,
        CancellationToken.None);
}
