namespace Ciba.AspNetCore.Protocol;

/// <summary>Who issues the tokens. What is on without the host having said so hangs on it.</summary>
internal enum TokenSource
{
    /// <summary>The host's own token endpoint, which redeems by <see cref="ICibaGrants"/>: there is no <see cref="ICibaTokenIssuer"/>.</summary>
    TokenEndpointOfTheHost,

    /// <summary>An <see cref="ICibaTokenIssuer"/> of the host's own.</summary>
    IssuerOfTheHost,

    /// <summary><c>AddJwtTokenIssuer</c>.</summary>
    ReadyIssuer,
}
