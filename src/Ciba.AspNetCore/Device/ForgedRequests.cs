using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Device;

/// <summary>
/// Keeps other pages in the user's browser from saying yes: the client can work out the handle of its request, and the browser
/// sends the user's cookie along.
/// </summary>
internal static class ForgedRequests
{
    public static async ValueTask<DeviceProblem?> WhyNotAsync(HttpContext context)
    {
        if (context.Request.Headers["Sec-Fetch-Site"] is [not null and not "same-origin" and not "none"])
        {
            return DeviceProblem.OtherOrigin;
        }

        if (HttpMethods.IsGet(context.Request.Method) || !await IsByCookieAsync(context))
        {
            return null;
        }

        var antiforgery = context.RequestServices.GetService<IAntiforgery>()
            ?? throw new InvalidOperationException("The device API is called with a cookie: call AddAntiforgery(), and have the page send the antiforgery token in a header.");
        return await antiforgery.IsRequestValidAsync(context) ? null : DeviceProblem.NoAntiforgeryToken;
    }

    // Where a policy tries several schemes, all of them are named, whichever of them knew the user.
    private static async ValueTask<bool> IsByCookieAsync(HttpContext context)
    {
        if (context.Request.Headers.Cookie.Count == 0
            || context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Ticket?.AuthenticationScheme is not { } names)
        {
            return false;
        }

        var schemes = context.RequestServices.GetRequiredService<IAuthenticationSchemeProvider>();
        foreach (var name in names.Split(';'))
        {
            if (await schemes.GetSchemeAsync(name) is { } scheme && typeof(CookieAuthenticationHandler).IsAssignableFrom(scheme.HandlerType))
            {
                return true;
            }
        }

        return false;
    }
}
