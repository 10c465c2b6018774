using System.Buffers;
using System.Text.Json;
using Ciba.AspNetCore.Http;

namespace Ciba.AspNetCore;

/// <summary>
/// An error as it goes to the client: the catalogue of CIBA Core sections 11 and 13 and RFC 6749 section 5.2, each with the
/// sentence that a client's developer reads. <see cref="With"/> gives one a sentence that fits the case better.
/// </summary>
public sealed class CibaError
{
    // RFC 6749 section 5.2: %x20-21 / %x23-5B / %x5D-7E.
    private static readonly SearchValues<char> DescriptionCharacters = SearchValues.Create(
        [.. Enumerable.Range(0x20, 0x7F - 0x20).Select(code => (char)code).Where(character => character is not ('"' or '\\'))]);

    private byte[]? _json;

    /// <summary>Creates an error that the catalogue does not have.</summary>
    /// <param name="error">The code on the wire.</param>
    /// <param name="description">A sentence for the client's developer; see <see cref="Description"/>.</param>
    /// <param name="statusCode">The HTTP status, 400 unless told otherwise.</param>
    public CibaError(string error, string description, int statusCode = 400)
    {
        ArgumentException.ThrowIfNullOrEmpty(error);
        ArgumentNullException.ThrowIfNull(description);
        Error = error;
        Description = Printable(description);
        StatusCode = statusCode;
    }

    // Section 13, the authentication error response

    /// <summary>Section 13: something is missing, repeated or malformed.</summary>
    public static CibaError InvalidRequest { get; } = new("invalid_request", "The request is malformed.");

    /// <summary>Section 13: the scope is unknown, malformed, without openid, or not for this client.</summary>
    public static CibaError InvalidScope { get; } = new("invalid_scope", "The scope is not one that the client may ask for.");

    /// <summary>Section 13: the <c>login_hint_token</c> is past its time.</summary>
    public static CibaError ExpiredLoginHintToken { get; } = new("expired_login_hint_token", "The login_hint_token has expired.");

    /// <summary>Section 13: the hint names nobody.</summary>
    public static CibaError UnknownUserId { get; } = new("unknown_user_id", "The hint does not name a known user.");

    /// <summary>Section 13: the client may not use this grant.</summary>
    public static CibaError UnauthorizedClient { get; } = new("unauthorized_client", $"The client is not registered for the grant type {CibaGrantTypes.Ciba}.");

    /// <summary>Section 13: the user has a code and the client did not send it.</summary>
    public static CibaError MissingUserCode { get; } = new("missing_user_code", "This user has a user code: send it as user_code.");

    /// <summary>Section 13: the code is not the user's.</summary>
    public static CibaError InvalidUserCode { get; } = new("invalid_user_code", "The user_code is wrong.");

    /// <summary>Section 13: the binding message cannot be shown.</summary>
    public static CibaError InvalidBindingMessage { get; } = new("invalid_binding_message", "The binding_message is not acceptable.");

    /// <summary>RFC 8707 section 2: the resource is unknown, malformed, or not for this client.</summary>
    public static CibaError InvalidTarget { get; } = new("invalid_target", "The resource is not one that the client may ask for.");

    /// <summary>RFC 9449 section 5: the DPoP proof is missing or wrong.</summary>
    public static CibaError InvalidDpopProof { get; } = new("invalid_dpop_proof", "The DPoP proof is not acceptable.");

    /// <summary>RFC 9449 section 8: the DPoP proof needs a nonce, which stands in the header <c>DPoP-Nonce</c> of the answer.</summary>
    public static CibaError UseDpopNonce { get; } = new("use_dpop_nonce", "Send a DPoP proof with the nonce of the DPoP-Nonce header.");

    /// <summary>RFC 9396 section 5: the authorization details are malformed, of an unknown type, or not for this client.</summary>
    public static CibaError InvalidAuthorizationDetails { get; } = new("invalid_authorization_details", "The authorization_details are not acceptable.");

    /// <summary>
    /// Section 13: the client is not who it says (401). One sentence for all that is found before the client has proved itself, so that
    /// it tells nobody which clients there are, and how they authenticate.
    /// </summary>
    public static CibaError InvalidClient { get; } = new(
        "invalid_client",
        "Client authentication failed. Send the credentials of the registered token_endpoint_auth_method and no others: an Authorization: Basic header with client_id and client_secret, each form-encoded; "
            + "client_id and client_secret in the form; client_assertion with client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer; or client_id and the TLS certificate.",
        401);

    /// <summary>Section 13: the provider or the user's state forbids the request (403 at the backchannel authentication endpoint).</summary>
    public static CibaError AccessDenied { get; } = new("access_denied", "The request is not allowed for this user.", 403);

    // Section 11, the token error response

    /// <summary>Section 11: the user has not answered yet.</summary>
    public static CibaError AuthorizationPending { get; } = new("authorization_pending", "The user has not answered yet.");

    /// <summary>Section 11: polled too soon; the interval has grown by 5 seconds.</summary>
    public static CibaError SlowDown { get; } = new("slow_down", "Polled too soon: the interval for this auth_req_id has grown by 5 seconds.");

    /// <summary>Section 11: the <c>auth_req_id</c> is past its time.</summary>
    public static CibaError ExpiredToken { get; } = new("expired_token", "The auth_req_id has expired: make a new authentication request.");

    /// <summary>Section 11: the user, or the provider on the user's behalf, said no (400 at the token endpoint).</summary>
    public static CibaError AuthorizationDenied { get; } = new("access_denied", "The authentication request was denied.");

    /// <summary>Section 11: a client in push mode does not poll.</summary>
    public static CibaError PushClient { get; } = UnauthorizedClient.With("A client in push mode is sent its tokens and may not ask for them.");

    /// <summary>Section 12, the push error payload: there will be no tokens, and it is not the user's doing.</summary>
    public static CibaError TransactionFailed { get; } = new("transaction_failed", "The user could not be asked.");

    /// <summary>Section 11: unknown, used, or another client's.</summary>
    public static CibaError InvalidGrant { get; } = new("invalid_grant", "The auth_req_id is unknown, used, or not this client's.");

    // RFC 6749 section 5.2 and what a server says of itself

    /// <summary>RFC 6749 section 5.2: the token endpoint does not serve this grant type.</summary>
    public static CibaError UnsupportedGrantType { get; } = new("unsupported_grant_type", $"The only grant_type here is {CibaGrantTypes.Ciba}.");

    /// <summary>The provider failed (500); the operator finds the reason in the log.</summary>
    public static CibaError ServerError { get; } = new("server_error", "The provider failed: try again later.", 500);

    /// <summary>The provider cannot do this just now (503).</summary>
    public static CibaError TemporarilyUnavailable { get; } =
        new CibaError("temporarily_unavailable", "The provider cannot serve the request just now: try again later.", 503).WithRetryAfter(TimeSpan.FromSeconds(5));

    /// <summary>The code on the wire.</summary>
    public string Error { get; }

    /// <summary>
    /// The sentence for the client's developer: printable ASCII without quotation mark and backslash (others become a
    /// question mark), without secrets and without anything of the user's.
    /// </summary>
    public string Description { get; }

    /// <summary>The HTTP status.</summary>
    public int StatusCode { get; }

    /// <summary>
    /// Gets how long the client should wait before it tries again. The endpoints send it as <c>Retry-After</c>, in whole seconds. The
    /// default is null: nothing is said.
    /// </summary>
    public TimeSpan? RetryAfter { get; private init; }

    /// <summary>The body on the wire, made once for each error.</summary>
    internal byte[] Json => _json ??=
        JsonSerializer.SerializeToUtf8Bytes(new ErrorResponse(Error, Description), WireJson.Relaxed.ErrorResponse);

    /// <summary>The same error with another sentence.</summary>
    public CibaError With(string description) => new(Error, description, StatusCode) { RetryAfter = RetryAfter };

    /// <summary>Creates the same error with a time to wait before the next try.</summary>
    public CibaError WithRetryAfter(TimeSpan retryAfter) => new(Error, Description, StatusCode) { RetryAfter = retryAfter, _json = _json };

    /// <summary>The code on the wire and the sentence.</summary>
    public override string ToString() => $"{Error}: {Description}";

    private static string Printable(string description) => description.AsSpan().ContainsAnyExcept(DescriptionCharacters)
        ? string.Create(description.Length, description, static (buffer, text) =>
        {
            for (var i = 0; i < text.Length; i++)
            {
                buffer[i] = DescriptionCharacters.Contains(text[i]) ? text[i] : '?';
            }
        })
        : description;
}
