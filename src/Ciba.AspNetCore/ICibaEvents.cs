namespace Ciba.AspNetCore;

/// <summary>
/// Hears what becomes of authentication requests: for an audit log, for statistics, to revoke tokens. Optional. Register as
/// many as you like with <c>AddEvents</c>.
/// </summary>
/// <remarks>
/// Runs after the fact and off everybody's request: nothing waits for it, and nothing that it does changes an answer. An event
/// is told once, on the node where it happened, to one listener after another and in its order on that node; between two nodes
/// there is no order. Events are kept in memory only: those of a process that dies are lost, and beyond 10,000 that wait, new
/// ones are dropped, with a warning in the log.
/// </remarks>
public interface ICibaEvents
{
    /// <summary>
    /// Hears one event. An exception is logged, and the others hear the event all the same. A call that takes longer than 30 s
    /// is left behind, and the next event may come while it still runs. A handler with 8 calls that have not ended misses events
    /// until one of them ends.
    /// </summary>
    /// <param name="occurrence">What happened.</param>
    /// <param name="cancellationToken">Fires after 30 s, and when the host has no more time to stop.</param>
    ValueTask OnEventAsync(CibaEvent occurrence, CancellationToken cancellationToken);
}

/// <summary>
/// Something that happened to an authentication request, or to a client's authentication. Nothing in it opens anything at the token endpoint, but
/// <see cref="Subject"/> is personal data: not to be logged.
/// </summary>
public sealed class CibaEvent
{
    /// <summary>What happened.</summary>
    public required CibaEventKind Kind { get; init; }

    /// <summary>When it happened.</summary>
    public required DateTimeOffset OccurredAt { get; init; }

    /// <summary>
    /// The request's handle, never its <c>auth_req_id</c>; null for <see cref="CibaEventKind.LimitReached"/>,
    /// <see cref="CibaEventKind.ClientAuthenticationFailed"/> and <see cref="CibaEventKind.UserCodeFailed"/>, where there is no request.
    /// </summary>
    public string? RequestId { get; init; }

    /// <summary>The issuer that was asked, in a host with several; else null.</summary>
    public string? Issuer { get; init; }

    /// <summary>The client that asked; null where the client is not known.</summary>
    public string? ClientId { get; init; }

    /// <summary>
    /// The user whom the hint named; null for <see cref="CibaEventKind.Replayed"/> and
    /// <see cref="CibaEventKind.ClientAuthenticationFailed"/>. With
    /// <see cref="CibaOptions.ConcealUnknownUsers"/> it may be nobody's.
    /// </summary>
    public string? Subject { get; init; }

    /// <summary>
    /// For <see cref="CibaEventKind.Decided"/>: <see cref="CibaRequestStatus.Approved"/>, <see cref="CibaRequestStatus.Denied"/>
    /// or <see cref="CibaRequestStatus.Failed"/>. Else null.
    /// </summary>
    public CibaRequestStatus? Outcome { get; init; }

    /// <summary>For <see cref="CibaEventKind.Delivered"/> and <see cref="CibaEventKind.Undelivered"/>: one of <see cref="CibaTokenDeliveryModes"/>. Else null.</summary>
    public string? TokenDeliveryMode { get; init; }

    /// <summary>
    /// For <see cref="CibaEventKind.Undelivered"/>, <see cref="CibaEventKind.ClientAuthenticationFailed"/> and
    /// <see cref="CibaEventKind.UserCodeFailed"/>: why, in a sentence that holds no secret. Else null.
    /// </summary>
    public string? Reason { get; init; }

    /// <summary>For <see cref="CibaEventKind.ClientAuthenticationFailed"/>: the number of failures since the last such event of the client. Else null.</summary>
    public int? Count { get; init; }

    /// <summary>For <see cref="CibaEventKind.ClientAuthenticationFailed"/>: the address of the last failed call, where it is known. Else null.</summary>
    public string? RemoteAddress { get; init; }
}

/// <summary>What happened to an authentication request.</summary>
public enum CibaEventKind
{
    /// <summary>
    /// The request is stored, and the client is about to get its <c>auth_req_id</c>. A user who answers even before that is
    /// heard first.
    /// </summary>
    Accepted,

    /// <summary>The user said yes or no, or the host gave up: see <see cref="CibaEvent.Outcome"/>.</summary>
    Decided,

    /// <summary>The client gets its tokens from the token endpoint.</summary>
    Redeemed,

    /// <summary>
    /// The client sent an <c>auth_req_id</c> again that was redeemed, and was refused. Somebody may have stolen it: a host may
    /// revoke the tokens that were issued for it.
    /// </summary>
    Replayed,

    /// <summary>The client's notification endpoint took the ping or the push.</summary>
    Delivered,

    /// <summary>The client's notification endpoint did not take the ping or the push, and is not tried any more: see <see cref="CibaEvent.Reason"/>.</summary>
    Undelivered,

    /// <summary>Nobody answered the request in time. May be told again by a node that takes over from one that died.</summary>
    Expired,

    /// <summary>
    /// A request was refused by one of <see cref="CibaOptions.Limits"/> or by <see cref="CibaOptions.DenialCooldown"/>; with
    /// <see cref="CibaOptions.ConcealUnknownUsers"/>, accepted without a notification.
    /// </summary>
    LimitReached,

    /// <summary>The client withdrew its request before anybody answered it.</summary>
    Cancelled,

    /// <summary>The user wants to hear nothing more of the client.</summary>
    ClientBlocked,

    /// <summary>
    /// A client failed to authenticate: see <see cref="CibaEvent.Reason"/>. Raised at most once a minute and client on each node, with
    /// the <see cref="CibaEvent.Count"/> of failures; what names no known client is counted together, with a null
    /// <see cref="CibaEvent.ClientId"/>.
    /// </summary>
    ClientAuthenticationFailed,

    /// <summary>
    /// A client sent a wrong user code, or one more after too many wrong ones: see <see cref="CibaEvent.Reason"/>. The request was refused.
    /// </summary>
    UserCodeFailed,
}
