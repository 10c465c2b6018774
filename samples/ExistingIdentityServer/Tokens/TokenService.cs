using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;

namespace ExistingIdentityServer;

/// <summary>Every token of this server comes from here.</summary>
public sealed class TokenService(AppDb db, SigningKey key, ServerOptions server, TimeProvider time)
{
    public const string Algorithm = "ES256";

    private static readonly TimeSpan CodeLifetime = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RefreshTokenLifetime = TimeSpan.FromDays(30);

    /// <summary>How long access tokens and ID Tokens are good for.</summary>
    public static TimeSpan Lifetime { get; } = TimeSpan.FromHours(1);

    public DateTimeOffset Now => time.GetUtcNow();

    public string CreateAccessToken(string clientId, string subject, IEnumerable<string> scopes) => key.Sign("at+jwt", new Dictionary<string, object>
    {
        ["iss"] = server.Issuer,
        ["sub"] = subject,
        ["aud"] = server.Issuer,
        ["client_id"] = clientId,
        ["scope"] = string.Join(' ', scopes),
        ["jti"] = Guid.NewGuid().ToString("N"),
        ["iat"] = Now.ToUnixTimeSeconds(),
        ["exp"] = (Now + Lifetime).ToUnixTimeSeconds(),
    });

    public string CreateIdToken(IDictionary<string, object> claims) => key.Sign("JWT", claims);

    /// <summary>A refresh token, or null where <c>offline_access</c> is not among the scopes.</summary>
    public async Task<string?> CreateRefreshTokenAsync(string clientId, string subject, IEnumerable<string> scopes, CancellationToken cancellationToken) =>
        scopes.Contains("offline_access")
            ? await AddAsync(id => new StoredToken { Id = id, GrantType = "refresh_token", ClientId = clientId, Subject = subject, Scopes = [.. scopes], ExpiresAt = Now + RefreshTokenLifetime }, cancellationToken)
            : null;

    public Task<string> CreateCodeAsync(AuthorizationRequest request, string subject, DateTimeOffset authTime, CancellationToken cancellationToken) => AddAsync(
        id => new StoredToken
        {
            Id = id,
            GrantType = "authorization_code",
            ClientId = request.Client.ClientId,
            Subject = subject,
            Scopes = request.Scopes,
            ExpiresAt = Now + CodeLifetime,
            AuthTime = authTime,
            RedirectUri = request.RedirectUri,
            CodeChallenge = request.CodeChallenge,
            Nonce = request.Nonce,
        },
        cancellationToken);

    /// <summary>Uses up a code or a refresh token. Null where it is unknown, another client's, expired, or was used before.</summary>
    public async Task<StoredToken?> TakeAsync(string grantType, string clientId, string token, CancellationToken cancellationToken)
    {
        var id = Hash.Of(token);
        if (await db.Tokens.SingleOrDefaultAsync(stored => stored.Id == id && stored.GrantType == grantType && stored.ClientId == clientId, cancellationToken) is not { } found)
        {
            return null;
        }

        try
        {
            db.Tokens.Remove(found);
            await db.SaveChangesAsync(cancellationToken);
            return found.ExpiresAt > Now ? found : null;
        }
        catch (DbUpdateConcurrencyException)
        {
            // Somebody else was faster.
            return null;
        }
    }

    private async Task<string> AddAsync(Func<string, StoredToken> create, CancellationToken cancellationToken)
    {
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        db.Tokens.Add(create(Hash.Of(token)));
        await db.SaveChangesAsync(cancellationToken);
        return token;
    }
}
