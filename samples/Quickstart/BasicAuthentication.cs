using System.Net.Http.Headers;
using System.Text;
using System.Text.Encodings.Web;
using Ciba.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Quickstart;

/// <summary>Signs a user in with HTTP Basic, which curl can do.</summary>
public sealed class BasicAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    PasswordCheck passwords,
    IOptions<CibaOptions> ciba) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public new const string Scheme = "Basic";

    private TimeSpan? _retryAfter;

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (!AuthenticationHeaderValue.TryParse(Request.Headers.Authorization, out var header) || header is not { Scheme: Scheme, Parameter: { } parameter })
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        var bytes = new byte[parameter.Length];
        var pair = Convert.TryFromBase64String(parameter, bytes, out var length) ? Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2) : [];
        var checkedPassword = pair is [var username, var password] ? passwords.Check(Context, username, password) : default;
        _retryAfter = checkedPassword.RetryAfter;
        if (checkedPassword.User is not { } user)
        {
            return Task.FromResult(AuthenticateResult.Fail("The name or the password is wrong."));
        }

        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(PasswordSignIn.Of(user, ciba.Value, Scheme, TimeProvider.GetUtcNow()), Scheme)));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (_retryAfter is { } retryAfter)
        {
            return PasswordCheck.Refuse(Context, retryAfter).ExecuteAsync(Context);
        }

        // A browser would ask with a window of its own in the middle of the page, which has a sign-in already.
        if (!Request.Headers.ContainsKey("Sec-Fetch-Site"))
        {
            Response.Headers.WWWAuthenticate = "Basic realm=\"Device\", charset=\"UTF-8\"";
        }

        return base.HandleChallengeAsync(properties);
    }
}
