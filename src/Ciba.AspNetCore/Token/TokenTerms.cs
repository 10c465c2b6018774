using System.Text.Json;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Protocol;

namespace Ciba.AspNetCore.Token;

/// <summary>What a token request adds to the authentication request: the keys that were shown, and what it narrows the tokens to.</summary>
internal sealed record TokenTerms(CibaConfirmation Shown, IReadOnlyList<string> Resources, IReadOnlyList<JsonElement> AuthorizationDetails)
{
    private static readonly CibaError NoProof = CibaError.InvalidGrant.With("The authentication request named a key (dpop_jkt): send a DPoP proof of it.");
    private static readonly CibaError OtherKey = CibaError.InvalidGrant.With("The DPoP proof is of another key than the one that the authentication request named (dpop_jkt).");
    private static readonly CibaError OtherResource = CibaError.InvalidTarget.With("The authentication request did not ask for one of these resources.");
    private static readonly CibaError OtherDetails = CibaError.InvalidAuthorizationDetails.With("authorization_details must be some of those that the user granted for these resources, each as it was: leave out the others.");

    /// <summary>Nothing shown and nothing narrowed.</summary>
    public static TokenTerms None { get; } = new(CibaConfirmation.None, [], []);

    /// <summary>What the parameters of a token request narrow, whether there is so much or not.</summary>
    public static Outcome<TokenTerms> Read(FormParameters form, CibaConfirmation shown)
    {
        if (ResourceIndicators.Read(form).Failed(out var error, out var resources) || AuthorizationDetailsRules.Read(form["authorization_details"]).Failed(out error, out var details))
        {
            return error;
        }

        return shown.IsNone && resources.Length == 0 && details.Length == 0 ? None : new TokenTerms(shown, resources, details);
    }

    /// <summary>What the tokens of an approved request are for on these terms, or why there are none.</summary>
    public Outcome<TokenTerms> Within(CibaRequest request, CibaDecision decision)
    {
        if (request.Confirmation?.DpopKeyThumbprint is { } named && named != Shown.DpopKeyThumbprint)
        {
            return Shown.DpopKeyThumbprint is null ? NoProof : OtherKey;
        }

        if (ResourceIndicators.FindAmong(request.Resources, Resources) is not { } narrowed)
        {
            return OtherResource;
        }

        var resources = narrowed.Length > 0 ? narrowed : request.Resources;
        var granted = AuthorizationDetailsRules.For(resources, decision.AuthorizationDetails);
        var details = AuthorizationDetails.Count > 0 ? AuthorizationDetailsRules.FindAmong(granted, AuthorizationDetails) : granted;
        return details is null ? OtherDetails : new TokenTerms(Shown, resources, details);
    }
}
