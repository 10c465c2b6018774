using System.Security.Claims;
using Ciba.AspNetCore;

namespace Quickstart;

/// <summary>What a user's name and password prove: the first of the authentication context classes that are configured.</summary>
public static class PasswordSignIn
{
    public static ClaimsPrincipal Of(User user, CibaOptions options, string scheme, params Claim[] more)
    {
        Claim[] reached = Acr(options) is { } acr ? [new("acr", acr)] : [];
        return new ClaimsPrincipal(new ClaimsIdentity([new("sub", user.Subject), new("amr", "pwd"), .. reached, .. more], scheme));
    }

    public static string? Acr(CibaOptions options) => options.AcrValuesSupported.FirstOrDefault();
}
