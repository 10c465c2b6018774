using System.Text.Json.Nodes;

namespace ExistingIdentityServer;

/// <summary>What this server says of itself.</summary>
public static class Discovery
{
    public static JsonObject Document(ServerOptions server) => new()
    {
        ["issuer"] = server.Issuer,
        ["authorization_endpoint"] = $"{server.Issuer}/connect/authorize",
        ["token_endpoint"] = $"{server.Issuer}/connect/token",
        ["jwks_uri"] = $"{server.Issuer}/jwks",
        ["response_types_supported"] = new JsonArray("code"),
        ["backchannel_authentication_endpoint"] = $"{server.Issuer}/bc-authorize",
        ["backchannel_token_delivery_modes_supported"] = new JsonArray("poll"),
        ["backchannel_user_code_parameter_supported"] = true,
        ["grant_types_supported"] = new JsonArray("authorization_code", "client_credentials", "refresh_token", "urn:openid:params:grant-type:ciba"),
        ["code_challenge_methods_supported"] = new JsonArray("S256"),
        ["token_endpoint_auth_methods_supported"] = new JsonArray("client_secret_basic"),
        ["scopes_supported"] = new JsonArray("openid", "profile", "offline_access", "reports.read"),
        ["subject_types_supported"] = new JsonArray("public"),
        ["id_token_signing_alg_values_supported"] = new JsonArray(TokenService.Algorithm),
        ["authorization_response_iss_parameter_supported"] = true,
    };
}
