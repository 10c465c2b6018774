using Ciba.AspNetCore.Protocol;

namespace Ciba.AspNetCore.Startup;

/// <summary>Lists of which each entry must be something that a client can ask for.</summary>
internal static partial class OptionRules
{
    private static IEnumerable<string?> CheckLists(CibaOptions options) =>
    [
        options.ScopesSupported is null ? Option(nameof(CibaOptions.ScopesSupported), "must be a list") : null,
        .. (options.ScopesSupported ?? []).Where(scope => !CanBeAskedFor(scope)).Select(scope =>
            Option(nameof(CibaOptions.ScopesSupported), $"holds '{scope}', which is no scope: each entry is one or more printable ASCII characters without space, quotation mark and backslash (RFC 6749 section 3.3)")),
        options.AcrValuesSupported is null ? Option(nameof(CibaOptions.AcrValuesSupported), "must be a list") : null,
        .. (options.AcrValuesSupported ?? []).Where(acr => !CanBeAskedFor(acr)).Select(acr =>
            Option(nameof(CibaOptions.AcrValuesSupported), $"holds '{acr}', for which no client can ask: each entry is one or more printable ASCII characters without space, quotation mark and backslash")),
        options.AuthorizationDetailsTypesSupported is null ? Option(nameof(CibaOptions.AuthorizationDetailsTypesSupported), "must be a list")
            : options.AuthorizationDetailsTypesSupported.Any(string.IsNullOrEmpty) ? Option(nameof(CibaOptions.AuthorizationDetailsTypesSupported), "has an empty entry; leave it out") : null,
        options.DeviceApi.AllowedClients.Any(string.IsNullOrEmpty) ? Option($"{nameof(CibaOptions.DeviceApi)}.{nameof(options.DeviceApi.AllowedClients)}", "has an empty entry; leave it out") : null,
    ];

    private static bool CanBeAskedFor(string? text) => text is not null && SpaceSeparated.IsValue(text);
}
