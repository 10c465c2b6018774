using Microsoft.AspNetCore.Http;

namespace Ciba.AspNetCore.Jose;

/// <summary>Whether a JWT that is right in all else is used for the first time.</summary>
internal sealed class ReplayGuard(ICibaReplayCache cache)
{
    // The lifetime that common client libraries give an assertion to which they add no iat.
    private static readonly TimeSpan UsualLifetime = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Records the use under a key of <see cref="ReplayKeys"/>. The JWT has been checked: its times are numbers. A request that is
    /// answered 503 has used none: the client may send it again as it is.
    /// </summary>
    /// <exception cref="CibaStoreUnavailableException">The cache is full or cannot be reached.</exception>
    public async ValueTask<JwtUse> TryUseAsync(HttpContext context, string key, Jwt jwt, DateTimeOffset expiresAt)
    {
        if (cache is IForgetsAtRestart memory && IssuedAt(jwt, expiresAt) < memory.RemembersFrom)
        {
            return JwtUse.IssuedBeforeStart;
        }

        var use = Guid.NewGuid().ToString("N");
        if (!await cache.TryUseAsync(key, use, expiresAt, context.RequestAborted))
        {
            return JwtUse.Repeated;
        }

        context.Response.OnStarting(() => context.Response.StatusCode == StatusCodes.Status503ServiceUnavailable ? GiveBackAsync(key, use) : Task.CompletedTask);
        return JwtUse.First;
    }

    private async Task GiveBackAsync(string key, string use)
    {
        try
        {
            await cache.GiveBackAsync(key, use, CancellationToken.None);
        }
        catch (CibaStoreUnavailableException)
        {
            // The client has to sign another one.
        }
    }

    // The later of the two: what was not valid before the start was not used before it.
    private static DateTimeOffset IssuedAt(Jwt jwt, DateTimeOffset expiresAt)
    {
        jwt.TryGetTime("iat", out var issuedAt);
        jwt.TryGetTime("nbf", out var notBefore);
        return issuedAt is null || issuedAt < notBefore ? notBefore ?? expiresAt - UsualLifetime : issuedAt.Value;
    }
}

/// <summary>A replay cache that begins empty with the process.</summary>
internal interface IForgetsAtRestart
{
    /// <summary>What was issued before this may have been used before.</summary>
    DateTimeOffset RemembersFrom { get; }
}

/// <summary>What <see cref="ReplayGuard"/> found.</summary>
internal enum JwtUse
{
    /// <summary>The first use.</summary>
    First,

    /// <summary>The JWT was used before, or has expired meanwhile.</summary>
    Repeated,

    /// <summary>The JWT may have been used before this process began, which only a memory cache does not know.</summary>
    IssuedBeforeStart,
}
