using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Protocol;

namespace Ciba.AspNetCore.Authentication;

/// <summary>Section 7.1: what the client sent, read and checked as far as the form alone allows.</summary>
internal sealed partial class AuthenticationRequest
{
    private static readonly CibaError ModeIsOff = CibaError.UnauthorizedClient.With("The client's token delivery mode is switched off here.");

    private AuthenticationRequest(IReadOnlyList<string> scopes, CibaHint hint, ClaimsRequest claims)
    {
        Scopes = scopes;
        Hint = hint;
        Claims = claims;
    }

    public IReadOnlyList<string> Scopes { get; }

    /// <summary>As it was sent: an <c>id_token_hint</c> is not checked yet.</summary>
    public CibaHint Hint { get; }

    /// <summary>In ping and push mode; a poll client's is ignored.</summary>
    public string? ClientNotificationToken { get; private init; }

    public string? BindingMessage { get; private init; }

    public string? UserCode { get; private init; }

    /// <summary>What the client asked for, within the limits of the options; null where it asked for nothing.</summary>
    public TimeSpan? RequestedExpiry { get; private init; }

    /// <summary>Those of <c>acr_values</c>, and behind them those of <c>claims</c>.</summary>
    public IReadOnlyList<string> AcrValues { get; private init; } = [];

    public IReadOnlyList<JsonElement> AuthorizationDetails { get; private init; } = [];

    public IReadOnlyList<string> Resources { get; private init; } = [];

    public ClaimsRequest Claims { get; }

    public JsonElement? RequestContext { get; private init; }

    /// <summary>
    /// Requests that have the same ask for the same, and for tokens that are bound to the same; a digest, because a token is in it.
    /// What the client tells of its circumstances may differ. Where users are concealed, so must be whether two hints name the same one,
    /// and whether a code is right.
    /// </summary>
    public string FingerprintWith(CibaConfirmation confirmation, string? limitGroup) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(
        [
            string.Join(' ', Scopes.Order(StringComparer.Ordinal)), BindingMessage, string.Join(' ', AcrValues), string.Join(',', AuthorizationDetails.Select(detail => detail.GetRawText())),
            ClientNotificationToken, string.Join(' ', Resources), Claims.IdToken?.GetRawText(), confirmation.DpopKeyThumbprint, confirmation.CertificateThumbprint,
            limitGroup, limitGroup is null ? null : UserCode,
        ],
        AuthenticationJson.Default.StringArray))));

    public static Outcome<AuthenticationRequest> Read(FormParameters form, RegisteredClient client, CibaOptions options)
    {
        if (!client.MayUseCiba)
        {
            return CibaError.UnauthorizedClient;
        }

        if (!options.DeliveryModes.Contains(client.TokenDeliveryMode))
        {
            return ModeIsOff;
        }

        if (Unreadable(form) is { } unreadable)
        {
            return unreadable;
        }

        if (!TryReadNotificationToken(form, client, out var notificationToken, out var error)
            || ReadScope(form["scope"], client).Failed(out error, out var scopes)
            || ReadHint(form).Failed(out error, out var hint)
            || !TryReadExpiry(form["requested_expiry"], options, out var expiry, out error)
            || !TryReadBindingMessage(form["binding_message"], options, out var bindingMessage, out error)
            || AuthorizationDetailsRules.Read(form["authorization_details"], client.Client, options).Failed(out error, out var details)
            || ResourceIndicators.Read(form, client.Client).Failed(out error, out var resources)
            || ClaimsRequest.Read(form["claims"], client.Client, options).Failed(out error, out var claims)
            || !TryReadContext(form["request_context"], out var context, out error))
        {
            return error;
        }

        var acrValues = SpaceSeparated.Values(form["acr_values"]);
        return new AuthenticationRequest(scopes, hint, claims)
        {
            ClientNotificationToken = notificationToken,
            BindingMessage = bindingMessage,
            UserCode = form["user_code"],
            RequestedExpiry = expiry,
            AcrValues = claims.AcrValues.Count == 0 ? acrValues : [.. acrValues.Union(claims.AcrValues, StringComparer.Ordinal)],
            AuthorizationDetails = details,
            Resources = resources,
            RequestContext = context,
        };
    }
}
