using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Device;

/// <summary>
/// The user who calls the device API. A principal can have several identities, each from another sign-in. Everything is read from the
/// first one that is authenticated and has a subject.
/// </summary>
internal sealed class DeviceUser
{
    // What the JWT bearer handler of ASP.NET Core makes of acr and amr unless it is told not to.
    private const string MappedAcr = "http://schemas.microsoft.com/claims/authnclassreference";
    private const string MappedAmr = "http://schemas.microsoft.com/claims/authnmethodsreferences";

    private readonly ClaimsIdentity _identity;
    private readonly Claim _subject;

    private DeviceUser(ClaimsIdentity identity, Claim subject)
    {
        _identity = identity;
        _subject = subject;
    }

    public ClaimsIdentity Identity => _identity;

    public string Subject => _subject.Value;

    public string? Acr => Value("acr") ?? Value(MappedAcr);

    public IReadOnlyList<string> Amr => [.. _identity.Claims.Where(claim => claim.Type is "amr" or MappedAmr).Select(claim => claim.Value)];

    /// <summary>The issuer of the identity, which is not always an issuer of this provider.</summary>
    public string Issuer => Value("iss") ?? _subject.Issuer;

    /// <summary>The clients to which the identity's token was issued. Empty if the identity does not come from a token.</summary>
    public IReadOnlyList<string> IssuedTo
    {
        get
        {
            string[] named = [.. Values("client_id"), .. Values("azp")];

            // An ID Token names its client by its audience alone.
            return named.Length > 0 ? named : [.. Values("aud")];
        }
    }

    public static DeviceUser? Find(ClaimsPrincipal principal)
    {
        foreach (var identity in principal.Identities)
        {
            if (identity.IsAuthenticated && SubjectOf(identity) is { Value.Length: > 0 } subject)
            {
                return new DeviceUser(identity, subject);
            }
        }

        return null;
    }

    /// <summary>
    /// Gets when the user authenticated: the claim <c>auth_time</c>, or when the ticket of the session was issued. Null if neither is
    /// known.
    /// </summary>
    public async ValueTask<DateTimeOffset?> GetAuthTimeAsync(HttpContext context) => AuthTime() ?? await TicketIssuedAtAsync(context);

    private DateTimeOffset? AuthTime() =>
        long.TryParse(Value("auth_time"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    private async ValueTask<DateTimeOffset?> TicketIssuedAtAsync(HttpContext context)
    {
        // The ticket of a token is as old as the token, which is renewed without the user.
        if (Value("exp") is not null)
        {
            return null;
        }

        if (context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Ticket is not { } ticket)
        {
            return null;
        }

        if (ticket.Properties.IssuedUtc is { } issuedAt && IsOf(ticket.Principal))
        {
            return issuedAt;
        }

        // A policy that names its schemes merges their tickets into one, which has no such time. Each scheme keeps its own.
        var schemes = context.RequestServices.GetRequiredService<IAuthenticationSchemeProvider>();
        foreach (var name in ticket.AuthenticationScheme.Split(';'))
        {
            if (await schemes.GetSchemeAsync(name) is not null && await context.AuthenticateAsync(name) is { Succeeded: true } result && IsOf(result.Principal))
            {
                return result.Properties?.IssuedUtc;
            }
        }

        return null;
    }

    // Not by reference: a claims transformation may make a new identity at each call.
    private bool IsOf(ClaimsPrincipal principal) =>
        principal.Identities.Any(identity => identity.AuthenticationType == _identity.AuthenticationType && SubjectOf(identity)?.Value == Subject);

    private static Claim? SubjectOf(ClaimsIdentity identity) => identity.FindFirst("sub") ?? identity.FindFirst(ClaimTypes.NameIdentifier);

    private string? Value(string type) => _identity.FindFirst(type)?.Value;

    private IEnumerable<string> Values(string type) => _identity.FindAll(type).Select(claim => claim.Value);
}
