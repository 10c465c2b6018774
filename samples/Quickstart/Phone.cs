using System.Security.Claims;
using Ciba.AspNetCore;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.Extensions.Options;

namespace Quickstart;

/// <summary>
/// The page's phone: signs a user in with a cookie, beside the name and password that curl sends each time, and hands out the
/// antiforgery token that a POST with that cookie needs.
/// </summary>
public static class Phone
{
    public const string Scheme = "Phone";

    private const string TokenHeader = "X-CSRF-TOKEN";

    public static AuthenticationBuilder AddPhone(this AuthenticationBuilder authentication)
    {
        authentication.Services.AddAntiforgery(options =>
        {
            options.HeaderName = TokenHeader;
            Harden(options.Cookie, "quickstart-antiforgery");
        });
        return authentication.AddCookie(Scheme, options =>
        {
            Harden(options.Cookie, "quickstart-phone");
            options.ExpireTimeSpan = PhoneSessions.Life;

            options.Events.OnValidatePrincipal = async context =>
            {
                if (!await context.HttpContext.RequestServices.GetRequiredService<PhoneSessions>().IsOpenAsync(context.Principal, context.HttpContext))
                {
                    context.RejectPrincipal();
                }
            };

            // The page asks with fetch, which a redirect to a sign-in page would only confuse.
            options.Events.OnRedirectToLogin = context => Answer(context, StatusCodes.Status401Unauthorized);
            options.Events.OnRedirectToAccessDenied = context => Answer(context, StatusCodes.Status403Forbidden);
        });
    }

    public static void MapPhone(this IEndpointRouteBuilder endpoints)
    {
        var phone = endpoints.MapGroup("/phone");
        phone.MapGet("/session", SessionAsync);
        phone.MapPost("/sign-in", SignInAsync);
        phone.MapPost("/sign-out", (HttpContext context, [AsParameters] PhoneServices services) => ForUserAsync(context, services, async _ =>
        {
            await services.Sessions.EndAsync(context.User);
            await context.SignOutAsync(Scheme);
            context.User = new ClaimsPrincipal(new ClaimsIdentity());
        }));
        phone.MapPost("/unblock", (ClientToUnblock client, HttpContext context, [AsParameters] PhoneServices services) => ForUserAsync(context, services, subject =>
        {
            if (client.ClientId is { } id)
            {
                services.Blocks.Remove(subject, id);
            }


            return Task.CompletedTask;
        }));
    }

    private static async Task<IResult> SessionAsync(HttpContext context, [AsParameters] PhoneServices services)
    {
        await AuthenticateAsync(context);
        return Session(context, services);
    }

    private static async Task<IResult> SignInAsync(HttpContext context, Credentials credentials, [AsParameters] PhoneServices services)
    {
        if (!await services.Antiforgery.IsRequestValidAsync(context))
        {
            return StalePage();
        }

        var checkedPassword = services.Passwords.Check(context, credentials.Username ?? "", credentials.Password ?? "");
        if (checkedPassword.RetryAfter is { } retryAfter)
        {
            return PasswordCheck.Refuse(context, retryAfter);
        }

        if (checkedPassword.User is not { } user)
        {
            return Page.Problem("sign_in_failed", "The name or the password is wrong.");
        }

        // Nothing is left of the session before, if there is one.
        await AuthenticateAsync(context);
        await services.Sessions.EndAsync(context.User);
        context.User = PasswordSignIn.Of(user, services.Options.Value, Scheme, services.Time.GetUtcNow(), await services.Sessions.BeginAsync());
        await context.SignInAsync(Scheme, context.User);
        return Session(context, services);
    }

    // What changes something is done for the user whose page asks for it, or not at all.
    private static async Task<IResult> ForUserAsync(HttpContext context, PhoneServices services, Func<string, Task> act)
    {
        await AuthenticateAsync(context);
        if (context.User.FindFirstValue("sub") is not { } subject || !await services.Antiforgery.IsRequestValidAsync(context))
        {
            return StalePage();
        }

        await act(subject);
        return Session(context, services);
    }

    private static async Task AuthenticateAsync(HttpContext context)
    {
        if (await context.AuthenticateAsync(Scheme) is { Principal: { } principal })
        {
            context.User = principal;
        }
    }

    // The token is one for this user: whoever signs in or out gets another.
    private static IResult Session(HttpContext context, PhoneServices services)
    {
        var users = services.Users;
        var user = context.User.FindFirstValue("sub") is { } subject ? users.BySubject(subject) : null;
        return Results.Ok(new PhoneSession(
            user?.Subject,
            user is null ? null : user.Name ?? user.Username ?? user.Subject,
            user is null ? [] : [.. services.Blocks.Of(user.Subject)],
            services.Antiforgery.GetAndStoreTokens(context).RequestToken!,
            TokenHeader,
            users.All.Any(known => known is { Active: true, Username: not null, Password: not null }),
            ReferenceEquals(users.All, Demo.Users) ? [.. Demo.Users.Select(known => new Credentials(known.Username, known.Password))] : [],
            services.Options.Value.Issuer,
            services.Time.GetUtcNow()));
    }

    private static IResult StalePage() => Page.Problem("stale_page", "The antiforgery token is missing, or another user's.");

    private static void Harden(CookieBuilder cookie, string name)
    {
        cookie.Name = name;
        cookie.HttpOnly = true;
        cookie.SameSite = SameSiteMode.Strict;
        cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
    }

    private static Task Answer(RedirectContext<CookieAuthenticationOptions> context, int status)
    {
        // Basic, which is asked before, may have refused already.
        if (!context.Response.HasStarted)
        {
            context.Response.StatusCode = status;
        }

        return Task.CompletedTask;
    }
}

/// <summary>A user name and a password.</summary>
public sealed record Credentials(string? Username, string? Password);

/// <summary>The client that may ask again. Not a part of the path, where an identifier with a slash is two.</summary>
public sealed record ClientToUnblock(string? ClientId);

/// <summary>Who is signed in on the phone, and what its page needs to go on.</summary>
/// <param name="Id">The user, whose name others may have too; null if nobody is signed in.</param>
/// <param name="User">The name to greet, null where nobody is signed in.</param>
/// <param name="Blocked">The clients that this user has blocked.</param>
/// <param name="RequestToken">The antiforgery token.</param>
/// <param name="TokenHeader">The header that carries it.</param>
/// <param name="CanSignIn">Whether any user has a password.</param>
/// <param name="DemoUsers">The built-in users, whose passwords are no secret.</param>
/// <param name="Issuer">Whose logos are shown; those of others would tell their servers that the phone looks.</param>
/// <param name="Now">By which the page shows the time that is left, however wrong the browser's clock is.</param>
public sealed record PhoneSession(
    string? Id, string? User, BlockedClient[] Blocked, string RequestToken, string TokenHeader, bool CanSignIn, Credentials[] DemoUsers, string Issuer, DateTimeOffset Now);

/// <summary>What the phone's endpoints work with.</summary>
public sealed record PhoneServices(UserList Users, PasswordCheck Passwords, PhoneSessions Sessions, Blocks Blocks, IAntiforgery Antiforgery, IOptions<CibaOptions> Options, TimeProvider Time);
