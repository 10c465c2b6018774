namespace Ciba.AspNetCore;

/// <summary>The host's users, as CIBA needs to know them. Register with <c>AddUserLookup</c>.</summary>
public interface ICibaUserLookup
{
    /// <summary>Finds the user whom a client's hint names (CIBA Core section 7.1).</summary>
    /// <param name="hint">What the client sent; not to be logged.</param>
    /// <param name="client">The client, authenticated: a host may know other users for each client.</param>
    /// <param name="cancellationToken">Fires when the client has gone.</param>
    ValueTask<CibaUserLookupResult> FindAsync(CibaHint hint, CibaClient client, CancellationToken cancellationToken);

    /// <summary>
    /// Whether the user may authenticate: exists, is not locked, not disabled. Asked at the request, at each call of the device API, each
    /// minute of an event stream, at the decision and at the redemption or push. With <see cref="CibaOptions.ConcealUnknownUsers"/> also called for subjects that no user has: that answer
    /// does not count, and should take as long.
    /// </summary>
    ValueTask<bool> IsActiveAsync(string subject, CancellationToken cancellationToken);

    /// <summary>
    /// Determines whether this is the user's code (section 7.1, <c>user_code</c>). Called only for a user with
    /// <see cref="CibaUser.HasUserCode"/> and only while tries are left. Compare in constant time. The default implementation is for
    /// hosts whose users have no codes: no code is right. With <see cref="CibaOptions.ConcealUnknownUsers"/> also called for other
    /// subjects: that answer does not count, and should take as long.
    /// </summary>
    ValueTask<bool> IsUserCodeAsync(string subject, string userCode, CancellationToken cancellationToken) => new(false);
}

/// <summary>A user of the host.</summary>
public sealed class CibaUser
{
    /// <summary>The user's identifier at this provider: <c>sub</c> in the tokens, and what every later call names the user by.</summary>
    public required string Subject { get; init; }

    /// <summary>
    /// Whether the user has a code that clients with <see cref="CibaClient.BackchannelUserCodeParameter"/> must send.
    /// Default false.
    /// </summary>
    public bool HasUserCode { get; init; }
}

/// <summary>Which of the three hints of section 7.1 a client sent.</summary>
public enum CibaHintKind
{
    /// <summary><c>login_hint</c>: whatever client and provider agreed on, such as an e-mail address.</summary>
    LoginHint,

    /// <summary><c>login_hint_token</c>: a token in a format of the host's own, unchecked.</summary>
    LoginHintToken,

    /// <summary><c>id_token_hint</c>: an ID Token of this provider for this client, already checked.</summary>
    IdTokenHint,
}

/// <summary>The hint in an authentication request (CIBA Core section 7.1). Personal data: not to be logged.</summary>
public sealed class CibaHint
{
    /// <summary>Creates a hint, as the library does and as a test of a user lookup may.</summary>
    public CibaHint(CibaHintKind kind, string value)
    {
        ArgumentException.ThrowIfNullOrEmpty(value);
        Kind = kind;
        Value = value;
    }

    /// <summary>Which hint it is.</summary>
    public CibaHintKind Kind { get; }

    /// <summary>
    /// The hint as it was sent; for <see cref="CibaHintKind.IdTokenHint"/> the <c>sub</c> of the checked ID Token.
    /// </summary>
    public string Value { get; }
}

/// <summary>What a hint led to.</summary>
public sealed class CibaUserLookupResult
{
    private CibaUserLookupResult(CibaUser? user, CibaError? error)
    {
        User = user;
        Error = error;
    }

    /// <summary>Nobody: <c>unknown_user_id</c>, or see <see cref="CibaOptions.ConcealUnknownUsers"/>.</summary>
    public static CibaUserLookupResult Unknown { get; } = new(null, CibaError.UnknownUserId);

    /// <summary>The <c>login_hint_token</c> is past its time: <c>expired_login_hint_token</c>.</summary>
    public static CibaUserLookupResult ExpiredLoginHintToken { get; } = new(null, CibaError.ExpiredLoginHintToken);

    /// <summary>The user, where there is one.</summary>
    public CibaUser? User { get; }

    /// <summary>The error, where there is no user.</summary>
    public CibaError? Error { get; }

    /// <summary>A user was found.</summary>
    public static CibaUserLookupResult Found(CibaUser user)
    {
        ArgumentNullException.ThrowIfNull(user);
        return new(user, null);
    }

    /// <summary>The hint is not usable, such as a <c>login_hint_token</c> with a bad signature: <c>invalid_request</c>.</summary>
    /// <param name="description">A sentence for the client's developer that repeats nothing of the hint.</param>
    public static CibaUserLookupResult Invalid(string description) => new(null, CibaError.InvalidRequest.With(description));
}
