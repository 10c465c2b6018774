namespace Ciba.AspNetCore;

/// <summary>
/// Issues the tokens of an approved request. <c>AddJwtTokenIssuer</c> is the ready one; a host that has a token service
/// implements this and registers it with <c>AddTokenIssuer</c>.
/// </summary>
public interface ICibaTokenIssuer
{
    /// <summary>
    /// Issues tokens: an access token and an ID Token at least. An exception leaves the approval as it is: the client gets
    /// <c>server_error</c> and may poll again; in push mode this is called again after a while.
    /// </summary>
    /// <param name="request">What was approved, by whom, for whom.</param>
    /// <param name="cancellationToken">Fires when the client has gone or <see cref="CibaOptions.RedemptionLease"/> is over; in push mode after <see cref="CibaCallbackOptions.Timeout"/>.</param>
    ValueTask<CibaTokens> IssueAsync(CibaTokenRequest request, CancellationToken cancellationToken);
}

/// <summary>The tokens for the client (CIBA Core section 10.1.1). Secrets: not to be logged.</summary>
public sealed class CibaTokens
{
    /// <summary>The access token. Required.</summary>
    public required string AccessToken { get; init; }

    /// <summary>The access token's type. Default <c>Bearer</c>.</summary>
    public string TokenType { get; init; } = "Bearer";

    /// <summary>How long the access token is good for; whole seconds go to the client. Required.</summary>
    public required TimeSpan ExpiresIn { get; init; }

    /// <summary>The ID Token. Required.</summary>
    public required string IdToken { get; init; }

    /// <summary>A refresh token, where the host gives one.</summary>
    public string? RefreshToken { get; init; }
}
