using Ciba.AspNetCore.Hosting;
using Ciba.AspNetCore.Jose;
using Ciba.AspNetCore.Token;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>Section 10.3.1: the tokens of a push. They are minted when they are sent, and stored nowhere.</summary>
internal sealed class PushTokens(HostCalls host, TimeProvider time)
{
    public Task<IssuedTokens> IssueAsync(CibaOutboxEntry entry, CibaClient client, CancellationToken cancellationToken) =>
        host.AskAsync(entry.Request, services => IssueAsync(services, entry, client, cancellationToken), cancellationToken);

    /// <summary>Why these tokens must not be sent, or null: a client could not tell them from tokens that somebody slipped in.</summary>
    public static string? WhyNot(IssuedTokens issued)
    {
        var (tokens, request) = (issued.Tokens, issued.Request);
        if (Jwt.ReadOwn(tokens.IdToken) is not { Algorithm.Length: 5 } idToken)
        {
            return "the ID Token is no signed JWT";
        }

        return Missing(idToken, IdTokenClaims.AuthReqId, request.AuthReqId!)
            ?? Missing(idToken, IdTokenClaims.AccessTokenHash, IdTokenClaims.HashOf(tokens.AccessToken, idToken.Algorithm))
            ?? (tokens.RefreshToken is { } refresh ? Missing(idToken, IdTokenClaims.RefreshTokenHash, IdTokenClaims.HashOf(refresh, idToken.Algorithm)) : null);
    }

    private async ValueTask<IssuedTokens> IssueAsync(IServiceProvider services, CibaOutboxEntry entry, CibaClient client, CancellationToken cancellationToken)
    {
        var request = new CibaTokenRequest(services.GetRequiredService<CibaTenant>().Issuer, client, entry.Request, entry.Decision!);
        var issuer = services.GetRequiredService<ICibaTokenIssuer>();
        var tokens = await issuer.IssueAsync(request, cancellationToken);
        return new IssuedTokens(IssuedTokenRules.Check(tokens, request, issuer), request, time.GetUtcNow());
    }

    private static string? Missing(Jwt idToken, string claim, string expected) => idToken.Claim(claim) switch
    {
        null => $"the ID Token lacks the claim {claim}, see {nameof(CibaTokenRequest)}.{nameof(CibaTokenRequest.CreateIdTokenClaims)}",
        var actual => actual == expected ? null : $"the ID Token's claim {claim} is wrong, see {nameof(CibaTokenRequest)}.{nameof(CibaTokenRequest.CreateIdTokenClaims)}",
    };
}
