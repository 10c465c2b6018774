using System.Text.Json;

namespace Ciba.AspNetCore;

/// <summary>What the user's authentication device calls (CIBA Core section 8): see what waits, and answer it.</summary>
/// <remarks>
/// All of these throw <see cref="CibaStoreUnavailableException"/> where the store cannot be reached. An answer may be recorded
/// all the same: the device asks again what waits.
/// </remarks>
public interface ICibaApprovals
{
    /// <summary>The user's requests that wait for an answer, oldest first.</summary>
    ValueTask<IReadOnlyList<CibaDeviceRequest>> ListPendingAsync(string subject, CancellationToken cancellationToken);

    /// <summary>One request of the user, or null where there is none with this handle, or it is somebody else's.</summary>
    ValueTask<CibaDeviceRequest?> GetAsync(string id, string subject, CancellationToken cancellationToken);

    /// <summary>The user says yes.</summary>
    /// <param name="id">The request's handle.</param>
    /// <param name="subject">The user, authenticated by the host just now.</param>
    /// <param name="approval">What the user granted and how the user authenticated; null for everything that was asked.</param>
    /// <param name="cancellationToken">Cancels the wait, not a decision already taken.</param>
    ValueTask<CibaDecisionResult> ApproveAsync(string id, string subject, CibaApproval? approval, CancellationToken cancellationToken);

    /// <summary>The user says no.</summary>
    ValueTask<CibaDecisionResult> DenyAsync(string id, string subject, CancellationToken cancellationToken);

    /// <summary>
    /// The user says no, and wants to hear nothing more of this client: the host's <see cref="ICibaClientBlocks"/> is told first. The
    /// block stands though the request was answered before. Other pending requests of the client for the user are denied too.
    /// </summary>
    ValueTask<CibaDecisionResult> DenyAndBlockAsync(string id, string subject, CancellationToken cancellationToken);

    /// <summary>
    /// Notifies the device again of a pending request, at most as often as <see cref="CibaOptions.MaxResends"/>,
    /// <see cref="CibaOptions.ResendInterval"/> and <see cref="CibaOptions.Limits"/> allow. Success means that it is under way; a
    /// failure is logged.
    /// </summary>
    ValueTask<CibaResendResult> ResendAsync(string id, string subject, CancellationToken cancellationToken);

    /// <summary>There will be no answer, and it is not the user's doing (the device is gone): the client sees <c>access_denied</c>, in push mode <c>transaction_failed</c>.</summary>
    ValueTask<CibaDecisionResult> FailAsync(string id, string subject, CancellationToken cancellationToken);
}

/// <summary>What the user granted, and how the user authenticated.</summary>
public sealed class CibaApproval
{
    /// <summary>The scope values granted: <c>openid</c> and others that were asked for. Null, the default: all of them.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>
    /// Gets the authorization details granted: at least one of those asked for, each as it was. The default is null, which grants all
    /// of them.
    /// </summary>
    public IReadOnlyList<JsonElement>? AuthorizationDetails { get; init; }

    /// <summary>
    /// What the user chose among <see cref="CibaDeviceRequest.BindingMessageChoices"/>. Required where there are any, else of no
    /// meaning.
    /// </summary>
    public string? BindingMessage { get; init; }

    /// <summary>
    /// Gets when the user authenticated (<c>auth_time</c>). The default is null, not known: the tokens say nothing of it then. A page
    /// that has just asked for the password sets it to the current time.
    /// </summary>
    public DateTimeOffset? AuthTime { get; init; }

    /// <summary>
    /// The authentication context class reached (<c>acr</c>), where it is known. Required, and one of them, where the request has
    /// <see cref="CibaRequest.RequiredAcrValues"/>.
    /// </summary>
    public string? Acr { get; init; }

    /// <summary>The authentication methods used (<c>amr</c>, RFC 8176), where they are known.</summary>
    public IReadOnlyList<string> Amr { get; init; } = [];
}

/// <summary>What became of a user's answer.</summary>
public enum CibaDecisionResult
{
    /// <summary>The answer is recorded.</summary>
    Done,

    /// <summary>There is no such request.</summary>
    Unknown,

    /// <summary>The request is for another user; a device is told no more than for <see cref="Unknown"/>.</summary>
    NotYours,

    /// <summary>There was an answer before; it stands.</summary>
    AlreadyDecided,

    /// <summary>The request is past its time.</summary>
    Expired,

    /// <summary>The scopes are not some of those asked for, or <c>openid</c> is not among them. The request still waits.</summary>
    ScopesNotAsked,

    /// <summary>The user is not active. The request still waits.</summary>
    UserNotActive,

    /// <summary>The authorization details are not some of those asked for. The request still waits.</summary>
    DetailsNotAsked,

    /// <summary>With number matching: the user has chosen nothing. The request still waits.</summary>
    ChoiceMissing,

    /// <summary>With number matching: the user chose another code than the consumption device shows. The request is denied.</summary>
    WrongChoice,

    /// <summary>The host cannot block clients: it has no <see cref="ICibaClientBlocks"/>. The request still waits.</summary>
    BlockingNotSupported,

    /// <summary>
    /// The user was not authenticated as the request demands: <see cref="CibaApproval.Acr"/> is none of
    /// <see cref="CibaRequest.RequiredAcrValues"/>. The request still waits.
    /// </summary>
    AcrNotReached,

    /// <summary>
    /// None of the authorization details asked for is granted, which is not an approval: deny the request instead. The request still
    /// waits.
    /// </summary>
    AuthorizationDetailsRequired,
}

/// <summary>What <see cref="ICibaApprovals.ResendAsync"/> came to.</summary>
public sealed class CibaResendResult
{
    /// <summary>Gets whether the device is notified again, or why not.</summary>
    public required CibaResendStatus Status { get; init; }

    /// <summary>Gets the time after which the next try may succeed. The default is null: no time would help.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

/// <summary>Whether a device is notified again, or why not.</summary>
public enum CibaResendStatus
{
    /// <summary>The notification is under way.</summary>
    Success,

    /// <summary>There is no such request for this user.</summary>
    NotFound,

    /// <summary>The request was answered before.</summary>
    AlreadyDecided,

    /// <summary>The request has expired.</summary>
    Expired,

    /// <summary>The device was notified again less than <see cref="CibaOptions.ResendInterval"/> ago.</summary>
    TooSoon,

    /// <summary>The device was notified again as often as <see cref="CibaOptions.MaxResends"/> allows.</summary>
    TooManyResends,

    /// <summary>The user was notified as often as <see cref="CibaOptions.Limits"/> allow.</summary>
    NotificationLimitReached,

    /// <summary>The user denied a request of the client less than <see cref="CibaOptions.DenialCooldown"/> ago.</summary>
    ClientInCooldown,

    /// <summary>The user has blocked the client.</summary>
    ClientBlocked,
}
