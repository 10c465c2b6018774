using System.Security.Cryptography;
using System.Text;
using Ciba.AspNetCore.Profiles;
using Microsoft.Extensions.Options;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Token;

/// <summary>The ready token issuer: an access token by RFC 9068 and an ID Token by OpenID Connect Core section 2.</summary>
internal sealed class JwtTokenIssuer(SigningKeys keys, IOptions<CibaJwtTokenIssuerOptions> options, IOptions<CibaOptions> provider, TimeProvider time, ICibaUserClaims? users = null) : ICibaTokenIssuer
{
    private const int IdBytes = 16;

    public async ValueTask<CibaTokens> IssueAsync(CibaTokenRequest request, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var subject = Subject(request);
        var accessToken = keys.Signer(AccessTokenAlgorithm(request.Client)).SignAccessToken(AccessTokenClaims(request, subject, now));

        var signer = keys.Signer(request.Client.IdTokenSignedResponseAlg ?? keys.Default);
        var claims = request.CreateIdTokenClaims(now, options.Value.IdTokenLifetime, signer.Algorithm, accessToken);
        claims["sub"] = subject;
        await RequestedClaims.AddAsync(claims, request, users, cancellationToken);
        options.Value.ConfigureIdToken?.Invoke(request, claims);

        return new CibaTokens
        {
            AccessToken = accessToken,
            TokenType = request.TokenType,
            ExpiresIn = options.Value.AccessTokenLifetime,
            IdToken = signer.SignIdToken(claims),
        };
    }

    private Dictionary<string, object> AccessTokenClaims(CibaTokenRequest request, string subject, DateTimeOffset now)
    {
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["iss"] = request.Issuer,
            ["sub"] = subject,
            ["aud"] = Audience(request),
            ["client_id"] = request.Client.ClientId,
            ["jti"] = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(IdBytes)),
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = (now + options.Value.AccessTokenLifetime).ToUnixTimeSeconds(),
        };
        if (request.AuthTime is { } authTime)
        {
            claims["auth_time"] = authTime.ToUnixTimeSeconds();
        }

        claims["scope"] = string.Join(' ', request.Scopes);
        if (request.Confirmation is { } confirmation)
        {
            claims["cnf"] = confirmation.ToClaim();
        }

        if (request.AuthorizationDetails.Count > 0)
        {
            claims["authorization_details"] = request.AuthorizationDetails;
        }

        options.Value.ConfigureAccessToken?.Invoke(request, claims);
        return claims;
    }

    // FAPI 1.0 part 2, section 8.6 is about every signature; JwtIssuerRules has seen that there is such a key.
    private string AccessTokenAlgorithm(CibaClient client) =>
        FapiCiba.AppliesTo(client, provider.Value) ? keys.Algorithms.First(FapiCiba.Algorithms.Contains) : keys.Default;

    private object Audience(CibaTokenRequest request) => request.Resources switch
    {
        [] => options.Value.AccessTokenAudience ?? $"{request.Issuer.TrimEnd('/')}/resources",
        [var resource] => resource,
        var resources => resources,
    };

    // Section 4: the sector identifier is the host of jwks_uri or of the notification endpoint.
    private string Subject(CibaTokenRequest request)
    {
        if (request.Client.SubjectType != CibaSubjectTypes.Pairwise)
        {
            return request.Subject;
        }

        var input = $"{request.Client.SectorIdentifier}\n{request.Subject}";
        return Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(options.Value.PairwiseSubjectSalt!), Encoding.UTF8.GetBytes(input)));
    }
}
