using System.Text.Json;

namespace Ciba.AspNetCore;

/// <summary>
/// An authentication request as the store keeps it: what was accepted, and nothing that changes later. Holds personal data.
/// </summary>
public sealed class CibaRequest
{
    /// <summary>By how much <c>slow_down</c> makes the interval longer (CIBA Core section 11): 5 s.</summary>
    public static readonly TimeSpan SlowDownIncrement = TimeSpan.FromSeconds(5);

    private bool _isConcealed;

    /// <summary>The request's handle: the shard of its user and a digest of the <c>auth_req_id</c>. See <see cref="CibaRequestId"/>.</summary>
    public required string Id { get; init; }

    /// <summary>The issuer that was asked, in a host with several (<see cref="ICibaTenants"/>); null where there is one only.</summary>
    public string? Issuer { get; init; }

    /// <summary>The client that asked.</summary>
    public required string ClientId { get; init; }

    /// <summary>The client's name as the user sees it.</summary>
    public required string ClientName { get; init; }

    /// <summary>Where the client's logo is, or null.</summary>
    public string? ClientLogoUri { get; init; }

    /// <summary>The user whom the hint named.</summary>
    public required string Subject { get; init; }

    /// <summary>What a store knows the client by: client identifiers of two issuers are two clients.</summary>
    public string ClientKey => KeyOf(Issuer, ClientId);

    /// <summary>What a store knows the user by: a user is a subject at an issuer.</summary>
    public string UserKey => KeyOf(Issuer, Subject);

    /// <summary>The scope values asked for, <c>openid</c> among them.</summary>
    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>The binding message, normalised, or null.</summary>
    public string? BindingMessage { get; init; }

    /// <summary>
    /// With <see cref="CibaOptions.NumberMatching"/>, what the device lets the user choose from: the binding message, and two that
    /// look like it. Else empty.
    /// </summary>
    public IReadOnlyList<string> BindingMessageChoices { get; init; } = [];

    /// <summary>The authorization details asked for (RFC 9396): JSON objects, each with a <c>type</c>.</summary>
    public IReadOnlyList<JsonElement> AuthorizationDetails { get; init; } = [];

    /// <summary>The authentication context classes asked for, in order of preference.</summary>
    public IReadOnlyList<string> AcrValues { get; init; } = [];

    /// <summary>
    /// The authentication context classes of which the user must reach one, or cannot approve: the <c>claims</c> parameter calls
    /// <c>acr</c> essential, or the profile demands it. Default empty: any will do.
    /// </summary>
    public IReadOnlyList<string> RequiredAcrValues { get; init; } = [];

    /// <summary>The resource servers that the access token is asked for (RFC 8707). Default empty: the host's usual ones.</summary>
    public IReadOnlyList<string> Resources { get; init; } = [];

    /// <summary>
    /// What the client asks for in the ID Token: the member <c>id_token</c> of the <c>claims</c> parameter (OpenID Connect Core
    /// section 5.5), an object by the names of claims; or null.
    /// </summary>
    public JsonElement? RequestedIdTokenClaims { get; init; }

    /// <summary>What the client tells of its circumstances (FAPI-CIBA section 5.3, <c>request_context</c>): a JSON object, or null.</summary>
    public JsonElement? RequestContext { get; init; }

    /// <summary>What the tokens will be bound to, as far as the request says: the key of <c>dpop_jkt</c>, and in push mode the certificate.</summary>
    public CibaConfirmation? Confirmation { get; init; }

    /// <summary>The interval that the client was told.</summary>
    public required TimeSpan Interval { get; init; }

    /// <summary>How the client gets its tokens, of <see cref="CibaTokenDeliveryModes"/>. Default <c>poll</c>.</summary>
    public string TokenDeliveryMode { get; init; } = CibaTokenDeliveryModes.Poll;

    /// <summary>
    /// What a callback needs, in ping and push mode, or with <see cref="CibaOptions.CollapseIdenticalRequests"/>; else null. Given to <see cref="ICibaRequestStore.AddAsync"/> and handed out
    /// again by the outbox; the other steps need not have it.
    /// </summary>
    public CibaCallback? Callback { get; init; }

    /// <summary>
    /// When the outbox hands the request out for the first time: to tell the device, or at its expiry. Null, the default: not
    /// before it is decided.
    /// </summary>
    public DateTimeOffset? DueAt { get; init; }

    /// <summary>
    /// Two requests of one client for one user with the same fingerprint are the same request, and the second is not stored while
    /// the first waits. Null, the default: it is like no other. Given to <see cref="ICibaRequestStore.AddAsync"/>; the other steps
    /// need not have it.
    /// </summary>
    public string? Fingerprint { get; init; }

    /// <summary>
    /// Gets what the limits that the client can observe are counted by, within the requests of the user: the hint, with
    /// <see cref="CibaOptions.ConcealUnknownUsers"/>. The default is null: all requests of the user count.
    /// </summary>
    public string? LimitGroup { get; init; }

    /// <summary>
    /// Gets whether the request is kept from its user, who need not exist: it is not listed, no device is notified, and it expires
    /// (<see cref="CibaOptions.ConcealUnknownUsers"/>). The default is false.
    /// </summary>
    public bool IsConcealed
    {
        get => _isConcealed;
        init => _isConcealed = value;
    }

    /// <summary>When the request was accepted.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the request expires: at this instant it has.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>Until when the store remembers the request at least, so that late polls learn what became of it.</summary>
    public required DateTimeOffset RetainedUntil { get; init; }

    /// <summary>Whether a user who has reached this authentication context class may approve.</summary>
    internal bool IsReachedBy(string? acr) => RequiredAcrValues.Count == 0 || (acr is not null && RequiredAcrValues.Contains(acr));

    /// <summary>The same request, kept from its user.</summary>
    internal CibaRequest Conceal()
    {
        var copy = (CibaRequest)MemberwiseClone();
        copy._isConcealed = true;
        return copy;
    }

    /// <summary>What a store knows a client or a user by: the identifier, and before it the issuer in a host with several.</summary>
    public static string KeyOf(string? issuer, string identifier) => issuer is null ? identifier : $"{issuer}\n{identifier}";
}

/// <summary>
/// What a callback to the client needs (CIBA Core sections 10.2 and 10.3), and whoever is to be told the <c>auth_req_id</c> again.
/// Secrets: not to be stored in the clear, not to be logged.
/// </summary>
/// <param name="AuthReqId">The <c>auth_req_id</c> itself, which the client is to recognise.</param>
/// <param name="ClientNotificationToken">The bearer token by which the client knows its provider (<c>client_notification_token</c>); null in poll mode.</param>
public sealed record CibaCallback(string AuthReqId, string? ClientNotificationToken)
{
    /// <summary>Shows nothing of the secrets.</summary>
    public override string ToString() => nameof(CibaCallback);
}

/// <summary>Where a request stands.</summary>
public enum CibaRequestStatus
{
    /// <summary>The user has not answered.</summary>
    Pending,

    /// <summary>The user said yes.</summary>
    Approved,

    /// <summary>The user said no.</summary>
    Denied,

    /// <summary>The host could not get an answer.</summary>
    Failed,

    /// <summary>The user said yes, and a poll holds the lease to issue the tokens.</summary>
    Redeeming,

    /// <summary>The client has its tokens.</summary>
    Redeemed,

    /// <summary>Nobody answered in time.</summary>
    Expired,
}

/// <summary>The answer to a request.</summary>
public sealed class CibaDecision
{
    /// <summary><see cref="CibaRequestStatus.Approved"/>, <see cref="CibaRequestStatus.Denied"/> or <see cref="CibaRequestStatus.Failed"/>.</summary>
    public required CibaRequestStatus Outcome { get; init; }

    /// <summary>When it was given.</summary>
    public required DateTimeOffset DecidedAt { get; init; }

    /// <summary>The scope values that the user granted.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>Gets when the user authenticated. The default is null: not known.</summary>
    public DateTimeOffset? AuthTime { get; init; }

    /// <summary>The authentication context class that was reached, where it is known.</summary>
    public string? Acr { get; init; }

    /// <summary>The authentication methods used, where they are known.</summary>
    public IReadOnlyList<string> Amr { get; init; } = [];

    /// <summary>The authorization details that the user granted.</summary>
    public IReadOnlyList<JsonElement> AuthorizationDetails { get; init; } = [];

    /// <summary>Leaves the user alone for a while; null, the default, does not.</summary>
    public CibaQuiet? Quiet { get; init; }

    /// <summary>
    /// Gets what tells the decision from all others: a step that is repeated with the same one, because its answer was lost, succeeds
    /// again. The default is a random one.
    /// </summary>
    public string Id { get; init; } = System.Buffers.Text.Base64Url.EncodeToString(System.Security.Cryptography.RandomNumberGenerator.GetBytes(16));
}

/// <summary>Further requests of one client for the user who answered are not stored for a while.</summary>
/// <param name="ClientKey">The client, as <see cref="CibaRequest.ClientKey"/> has it.</param>
/// <param name="Until">Until when.</param>
public sealed record CibaQuiet(string ClientKey, DateTimeOffset Until);
