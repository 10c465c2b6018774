using System.Globalization;
using System.Security.Claims;
using Ciba.AspNetCore;

namespace Quickstart;

/// <summary>What a user's name and password prove: the first of the authentication context classes that are configured.</summary>
public static class PasswordSignIn
{
    /// <param name="user">The user whose password was right.</param>
    /// <param name="options">Where the classes are configured.</param>
    /// <param name="scheme">The authentication scheme.</param>
    /// <param name="now">When the password was asked for: the library does not guess it.</param>
    /// <param name="more">What else is known of the sign-in.</param>
    public static ClaimsPrincipal Of(User user, CibaOptions options, string scheme, DateTimeOffset now, params Claim[] more)
    {
        Claim[] reached = Acr(options) is { } acr ? [new("acr", acr)] : [];
        var authTime = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return new ClaimsPrincipal(new ClaimsIdentity([new("sub", user.Subject), new("amr", "pwd"), .. reached, new("auth_time", authTime), .. more], scheme));
    }

    public static string? Acr(CibaOptions options) => options.AcrValuesSupported.FirstOrDefault();
}
