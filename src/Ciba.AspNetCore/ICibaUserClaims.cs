namespace Ciba.AspNetCore;

/// <summary>
/// Knows the users' claims, for the ready token issuer: what clients ask for by the <c>claims</c> parameter (OpenID Connect Core
/// section 5.5). Register with <c>AddUserClaims</c>. Without it no such claims are in ID Tokens.
/// </summary>
public interface ICibaUserClaims
{
    /// <summary>
    /// The values of these claims, as far as the user has them: string, bool, int, long, double, list of strings, JsonElement or
    /// JsonNode. Others are left out of the ID Token, as is one that does not have the value that was asked for. An exception leaves
    /// the approval as it is: the client gets <c>server_error</c> and may try again.
    /// </summary>
    /// <param name="request">What was approved, by whom, for whom.</param>
    /// <param name="names">What was asked for, without the claims that the protocol itself defines, such as <c>sub</c> and <c>acr</c>. Not empty.</param>
    /// <param name="cancellationToken">Fires as that of <see cref="ICibaTokenIssuer.IssueAsync"/> does.</param>
    ValueTask<IReadOnlyDictionary<string, object>> GetAsync(CibaTokenRequest request, IReadOnlyCollection<string> names, CancellationToken cancellationToken);
}
