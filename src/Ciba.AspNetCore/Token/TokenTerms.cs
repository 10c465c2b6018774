using Ciba.AspNetCore.Authentication;
using Ciba.AspNetCore.Http;

namespace Ciba.AspNetCore.Token;

/// <summary>What a token request adds to the authentication request: the keys that were shown, and the resources it is narrowed to.</summary>
internal sealed record TokenTerms(CibaConfirmation Shown, IReadOnlyList<string> Resources)
{
    private static readonly CibaError NoProof = CibaError.InvalidGrant.With("The authentication request named a key (dpop_jkt): send a DPoP proof of it.");
    private static readonly CibaError OtherKey = CibaError.InvalidGrant.With("The DPoP proof is of another key than the one that the authentication request named (dpop_jkt).");
    private static readonly CibaError OtherResource = CibaError.InvalidTarget.With("The authentication request did not ask for one of these resources.");

    /// <summary>Nothing shown and nothing narrowed.</summary>
    public static TokenTerms None { get; } = new(CibaConfirmation.None, []);

    /// <summary>These terms in the words of the request, or why an approved request is not to be redeemed on them.</summary>
    public Outcome<TokenTerms> Within(CibaRequest request)
    {
        if (request.Confirmation?.DpopKeyThumbprint is { } named && named != Shown.DpopKeyThumbprint)
        {
            return Shown.DpopKeyThumbprint is null ? NoProof : OtherKey;
        }

        return ResourceIndicators.FindAmong([.. request.Resources], Resources) is { } resources ? this with { Resources = resources } : OtherResource;
    }
}
