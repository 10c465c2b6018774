using System.Globalization;
using System.Security.Claims;

namespace ExistingIdentityServer;

/// <summary>What the cookie of a signed-in user says.</summary>
public static class Session
{
    private const string AuthTimeClaim = "auth_time";

    public static string Subject(this ClaimsPrincipal user) => user.FindFirstValue(ClaimTypes.NameIdentifier)!;

    /// <summary>When the user gave the password.</summary>
    public static DateTimeOffset AuthTime(this ClaimsPrincipal user) =>
        DateTimeOffset.FromUnixTimeSeconds(long.Parse(user.FindFirstValue(AuthTimeClaim)!, CultureInfo.InvariantCulture));

    public static Claim AuthTimeNow(TimeProvider time) => new(AuthTimeClaim, time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));

    /// <summary>Identity makes the claims anew from time to time, and would forget those that are of the session.</summary>
    public static Task KeepAuthTime(SecurityStampRefreshingPrincipalContext context)
    {
        if (context is { CurrentPrincipal: { } current, NewPrincipal.Identity: ClaimsIdentity renewed })
        {
            renewed.AddClaims(current.FindAll(AuthTimeClaim));
        }

        return Task.CompletedTask;
    }
}
