namespace Ciba.AspNetCore;

/// <summary>Demonstrating Proof of Possession (RFC 9449): access tokens that are good only together with a key of the client's.</summary>
public sealed class CibaDpopOptions
{
    /// <summary>
    /// The algorithms of proofs that are taken, asymmetric ones only, and what discovery lists as
    /// <c>dpop_signing_alg_values_supported</c>. Null, the default: all that are known here where <c>AddJwtTokenIssuer</c> issues the
    /// tokens; elsewhere none, as only the host knows what its tokens are bound to, and says by naming algorithms that it binds them
    /// to <see cref="CibaTokenRequest.Confirmation"/>. Empty: none. With none DPoP is off: proofs and <c>dpop_jkt</c> are ignored, and
    /// clients with <see cref="CibaClient.DpopBoundAccessTokens"/> refused.
    /// </summary>
    public string[]? SigningAlgValuesSupported { get; set; }

    /// <summary>
    /// How old a proof may be by its <c>iat</c>, 1 s to 1 h; how far it may be ahead, <see cref="CibaOptions.ClockSkew"/> says.
    /// Default 1 min.
    /// </summary>
    public TimeSpan ProofLifetime { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Whether every proof must hold a nonce of ours (RFC 9449 section 8), which nobody can make in advance. Nodes share them by
    /// ASP.NET Core Data Protection: it needs <c>AddDataProtection()</c>, and where there are several nodes a key ring that they
    /// share. A proof without one, or with one that is too old, is answered <c>use_dpop_nonce</c>; that answer and every one to a
    /// good proof has the next nonce in the header <c>DPoP-Nonce</c>. Default false.
    /// </summary>
    public bool RequireNonce { get; set; }

    /// <summary>How long a nonce is good for, 1 s to 1 h. Default 5 min.</summary>
    public TimeSpan NonceLifetime { get; set; } = TimeSpan.FromMinutes(5);
}
