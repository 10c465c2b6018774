using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore;

/// <summary>What the ready token issuer (<c>AddJwtTokenIssuer</c>) signs with, and what its tokens say.</summary>
public sealed class CibaJwtTokenIssuerOptions
{
    /// <summary>
    /// The signing keys, EC or RSA, each with its algorithm. The first one of an algorithm signs, the first of all where a
    /// client names no algorithm; all are published, so that a key can come before it signs and stay after it has. Empty,
    /// the default: keys for ES256, PS256 and RS256 are made at start-up, with a warning, and ES256 is the default.
    /// </summary>
    public IList<SigningCredentials> SigningCredentials { get; set; } = [];

    /// <summary>How long an access token is good for. Whole seconds. Default 1 h.</summary>
    public TimeSpan AccessTokenLifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long an ID Token is good for. Whole seconds. Default 1 h.</summary>
    public TimeSpan IdTokenLifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// Gets or sets the <c>aud</c> of access tokens for which the client names no <c>resource</c> (RFC 9068 section 3). The default is
    /// null: the issuer followed by <c>/resources</c>.
    /// </summary>
    /// <remarks>
    /// Not the issuer itself, which APIs of the provider often accept: the device API, where a client's token must open nothing, or a
    /// registration endpoint. An API that is to accept these tokens, such as a userinfo endpoint, validates this value. Set it if the
    /// tokens are for one API of yours.
    /// </remarks>
    public string? AccessTokenAudience { get; set; }

    /// <summary>
    /// A secret of 32 characters at least, the same for ever: the pairwise identifiers (OpenID Connect Core section 8.1) of
    /// clients with <c>SubjectType</c> <c>pairwise</c> are a hash of it, the sector identifier and the subject. Such an
    /// identifier cannot be turned back into a user, so an <c>id_token_hint</c> of such a client is <c>invalid_request</c>, with the
    /// advice to send <c>login_hint</c>. Required when there is such a client; with it discovery lists <c>pairwise</c> among
    /// <c>subject_types_supported</c>.
    /// </summary>
    public string? PairwiseSubjectSalt { get; set; }

    /// <summary>
    /// Adds claims to an ID Token, or changes them: string, bool, int, long, double, list of strings, JsonElement or
    /// JsonNode. Null, the default: none.
    /// </summary>
    public Action<CibaTokenRequest, IDictionary<string, object>>? ConfigureIdToken { get; set; }

    /// <summary>The same for access tokens.</summary>
    public Action<CibaTokenRequest, IDictionary<string, object>>? ConfigureAccessToken { get; set; }
}
