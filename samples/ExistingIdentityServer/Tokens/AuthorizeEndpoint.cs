using Microsoft.AspNetCore.WebUtilities;

namespace ExistingIdentityServer;

/// <summary>What a client may ask for at the authorization endpoint.</summary>
public sealed record AuthorizationRequest(ClientRegistration Client, string RedirectUri, string[] Scopes, string CodeChallenge, string? State, string? Nonce);

/// <summary>The authorization code flow with PKCE. The clients are the company's own, so nobody is asked for consent.</summary>
public static class AuthorizeEndpoint
{
    public static async Task<IResult> HandleAsync(HttpContext context, AppDb db, TokenService tokens, ServerOptions server)
    {
        var query = context.Request.Query;
        string? redirectUri = query["redirect_uri"], state = query["state"];

        // Errors do not go to an address that nobody has registered.
        if (await db.FindClientAsync(query["client_id"].ToString(), context.RequestAborted) is not { } client
            || redirectUri is null || !client.RedirectUris.Contains(redirectUri))
        {
            return Results.BadRequest("The client or its redirect_uri is not known here.");
        }

        var scopes = query["scope"].ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var error = query["response_type"] != "code" ? "unsupported_response_type"
            : !client.GrantTypes.Contains("authorization_code") ? "unauthorized_client"
            : !scopes.All(client.Scopes.Contains) ? "invalid_scope"
            : query["code_challenge_method"] != "S256" || query["code_challenge"].ToString() is not { Length: 43 } ? "invalid_request"
            : null;
        if (error is not null)
        {
            return Back("error", error);
        }

        var request = new AuthorizationRequest(client, redirectUri, scopes, query["code_challenge"].ToString(), state, query["nonce"]);
        return Back("code", await tokens.CreateCodeAsync(request, context.User.Subject(), context.User.AuthTime(), context.RequestAborted));

        IResult Back(string name, string value) => Results.Redirect(QueryHelpers.AddQueryString(redirectUri, new Dictionary<string, string?>
        {
            [name] = value,
            ["state"] = state,
            ["iss"] = server.Issuer,
        }));
    }
}
