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
    /// <param name="expiresAt">The JWT's own expiry; the key may be forgotten then.</param>
    /// <param name="cancellationToken">Fires when the client has gone.</param>
    /// <exception cref="CibaStoreUnavailableException">There is no place for the key, or the cache cannot be reached: 503, because the client has done nothing wrong.</exception>
    ValueTask<bool> TryUseAsync(string key, DateTimeOffset expiresAt, CancellationToken cancellationToken);
}
