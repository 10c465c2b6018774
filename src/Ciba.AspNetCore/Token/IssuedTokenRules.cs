using System.Text.Json;
using Ciba.AspNetCore.Jose;

namespace Ciba.AspNetCore.Token;

/// <summary>What tokens must hold before they go to a client, whoever has issued them.</summary>
internal static class IssuedTokenRules
{
    /// <summary>The tokens, unless something is missing that every client needs, or they are bound to less than they must be.</summary>
    public static CibaTokens Check(CibaTokens? tokens, CibaTokenRequest request, ICibaTokenIssuer issuer)
    {
        if (tokens is not { AccessToken.Length: > 0, IdToken.Length: > 0, TokenType.Length: > 0, ExpiresIn.TotalSeconds: >= 1 })
        {
            throw new InvalidOperationException($"{issuer.GetType()} returned no tokens, or some without AccessToken, IdToken, TokenType or an ExpiresIn of a second at least.");
        }

        return request.MustBeBound && WhyNotBound(tokens, request) is { } problem
            ? throw new InvalidOperationException($"{issuer.GetType()} returned tokens that are not bound as they must be: {problem}.")
            : tokens;
    }

    private static string? WhyNotBound(CibaTokens tokens, CibaTokenRequest request)
    {
        var (client, shown) = (request.Client, request.Confirmation ?? CibaConfirmation.None);
        if ((client.DpopBoundAccessTokens && shown.DpopKeyThumbprint is null) || (client.TlsClientCertificateBoundAccessTokens && shown.CertificateThumbprint is null))
        {
            return "the client has shown nothing that they could be bound to, since its registration was changed after it asked";
        }

        // RFC 9449 section 5: a bearer token tells a client that DPoP is not to be had, which this client would not put up with.
        if (!tokens.TokenType.Equals(request.TokenType, StringComparison.OrdinalIgnoreCase))
        {
            return $"TokenType is {tokens.TokenType}, set {nameof(CibaTokenRequest)}.{nameof(CibaTokenRequest.TokenType)}";
        }

        // What a token that is no JWT is bound to, only its issuer knows.
        return Jwt.ReadOwn(tokens.AccessToken) is not { } accessToken || IsBound(accessToken, shown)
            ? null
            : $"the access token lacks the claim cnf, write {nameof(CibaTokenRequest)}.{nameof(CibaTokenRequest.Confirmation)} into it";
    }

    private static bool IsBound(Jwt accessToken, CibaConfirmation shown) =>
        accessToken.TryGetClaim("cnf", out var cnf)
        && cnf.ValueKind == JsonValueKind.Object
        && shown.ToClaim().All(member => cnf.TryGetProperty(member.Key, out var value) && Jwt.Text(value) == member.Value);
}
