using System.Buffers.Text;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace ExistingIdentityServer;

/// <summary><c>POST /connect/token</c>: authorization_code, client_credentials and refresh_token.</summary>
public sealed class TokenEndpoint(AppDb db, TokenService tokens, UserManager<IdentityUser> users, ServerOptions server)
{
    public static async Task<IResult> HandleAsync(IFormCollection form, HttpContext context, TokenEndpoint endpoint)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (await endpoint.AuthenticateAsync(context.Request.Headers.Authorization, context.RequestAborted) is { } client)
        {
            return await endpoint.AnswerAsync(client, form, context.RequestAborted);
        }

        context.Response.Headers.WWWAuthenticate = "Basic";
        return Error("invalid_client", StatusCodes.Status401Unauthorized);
    }

    private async Task<IResult> AnswerAsync(ClientRegistration client, IFormCollection form, CancellationToken cancellationToken)
    {
        var grantType = form["grant_type"].ToString();
        return grantType switch
        {
            "authorization_code" or "client_credentials" or "refresh_token" when !client.GrantTypes.Contains(grantType) => Error("unauthorized_client"),
            "authorization_code" => await CodeAsync(client, form, cancellationToken),
            "client_credentials" => ClientCredentials(client, form),
            "refresh_token" => await RefreshAsync(client, form, cancellationToken),
            _ => Error("unsupported_grant_type"),
        };
    }

    private async Task<IResult> CodeAsync(ClientRegistration client, IFormCollection form, CancellationToken cancellationToken)
    {
        var challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(form["code_verifier"].ToString())));
        if (await tokens.TakeAsync("authorization_code", client.ClientId, form["code"].ToString(), cancellationToken) is not { } code
            || code.RedirectUri != form["redirect_uri"] || code.CodeChallenge != challenge || !await users.IsActiveAsync(code.Subject))
        {
            return Error("invalid_grant");
        }

        var accessToken = tokens.CreateAccessToken(client.ClientId, code.Subject, code.Scopes);
        var refreshToken = await tokens.CreateRefreshTokenAsync(client.ClientId, code.Subject, code.Scopes, cancellationToken);
        return Tokens(accessToken, refreshToken, code.Scopes.Contains("openid") ? tokens.CreateIdToken(IdTokenClaims(code, accessToken)) : null);
    }

    private IResult ClientCredentials(ClientRegistration client, IFormCollection form)
    {
        var scopes = form["scope"].ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return scopes.All(client.Scopes.Contains)
            ? Tokens(tokens.CreateAccessToken(client.ClientId, client.ClientId, scopes))
            : Error("invalid_scope");
    }

    private async Task<IResult> RefreshAsync(ClientRegistration client, IFormCollection form, CancellationToken cancellationToken)
    {
        if (await tokens.TakeAsync("refresh_token", client.ClientId, form["refresh_token"].ToString(), cancellationToken) is not { } old
            || !await users.IsActiveAsync(old.Subject))
        {
            return Error("invalid_grant");
        }

        var refreshToken = await tokens.CreateRefreshTokenAsync(client.ClientId, old.Subject, old.Scopes, cancellationToken);
        return Tokens(tokens.CreateAccessToken(client.ClientId, old.Subject, old.Scopes), refreshToken);
    }

    // RFC 6749 section 2.3.1: both halves are form-encoded before they are joined.
    private async Task<ClientRegistration?> AuthenticateAsync(string? authorization, CancellationToken cancellationToken)
    {
        if (!AuthenticationHeaderValue.TryParse(authorization, out var header) || !header.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var bytes = new byte[header.Parameter?.Length ?? 0];
        return Convert.TryFromBase64String(header.Parameter ?? "", bytes, out var length)
            && Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2) is [var id, var secret]
            && await db.FindClientAsync(Decode(id), cancellationToken) is { } client
            && client.HasSecret(Decode(secret))
                ? client
                : null;
    }

    private Dictionary<string, object> IdTokenClaims(StoredToken code, string accessToken)
    {
        var claims = new Dictionary<string, object>
        {
            ["iss"] = server.Issuer,
            ["sub"] = code.Subject,
            ["aud"] = code.ClientId,
            ["iat"] = tokens.Now.ToUnixTimeSeconds(),
            ["exp"] = (tokens.Now + TokenService.Lifetime).ToUnixTimeSeconds(),
            ["auth_time"] = code.AuthTime!.Value.ToUnixTimeSeconds(),
            ["at_hash"] = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(accessToken)).AsSpan(..16)),
        };
        if (code.Nonce is { } nonce)
        {
            claims["nonce"] = nonce;
        }

        return claims;
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));

    private static IResult Tokens(string accessToken, string? refreshToken = null, string? idToken = null)
    {
        var answer = new Dictionary<string, object>
        {
            ["access_token"] = accessToken,
            ["token_type"] = "Bearer",
            ["expires_in"] = (long)TokenService.Lifetime.TotalSeconds,
        };
        if (refreshToken is not null)
        {
            answer["refresh_token"] = refreshToken;
        }

        if (idToken is not null)
        {
            answer["id_token"] = idToken;
        }

        return Results.Json(answer);
    }

    private static IResult Error(string error, int statusCode = StatusCodes.Status400BadRequest) => Results.Json(new { error }, statusCode: statusCode);
}
