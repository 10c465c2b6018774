using System.Collections.Frozen;
using System.Text.Json;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Protocol;

namespace Ciba.AspNetCore.Token;

/// <summary>OpenID Connect Core section 5.5: the claims of the user that the client asks for in the ID Token.</summary>
internal static class RequestedClaims
{
    /// <summary>What an ID Token says of itself and of the authentication is nobody's to set.</summary>
    private static readonly FrozenSet<string> Protocol = FrozenSet.Create(
        StringComparer.Ordinal,
        "iss", "sub", "aud", "exp", "iat", "nbf", "jti", "auth_time", "nonce", "acr", "amr", "azp", "cnf", "c_hash", "s_hash", "rt_hash",
        IdTokenClaims.AccessTokenHash, IdTokenClaims.RefreshTokenHash, IdTokenClaims.AuthReqId);

    public static async ValueTask AddAsync(IDictionary<string, object> claims, CibaTokenRequest request, ICibaUserClaims? users, CancellationToken cancellationToken)
    {
        if (users is null || request.RequestedIdTokenClaims is not { } requested)
        {
            return;
        }

        var asked = requested.EnumerateObject().Where(claim => !Protocol.Contains(claim.Name)).ToDictionary(claim => claim.Name, claim => claim.Value, StringComparer.Ordinal);
        if (asked.Count == 0)
        {
            return;
        }

        var found = await users.GetAsync(request, asked.Keys, cancellationToken);
        foreach (var (name, claim) in asked)
        {
            if (found.TryGetValue(name, out var value) && value is not null && IsAsAsked(name, value, claim))
            {
                claims[name] = value;
            }
        }
    }

    private static bool IsAsAsked(string name, object value, JsonElement claim)
    {
        if (!ClaimsRequest.HasValues(claim))
        {
            return true;
        }

        var written = JsonElement.Parse(ClaimsJson.Write([new(name, value)])).GetProperty(name);
        return ClaimsRequest.ValuesOf(claim).Any(asked => JsonText.AreSame(asked, written));
    }
}
