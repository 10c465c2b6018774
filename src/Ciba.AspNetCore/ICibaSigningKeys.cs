using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore;

/// <summary>
/// The keys of this provider's ID Tokens: published in the JWK Set, and what an <c>id_token_hint</c> is checked with.
/// <c>AddJwtTokenIssuer</c> brings its own; a host with a token issuer of its own registers this with <c>AddSigningKeys</c>,
/// or answers every <c>id_token_hint</c> with <c>invalid_request</c>.
/// </summary>
public interface ICibaSigningKeys
{
    /// <summary>The keys now in use and those whose tokens may still be around; public halves are enough.</summary>
    /// <remarks>
    /// Return the same instances for as long as the keys are unchanged. Keys are an <c>ECDsaSecurityKey</c>, an <c>RsaSecurityKey</c> or an
    /// <c>X509SecurityKey</c>. The host does not start with another one; one that comes later is left out, with an error in the log.
    /// </remarks>
    ValueTask<IReadOnlyList<SigningCredentials>> GetAsync(CancellationToken cancellationToken);
}
