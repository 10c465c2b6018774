using System.Text.Json;

namespace ExistingIdentityServer;

public sealed class CibaAdapter(AppDb db, UserManager<IdentityUser> users, Mailer mailer, TokenService tokens) : ICibaClientStore, ICibaUserLookup, ICibaDeviceNotifier, ICibaTokenIssuer
{
    public async ValueTask<CibaClient?> FindAsync(string clientId, CancellationToken cancellationToken) =>
        await db.FindRegistrationAsync(clientId, cancellationToken) is { } registration ? JsonSerializer.Deserialize<CibaClient>(registration) : null;

    public async ValueTask<CibaUserLookupResult> FindAsync(CibaHint hint, CibaClient client, CancellationToken cancellationToken) =>
        hint.Kind != CibaHintKind.LoginHint || await users.FindByAnyNameAsync(hint.Value) is not { } user ? CibaUserLookupResult.Unknown
            : CibaUserLookupResult.Found(new CibaUser { Subject = user.Id, HasUserCode = await users.HasPinAsync(user) });

    public async ValueTask<bool> IsActiveAsync(string subject, CancellationToken cancellationToken) => await users.IsActiveAsync(subject);

    public async ValueTask<bool> IsUserCodeAsync(string subject, string userCode, CancellationToken cancellationToken) => await users.CheckPinAsync(subject, userCode);

    public Task NotifyAsync(CibaDeviceRequest request, CancellationToken cancellationToken) =>
        mailer.SendLinkAsync(request.Subject, $"{request.ClientName} asks for your approval", $"/approve/{request.Id}", cancellationToken);

    public async ValueTask<CibaTokens> IssueAsync(CibaTokenRequest request, CancellationToken cancellationToken)
    {
        var accessToken = tokens.CreateAccessToken(request.Client.ClientId, request.Subject, request.Scopes);
        var idToken = tokens.CreateIdToken(request.CreateIdTokenClaims(tokens.Now, TokenService.Lifetime, TokenService.Algorithm, accessToken));
        var refreshToken = await tokens.CreateRefreshTokenAsync(request.Client.ClientId, request.Subject, request.Scopes, cancellationToken);
        return new CibaTokens { AccessToken = accessToken, ExpiresIn = TokenService.Lifetime, IdToken = idToken, RefreshToken = refreshToken };
    }
}
