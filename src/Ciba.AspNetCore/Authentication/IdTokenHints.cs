using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Jose;
using Ciba.AspNetCore.Token;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Authentication;

/// <summary>Section 7.1, <c>id_token_hint</c>: an ID Token that this provider issued to this client, be it expired.</summary>
internal sealed class IdTokenHints(IServiceProvider services, ProviderKeys providerKeys, CibaTenant tenant)
{
    private static readonly CibaError NotSupported = CibaError.InvalidRequest.With("id_token_hint is not supported here: send login_hint.");
    private static readonly CibaError NotOurs = CibaError.InvalidRequest.With("The id_token_hint is not an ID Token that this provider issued to this client.");

    private static readonly CibaError Pairwise = CibaError.InvalidRequest.With("The pairwise sub in this client's ID Tokens cannot be turned back into a user: send login_hint.");

    /// <summary>The <c>sub</c> of the ID Token.</summary>
    public async ValueTask<Outcome<string>> SubjectOfAsync(string token, CibaClient client, CancellationToken cancellationToken)
    {
        if (services.GetService<ICibaSigningKeys>() is not { } signingKeys)
        {
            return NotSupported;
        }

        // An issuer of the host's own may have ways to turn its pairwise identifiers back.
        if (client.SubjectType == CibaSubjectTypes.Pairwise && signingKeys is SigningKeys)
        {
            return Pairwise;
        }

        // An access token is signed with the same keys: its type tells it apart.
        if (Jwt.Read(token) is not { Subject: { Length: > 0 } subject } jwt
            || jwt.Issuer != tenant.Issuer
            || !jwt.IsFor([client.ClientId])
            || !jwt.IsUntyped)
        {
            return NotOurs;
        }

        var keys = await providerKeys.GetAsync(signingKeys, cancellationToken);
        return keys.Any(key => key.Verifies(jwt)) ? subject : NotOurs;
    }
}
