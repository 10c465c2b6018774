using Ciba.AspNetCore.Protocol;

namespace Ciba.AspNetCore.Clients;

/// <summary>RFC 9449 section 5.2: what <c>dpop_bound_access_tokens</c> needs.</summary>
internal static partial class ClientRules
{
    /// <summary>What stands against a client whose tokens are bound by DPoP where that is switched off; null where it is on.</summary>
    public static string? DpopIsOff(CibaClient client, CibaOptions options) =>
        !client.DpopBoundAccessTokens || options.Dpop is null || options.DpopAlgorithms.Count > 0 ? null
        : options.TokenSource == TokenSource.ReadyIssuer
            ? $"Client '{client.ClientId}': DpopBoundAccessTokens is set and DPoP is switched off; put algorithms into CibaOptions.Dpop.SigningAlgValuesSupported, or leave it null."
        : $"Client '{client.ClientId}': DpopBoundAccessTokens is set and DPoP is off, as the host issues the tokens and has not said that it binds them; put algorithms into CibaOptions.Dpop.SigningAlgValuesSupported.";
}
