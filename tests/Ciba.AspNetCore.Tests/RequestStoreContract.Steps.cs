using System.Security.Cryptography;
using System.Text.Json;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Tests;

/// <summary>A request to store, and the usual steps on it.</summary>
public abstract partial class RequestStoreContract
{
    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private static string Content(CibaRequest request) => string.Join('|', request.Id, request.ClientId, request.ClientName, request.Subject, string.Join(' ', request.Scopes),
        request.BindingMessage, string.Join(' ', request.AcrValues), request.Issuer, request.ClientLogoUri, string.Join(' ', request.BindingMessageChoices), string.Join(' ', request.AuthorizationDetails), request.Interval, request.TokenDeliveryMode, request.CreatedAt.UtcTicks, request.ExpiresAt.UtcTicks, request.RetainedUntil.UtcTicks,
        string.Join(' ', request.RequiredAcrValues), string.Join(' ', request.Resources), Json(request.RequestedIdTokenClaims), Json(request.RequestContext), request.Confirmation);

    // Written anew: how characters are escaped is the store's own affair.
    private static string Json(JsonElement? value) => JsonSerializer.Serialize(value);

    private static string Content(CibaDecision decision) => string.Join('|', decision.Outcome, decision.DecidedAt.UtcTicks, string.Join(' ', decision.Scopes),
        decision.AuthTime?.UtcTicks, decision.Acr, string.Join(' ', decision.Amr), string.Join(' ', decision.AuthorizationDetails));

    private CibaRequest New(string subject = Alice, string clientId = Client, string[]? scopes = null, string? bindingMessage = null, string[]? acrValues = null, string? id = null, string mode = Poll, DateTimeOffset? dueAt = null, string? issuer = null, string? fingerprint = null, TimeSpan? lifetime = null, string? group = null, bool isConcealed = false) => new()
    {
        Id = id ?? CibaRequestId.FromAuthReqId(CibaRequestId.Shard(CibaRequest.KeyOf(issuer, subject)) + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32)))!,
        Issuer = issuer,
        ClientId = clientId,
        ClientName = $"The {clientId}",
        ClientLogoUri = $"https://{clientId}.example.com/logo.svg",
        Subject = subject,
        Scopes = scopes ?? ["openid"],
        BindingMessage = bindingMessage,
        BindingMessageChoices = bindingMessage is null ? [] : ["one", bindingMessage, "three"],
        AuthorizationDetails = bindingMessage is null ? [] : [JsonElement.Parse("""{"type":"payment","amount":1.50}""")],
        AcrValues = acrValues ?? [],
        Interval = Seconds(5),
        TokenDeliveryMode = mode,
        Callback = mode == CibaTokenDeliveryModes.Poll && fingerprint is null ? null : Callback,
        Fingerprint = fingerprint,
        DueAt = dueAt,
        LimitGroup = group,
        IsConcealed = isConcealed,
        CreatedAt = Now,
        ExpiresAt = Now + (lifetime ?? Lifetime),
        RetainedUntil = Now + (lifetime ?? Lifetime) + Retention,
    };

    private ValueTask<CibaAddResult> AddAsync(CibaRequest request, int perUser = 0, int perUserAndClient = 0) =>
        Store.AddAsync(request, new CibaRequestLimits(perUser, perUserAndClient), CancellationToken.None);

    /// <summary>The answer to a request that is one too many for its user.</summary>
    private static CibaAddResult LimitReached(TimeSpan? retryAfter = null) => CibaAddResult.Refused(CibaAddStatus.LimitReached, retryAfter ?? Lifetime);

    private async Task<CibaRequest> AddedAsync(string subject = Alice)
    {
        var request = New(subject);
        await AddAsync(request);
        return request;
    }

    private async Task<(CibaRequest Request, string Lease)> LeasedAsync()
    {
        var request = await AddedAsync();
        await DecideAsync(request);
        return (request, (await PollForLeaseAsync(request)).Lease!);
    }

    private ValueTask<CibaPollResult> PollForLeaseAsync(CibaRequest request) => Store.PollAsync(request.Id, request.ClientId, Now, LeaseTime, CancellationToken.None);

    private async ValueTask<CibaPollStatus> PollAsync(CibaRequest request, string clientId = Client) =>
        (await Store.PollAsync(request.Id, clientId, Now, LeaseTime, CancellationToken.None)).Status;

    private ValueTask<CibaDecideResult> DecideAsync(CibaRequest request, CibaRequestStatus outcome = CibaRequestStatus.Approved, DateTimeOffset? now = null) =>
        Store.DecideAsync(request.Id, request.Subject, new CibaDecision { Outcome = outcome, DecidedAt = now ?? Now, Scopes = ["openid"], AuthTime = now ?? Now }, now ?? Now, CancellationToken.None);

    private ValueTask<bool> CompleteAsync(CibaRequest request, string lease) => Store.CompleteAsync(request.Id, lease, CancellationToken.None);

    private ValueTask<bool> ReleaseAsync(CibaRequest request, string lease) => Store.ReleaseAsync(request.Id, lease, CancellationToken.None);

    private async Task<string[]> PendingAsync(string subject = Alice) =>
        [.. (await Store.ListPendingAsync(subject, Now, CancellationToken.None)).Select(request => request.Id)];
}
