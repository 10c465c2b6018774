using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Knows a user by the header <c>X-Header-User</c> of each call, as a bearer token would name one.</summary>
public sealed class HeaderAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public static ClaimsPrincipal Principal(string user, string scheme) => new(new ClaimsIdentity([new("sub", FakeUsers.SubjectOf(user)), new(ClaimTypes.NameIdentifier, FakeUsers.SubjectOf(user))], scheme));

    protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(Request.Headers["X-Header-User"] is [{ } user]
        ? AuthenticateResult.Success(new AuthenticationTicket(Principal(user, Scheme.Name), Scheme.Name))
        : AuthenticateResult.NoResult());
}
