using System.Runtime.CompilerServices;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Jose;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore.Authentication;

/// <summary>Section 7.1, <c>id_token_hint</c>: an ID Token that this provider issued to this client, be it expired.</summary>
internal sealed class IdTokenHints(IServiceProvider services, CibaTenant tenant)
{
    private static readonly ConditionalWeakTable<SigningCredentials, SignatureKey> Keys = [];

    private static readonly CibaError NotSupported = CibaError.InvalidRequest.With("id_token_hint is not supported here: send login_hint.");
    private static readonly CibaError NotOurs = CibaError.InvalidRequest.With("The id_token_hint is not an ID Token that this provider issued to this client.");

    /// <summary>The <c>sub</c> of the ID Token.</summary>
    public async ValueTask<Outcome<string>> SubjectOfAsync(string token, CibaClient client, CancellationToken cancellationToken)
    {
        if (services.GetService<ICibaSigningKeys>() is not { } signingKeys)
        {
            return NotSupported;
        }

        // An access token is signed with the same keys: its type tells it apart.
        if (Jwt.Read(token) is not { Subject: { Length: > 0 } subject } jwt
            || jwt.Issuer != tenant.Issuer
            || !jwt.IsFor([client.ClientId])
            || !(jwt.Type is null || jwt.Type.Equals("JWT", StringComparison.OrdinalIgnoreCase)))
        {
            return NotOurs;
        }

        foreach (var credentials in await signingKeys.GetAsync(cancellationToken))
        {
            if (credentials.Algorithm == jwt.Algorithm
                && JoseAlgorithms.Asymmetric.Contains(credentials.Algorithm)
                && Keys.GetValue(credentials, static credentials => SignatureKey.ForVerifying(credentials.Key, credentials.Algorithm)).Verifies(jwt))
            {
                return subject;
            }
        }

        return NotOurs;
    }
}
