namespace Ciba.AspNetCore;

/// <summary>Remembers which JWTs were used (RFC 7519 section 4.1.7), so that nobody uses one again.</summary>
public interface ICibaReplayCache
{
    /// <summary>
    /// Records a first use in one atomic step: true for the first caller, false for every other until
    /// <paramref name="expiresAt"/>, and false at and after that instant, when the key may be forgotten already. A cache that is
    /// full throws rather than forget.
    /// </summary>
    /// <param name="key">
    /// A digest of the client and the <c>jti</c>. Its first 12 characters are the same in all keys of a client: what takes up memory can
    /// give each client its share, or one client that signs very much would leave no place to others.
    /// </param>
    /// <param name="use">
    /// The caller's own name for this use. A cache whose answer can get lost may be asked again under it, and answers true again.
    /// </param>
    /// <param name="expiresAt">The JWT's own expiry; the key may be forgotten then.</param>
    /// <param name="cancellationToken">Fires when the client has gone.</param>
    /// <exception cref="CibaStoreUnavailableException">There is no place for the key, or the cache cannot be reached: 503, because the client has done nothing wrong.</exception>
    ValueTask<bool> TryUseAsync(string key, string use, DateTimeOffset expiresAt, CancellationToken cancellationToken);

    /// <summary>
    /// Takes back a first use, since the request was answered 503 and the client may send the same JWT again. The default takes back
    /// nothing: then the client has to sign another one.
    /// </summary>
    /// <param name="key">The key of the use.</param>
    /// <param name="use">Its name: a later use of the same key stays.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="CibaStoreUnavailableException">The cache cannot be reached.</exception>
    ValueTask GiveBackAsync(string key, string use, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
