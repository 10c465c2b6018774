using System.Text.Json;

namespace Ciba.AspNetCore;

/// <summary>Reaches the user's authentication device: a push message, an SMS, an e-mail. Register with <c>AddDeviceNotifier</c>.</summary>
public interface ICibaDeviceNotifier
{
    /// <summary>
    /// Tells the user's device that a request waits. The request is stored already. An exception is a failure, and is logged whole:
    /// one that may repeat an address or a number of the user's, as mail servers like to, is not to be let through. The notifier
    /// that was added next is tried then, and behind the last see <see cref="CibaOptions.DeviceNotification"/>. May be called again for the same request after a failure,
    /// or on another node where the one that called it has died.
    /// </summary>
    /// <remarks>
    /// Runs on a thread that is not one of the thread pool, and may block it. How many calls run at once on a node is
    /// <see cref="CibaLimitOptions.ConcurrentNotifications"/>; a call that ignores its cancellation token counts until it ends.
    /// </remarks>
    /// <param name="request">What the device may know.</param>
    /// <param name="cancellationToken">Fires after the notifier's time-out (<see cref="CibaOptions.DeviceNotificationTimeout"/>), when nobody waits for it any longer.</param>
    Task NotifyAsync(CibaDeviceRequest request, CancellationToken cancellationToken);
}

/// <summary>
/// An authentication request as the user's authentication device may see it: nothing in it opens anything at the token
/// endpoint. Personal data: not to be logged.
/// </summary>
public sealed class CibaDeviceRequest
{
    /// <summary>Creates the device's view of a request, as the library does and as a test of a notifier may.</summary>
    public CibaDeviceRequest(CibaRequest request, CibaRequestStatus status)
    {
        ArgumentNullException.ThrowIfNull(request);
        Id = request.Id;
        Status = status;
        Issuer = request.Issuer;
        Subject = request.Subject;
        ClientId = request.ClientId;
        ClientName = request.ClientName;
        ClientLogoUri = request.ClientLogoUri;
        Scopes = request.Scopes;
        BindingMessage = request.BindingMessageChoices.Count > 0 ? null : request.BindingMessage;
        BindingMessageChoices = request.BindingMessageChoices;
        AuthorizationDetails = request.AuthorizationDetails;
        AcrValues = request.AcrValues;
        RequiredAcrValues = request.RequiredAcrValues;
        Resources = request.Resources;
        RequestedIdTokenClaims = request.RequestedIdTokenClaims is { } claims ? [.. claims.EnumerateObject().Select(claim => claim.Name)] : [];
        RequestContext = request.RequestContext;
        CreatedAt = request.CreatedAt;
        ExpiresAt = request.ExpiresAt;
    }

    /// <summary>The handle by which the device answers; not the <c>auth_req_id</c>.</summary>
    public string Id { get; }

    /// <summary>Where the request stands.</summary>
    public CibaRequestStatus Status { get; }

    /// <summary>The issuer that was asked, in a host with several; else null.</summary>
    public string? Issuer { get; }

    /// <summary>The user whom the hint named, and the only one who may answer.</summary>
    public string Subject { get; }

    /// <summary>The client that asks.</summary>
    public string ClientId { get; }

    /// <summary>The name of the client that asks.</summary>
    public string ClientName { get; }

    /// <summary>Where the logo of the client is, or null.</summary>
    public string? ClientLogoUri { get; }

    /// <summary>The scope values that the client asks for.</summary>
    public IReadOnlyList<string> Scopes { get; }

    /// <summary>The message that the user sees on both devices, or null; with <see cref="BindingMessageChoices"/> the device must not know it.</summary>
    public string? BindingMessage { get; }

    /// <summary>With <see cref="CibaOptions.NumberMatching"/> the three that the user chooses from; else empty.</summary>
    public IReadOnlyList<string> BindingMessageChoices { get; }

    /// <summary>What exactly the client asks for (RFC 9396): JSON objects, each with a <c>type</c>.</summary>
    public IReadOnlyList<JsonElement> AuthorizationDetails { get; }

    /// <summary>The authentication context classes that the client asks for, in order of preference.</summary>
    public IReadOnlyList<string> AcrValues { get; }

    /// <summary>
    /// Those of which the user must have reached one when approving, in order of preference, or empty: the device asks for a stronger
    /// sign-in first where it has not (see <see cref="CibaDecisionResult.AcrNotReached"/>).
    /// </summary>
    public IReadOnlyList<string> RequiredAcrValues { get; }

    /// <summary>The resource servers that the access token is asked for (RFC 8707).</summary>
    public IReadOnlyList<string> Resources { get; }

    /// <summary>The names of the claims that the client asks for in the ID Token, by the <c>claims</c> parameter.</summary>
    public IReadOnlyList<string> RequestedIdTokenClaims { get; }

    /// <summary>
    /// What the client tells of its circumstances (FAPI-CIBA section 5.3), a JSON object, or null: for the host's assessment of risk.
    /// Not in the JSON of <c>MapCibaDevice</c>, for it is not the user's to see.
    /// </summary>
    public JsonElement? RequestContext { get; }

    /// <summary>When the client asked.</summary>
    public DateTimeOffset CreatedAt { get; }

    /// <summary>Until when the user may answer.</summary>
    public DateTimeOffset ExpiresAt { get; }
}
