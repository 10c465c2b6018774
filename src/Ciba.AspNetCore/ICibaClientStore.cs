namespace Ciba.AspNetCore;

/// <summary>Finds clients. <c>AddClients</c> is the ready one; a host with a client database implements this.</summary>
public interface ICibaClientStore
{
    /// <summary>
    /// The client with this identifier, or null. The identifier is what an unauthenticated caller sent: 256 characters at
    /// most, and not to be logged.
    /// </summary>
    /// <remarks>
    /// Return the same instance for as long as the registration is unchanged: the library keeps what it has worked out of it
    /// (keys, hashes) with the instance. A client that breaks the rules of CIBA Core section 4 is refused when it calls,
    /// and the log says why.
    /// </remarks>
    ValueTask<CibaClient?> FindAsync(string clientId, CancellationToken cancellationToken);
}
