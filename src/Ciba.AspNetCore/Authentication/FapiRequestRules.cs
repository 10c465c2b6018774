using System.Diagnostics.CodeAnalysis;
using Ciba.AspNetCore.Profiles;

namespace Ciba.AspNetCore.Authentication;

/// <summary>What the FAPI-CIBA profile asks of an authentication request.</summary>
internal static class FapiRequestRules
{
    private static readonly CibaError NothingNamed = CibaError.InvalidRequest.With("binding_message or authorization_details is required, so that the user knows what is approved (FAPI-CIBA section 5.2.2).");

    /// <summary>Section 5.2.2-2: the user is told what is approved.</summary>
    public static bool Failed(AuthenticationRequest asked, CibaClient client, CibaOptions options, [NotNullWhen(true)] out CibaError? error)
    {
        error = FapiCiba.AppliesTo(client, options) && asked.BindingMessage is null && asked.AuthorizationDetails.Count == 0 ? NothingNamed : null;
        return error is not null;
    }

    /// <summary>Section 5.2.2-8: of those asked for and supported one must be reached; none where none of them is supported.</summary>
    public static IReadOnlyList<string> RequiredAcrValues(AuthenticationRequest asked, CibaClient client, CibaOptions options) =>
        asked.Claims.RequiredAcrValues.Count > 0 || !FapiCiba.AppliesTo(client, options) ? asked.Claims.RequiredAcrValues
        : [.. asked.AcrValues.Where(options.AcrValuesSupported.Contains)];
}
