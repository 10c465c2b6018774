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

    public static Push Create(string authReqId, IssuedTokens issued) => new(
        authReqId,
        issued.Tokens.AccessToken,
        issued.Tokens.TokenType,
        issued.Tokens.RefreshToken,
        0,
        issued.Tokens.IdToken,
        TokenResponse.ScopeWhereItDiffers(issued.Request),
        TokenResponse.DetailsIfAny(issued.Request));
}

/// <summary>A push whose tokens were minted, and are the same at every try.</summary>
internal sealed record MintedPush(
    [property: JsonPropertyName("push")] Push Push,
    [property: JsonPropertyName("expires_at")] DateTimeOffset ExpiresAt)
{
    public static MintedPush Create(string authReqId, IssuedTokens issued) => new(Push.Create(authReqId, issued), issued.IssuedAt + issued.Tokens.ExpiresIn);

    /// <summary>The push that an outbox has kept.</summary>
    public static MintedPush? Read(ReadOnlyMemory<byte> kept) => kept.IsEmpty ? null : JsonSerializer.Deserialize(kept.Span, CallbackJson.Relaxed.MintedPush);

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, CallbackJson.Relaxed.MintedPush);

    public TimeSpan TimeLeft(DateTimeOffset now) => ExpiresAt - now;

    public byte[] Body(DateTimeOffset now) =>
        JsonSerializer.SerializeToUtf8Bytes(Push with { ExpiresIn = (long)Math.Ceiling(TimeLeft(now).TotalSeconds) }, CallbackJson.Relaxed.Push);

    /// <summary>Shows nothing of the secrets.</summary>
    public override string ToString() => nameof(MintedPush);
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

/// <summary>Tokens that were minted for a push.</summary>
internal sealed record IssuedTokens(CibaTokens Tokens, CibaTokenRequest Request, DateTimeOffset IssuedAt)
{
    /// <summary>Shows nothing of the secrets.</summary>
    public override string ToString() => nameof(IssuedTokens);
}
