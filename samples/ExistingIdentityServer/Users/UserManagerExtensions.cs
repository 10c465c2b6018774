using Microsoft.EntityFrameworkCore;

namespace ExistingIdentityServer;

/// <summary>What this server knows of its users beside what ASP.NET Core Identity does.</summary>
public static class UserManagerExtensions
{
    private const string PinProvider = "CallCentre";
    private const string PinName = "Pin";

    /// <summary>The user with this e-mail address, phone number or user name; null where that is nobody's, or of two users.</summary>
    public static async Task<IdentityUser?> FindByAnyNameAsync(this UserManager<IdentityUser> users, string name)
    {
        // PostgreSQL knows no U+0000.
        if (name.Any(char.IsControl))
        {
            return null;
        }

        var (email, userName) = (users.NormalizeEmail(name), users.NormalizeName(name));
        var found = await users.Users
            .Where(user => user.NormalizedUserName == userName
                || (user.NormalizedEmail == email && user.EmailConfirmed)
                || (user.PhoneNumber == name && user.PhoneNumberConfirmed))
            .OrderBy(user => user.Id)
            .Take(2)
            .ToListAsync();
        return found is [var only] ? only : null;
    }

    /// <summary>Whether there is such a user, who is not locked out.</summary>
    public static async Task<bool> IsActiveAsync(this UserManager<IdentityUser> users, string userId) =>
        await users.FindByIdAsync(userId) is { } user && !await users.IsLockedOutAsync(user);

    /// <summary>Whether the user has a PIN, which users say to prove themselves when they call. Its hash is kept.</summary>
    public static async Task<bool> HasPinAsync(this UserManager<IdentityUser> users, IdentityUser user) =>
        await users.GetAuthenticationTokenAsync(user, PinProvider, PinName) is not null;

    public static async Task<bool> CheckPinAsync(this UserManager<IdentityUser> users, string userId, string pin) =>
        await users.FindByIdAsync(userId) is { } user
        && await users.GetAuthenticationTokenAsync(user, PinProvider, PinName) is { } hash
        && users.PasswordHasher.VerifyHashedPassword(user, hash, pin) != PasswordVerificationResult.Failed;

    public static Task SetPinAsync(this UserManager<IdentityUser> users, IdentityUser user, string pin) =>
        users.SetAuthenticationTokenAsync(user, PinProvider, PinName, users.PasswordHasher.HashPassword(user, pin));
}
