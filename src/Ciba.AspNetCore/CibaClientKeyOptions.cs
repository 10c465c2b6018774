namespace Ciba.AspNetCore;

/// <summary>Limits on the JWK Sets (RFC 7517 section 5) of clients.</summary>
public sealed class CibaClientKeyOptions
{
    /// <summary>
    /// Gets or sets the maximum number of keys in the JWK Set of a client, whether it is registered by value or read from
    /// <see cref="CibaClient.JwksUri"/>. A larger set is refused. The default is 32.
    /// </summary>
    /// <value>1 to 1,000.</value>
    public int MaxKeys { get; set; } = 32;

    /// <summary>
    /// Gets or sets the maximum size in bytes of the JWK Set that a <see cref="CibaClient.JwksUri"/> answers. A larger one is refused.
    /// The default is 65,536.
    /// </summary>
    /// <value>1,024 to 1,048,576.</value>
    public int MaxSetSize { get; set; } = 64 * 1024;
}
