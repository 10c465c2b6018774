using System.Text.Json;
using System.Text.Json.Serialization;
using Ciba.AspNetCore.Token;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>Section 10.2.</summary>
internal sealed record Ping(
    [property: JsonPropertyName("auth_req_id")] string AuthReqId)
{
    /// <summary>Shows nothing of the secret.</summary>
    public override string ToString() => nameof(Ping);

    public static byte[] Of(string authReqId) => JsonSerializer.SerializeToUtf8Bytes(new Ping(authReqId), CallbackJson.Relaxed.Ping);
}

/// <summary>Section 10.3.1.</summary>
internal sealed record Push(
    [property: JsonPropertyName("auth_req_id")] string AuthReqId,
    [property: JsonPropertyName("access_token")] string AccessToken,
    [property: JsonPropertyName("token_type")] string TokenType,
    [property: JsonPropertyName("refresh_token")] string? RefreshToken,
    [property: JsonPropertyName("expires_in")] long ExpiresIn,
    [property: JsonPropertyName("id_token")] string IdToken,
    [property: JsonPropertyName("scope")] string? Scope,
    [property: JsonPropertyName("authorization_details")] IReadOnlyList<JsonElement>? AuthorizationDetails)
{
    /// <summary>Shows nothing of the secrets.</summary>
    public override string ToString() => nameof(Push);

    public static byte[] Of(string authReqId, IssuedTokens issued, DateTimeOffset now)
    {
        var tokens = issued.Tokens;
        var push = new Push(
            authReqId,
            tokens.AccessToken,
            tokens.TokenType,
            tokens.RefreshToken,
            (long)Math.Ceiling(issued.TimeLeft(now).TotalSeconds),
            tokens.IdToken,
            TokenResponse.ScopeWhereItDiffers(issued.Request),
            TokenResponse.DetailsIfAny(issued.Request));
        return JsonSerializer.SerializeToUtf8Bytes(push, CallbackJson.Relaxed.Push);
    }
}

/// <summary>Section 12.</summary>
internal sealed record PushError(
    [property: JsonPropertyName("auth_req_id")] string AuthReqId,
    [property: JsonPropertyName("error")] string Error,
    [property: JsonPropertyName("error_description")] string ErrorDescription)
{
    /// <summary>Shows nothing of the secret.</summary>
    public override string ToString() => nameof(PushError);

    public static byte[] Of(string authReqId, CibaError error) =>
        JsonSerializer.SerializeToUtf8Bytes(new PushError(authReqId, error.Error, error.Description), CallbackJson.Relaxed.PushError);
}

/// <summary>Tokens that were minted for a push, kept for the tries that follow in this process.</summary>
internal sealed record IssuedTokens(CibaTokens Tokens, CibaTokenRequest Request, DateTimeOffset IssuedAt)
{
    public TimeSpan TimeLeft(DateTimeOffset now) => Tokens.ExpiresIn - (now - IssuedAt);

    /// <summary>Shows nothing of the secrets.</summary>
    public override string ToString() => nameof(IssuedTokens);
}
