using System.Text.Json;
using Ciba.AspNetCore.Protocol;
using Ciba.AspNetCore.Token;

namespace Ciba.AspNetCore;

/// <summary>An approved request, with everything that an ID Token and an access token say of it.</summary>
public sealed class CibaTokenRequest
{
    /// <summary>Creates a request for tokens, as the library does and as a test of a token issuer may.</summary>
    public CibaTokenRequest(string issuer, CibaClient client, CibaRequest request, CibaDecision decision, CibaConfirmation? confirmation = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(issuer);
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(decision);
        Issuer = issuer;
        Client = client;
        RequestId = request.Id;
        Subject = request.Subject;
        Scopes = decision.Scopes;
        RequestedScopes = request.Scopes;
        AuthorizationDetails = AuthorizationDetailsRules.For(request.Resources, decision.AuthorizationDetails);
        RequestedAuthorizationDetails = request.AuthorizationDetails;
        AcrValues = request.AcrValues;
        Acr = decision.Acr;
        Amr = decision.Amr;
        AuthTime = decision.AuthTime;
        BindingMessage = request.BindingMessage;
        Resources = request.Resources;
        RequestedIdTokenClaims = request.RequestedIdTokenClaims;
        Confirmation = confirmation ?? request.Confirmation;
        MustBeBound = client.HasBoundAccessTokens || request.Confirmation is not null;
        RequestedAt = request.CreatedAt;
        AuthReqId = request.TokenDeliveryMode == CibaTokenDeliveryModes.Push ? request.Callback?.AuthReqId : null;
    }

    internal CibaTokenRequest(string issuer, CibaClient client, CibaRequest request, CibaDecision decision, TokenTerms terms)
        : this(issuer, client, request, decision, terms.Shown.IsNone ? null : terms.Shown)
    {
        Resources = terms.Resources;
        AuthorizationDetails = terms.AuthorizationDetails;
    }

    /// <summary>The issuer identifier (<c>iss</c>).</summary>
    public string Issuer { get; }

    /// <summary>The client (<c>aud</c> of the ID Token, <c>client_id</c> of the access token).</summary>
    public CibaClient Client { get; }

    /// <summary>
    /// The request's handle, as in <see cref="CibaEvent.RequestId"/>: a host that is to revoke tokens by it remembers it.
    /// </summary>
    public string RequestId { get; }

    /// <summary>The user whom the hint named (<c>sub</c>, before any pairwise mapping).</summary>
    public string Subject { get; }

    /// <summary>The scope values that the user granted.</summary>
    public IReadOnlyList<string> Scopes { get; }

    /// <summary>The scope values that the client asked for.</summary>
    public IReadOnlyList<string> RequestedScopes { get; }

    /// <summary>
    /// Gets the authorization details for the access token (RFC 9396), which carries these and no others: those that the user granted,
    /// without those whose <c>locations</c> name none of the <see cref="Resources"/>, narrowed to those that the token request names.
    /// </summary>
    public IReadOnlyList<JsonElement> AuthorizationDetails { get; }

    /// <summary>The authorization details that the client asked for.</summary>
    public IReadOnlyList<JsonElement> RequestedAuthorizationDetails { get; }

    /// <summary>The authentication context classes that the client asked for, in order of preference.</summary>
    public IReadOnlyList<string> AcrValues { get; }

    /// <summary>
    /// What the access token is for (<c>aud</c>, RFC 8707): what the client asked for and is allowed. Empty: the host's usual
    /// audience.
    /// </summary>
    public IReadOnlyList<string> Resources { get; }

    /// <summary>
    /// What the client asks for in the ID Token: the member <c>id_token</c> of the <c>claims</c> parameter (OpenID Connect Core
    /// section 5.5), an object by the names of claims; or null.
    /// </summary>
    public JsonElement? RequestedIdTokenClaims { get; }

    /// <summary>
    /// What the access token must be bound to, as its claim <c>cnf</c> (see <see cref="CibaConfirmation.ToClaim"/>); or null. A
    /// token that says less is good for whoever steals it.
    /// </summary>
    public CibaConfirmation? Confirmation { get; }

    /// <summary>Whether the client, its registration or its request, would not put up with less than <see cref="Confirmation"/>.</summary>
    internal bool MustBeBound { get; }

    /// <summary>The <c>token_type</c> that goes with <see cref="Confirmation"/>: <c>DPoP</c> with a DPoP key, else <c>Bearer</c>.</summary>
    public string TokenType => Confirmation?.DpopKeyThumbprint is null ? "Bearer" : "DPoP";

    /// <summary>The authentication context class that was reached, where it is known.</summary>
    public string? Acr { get; }

    /// <summary>The authentication methods used, where they are known.</summary>
    public IReadOnlyList<string> Amr { get; }

    /// <summary>Gets when the user authenticated (<c>auth_time</c>), or null if it is not known: a token does not have the claim then.</summary>
    public DateTimeOffset? AuthTime { get; }

    /// <summary>The binding message, or null.</summary>
    public string? BindingMessage { get; }

    /// <summary>When the client asked.</summary>
    public DateTimeOffset RequestedAt { get; }

    /// <summary>
    /// In push mode the <c>auth_req_id</c>, which the ID Token carries (CIBA Core section 10.3.1); else null. Not to be logged.
    /// </summary>
    public string? AuthReqId { get; }

    /// <summary>
    /// The claims that every ID Token of this grant has (OpenID Connect Core section 2): <c>iss</c>, <c>sub</c>, <c>aud</c>,
    /// <c>iat</c>, <c>exp</c>, <c>auth_time</c> where it is known, <c>acr</c> where it was asked for, by <c>acr_values</c> or <c>claims</c>, and
    /// is known, <c>amr</c> where it is known, and <c>at_hash</c>; in push mode also <c>urn:openid:params:jwt:claim:auth_req_id</c>, and
    /// with a refresh token <c>urn:openid:params:jwt:claim:rt_hash</c> (CIBA Core section 10.3.1). Add your own and sign them.
    /// </summary>
    /// <param name="issuedAt">Now.</param>
    /// <param name="lifetime">How long the ID Token is good for.</param>
    /// <param name="algorithm">What the ID Token will be signed with, for instance <c>ES256</c>: <c>at_hash</c> depends on it.</param>
    /// <param name="accessToken">The access token that goes with it.</param>
    /// <param name="refreshToken">The refresh token that goes with it, if there is one.</param>
    public IDictionary<string, object> CreateIdTokenClaims(DateTimeOffset issuedAt, TimeSpan lifetime, string algorithm, string accessToken, string? refreshToken = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(algorithm);
        ArgumentException.ThrowIfNullOrEmpty(accessToken);
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["iss"] = Issuer,
            ["sub"] = Subject,
            ["aud"] = Client.ClientId,
            ["iat"] = issuedAt.ToUnixTimeSeconds(),
            ["exp"] = (issuedAt + lifetime).ToUnixTimeSeconds(),
        };
        if (AuthTime is { } authTime)
        {
            claims["auth_time"] = authTime.ToUnixTimeSeconds();
        }

        claims[IdTokenClaims.AccessTokenHash] = IdTokenClaims.HashOf(accessToken, algorithm);
        if (AuthReqId is not null)
        {
            claims[IdTokenClaims.AuthReqId] = AuthReqId;
            if (refreshToken is not null)
            {
                claims[IdTokenClaims.RefreshTokenHash] = IdTokenClaims.HashOf(refreshToken, algorithm);
            }
        }

        if (Acr is not null && (AcrValues.Count > 0 || RequestedIdTokenClaims?.TryGetProperty("acr", out _) is true))
        {
            claims["acr"] = Acr;
        }

        if (Amr.Count > 0)
        {
            claims["amr"] = Amr.ToArray();
        }

        return claims;
    }
}
