using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Device;

/// <summary>
/// Keeps other pages in the user's browser from saying yes: the client can work out the handle of its request, and the browser
/// sends the user's cookie along.
/// </summary>
internal static partial class ForgedRequests
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

    /// <summary>Says at the start what users would else find out: that no <c>POST</c> by cookie can be taken.</summary>
    public static async Task WarnAsync(IServiceProvider services)
    {
        if (services.GetRequiredService<DeviceApiUse>().IsMapped
            && services.GetService<IAuthenticationSchemeProvider>() is { } schemes
            && !services.GetRequiredService<IServiceProviderIsService>().IsService(typeof(IAntiforgery))
            && (await schemes.GetAllSchemesAsync()).FirstOrDefault(IsCookie) is { } cookie)
        {
            AntiforgeryIsMissing(services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ForgedRequests)), cookie.Name);
        }
    }

    private static bool IsCookie(AuthenticationScheme scheme) => typeof(CookieAuthenticationHandler).IsAssignableFrom(scheme.HandlerType);

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
            if (await schemes.GetSchemeAsync(name) is { } scheme && IsCookie(scheme))
            {
                return true;
            }
        }

        return false;
    }

    [LoggerMessage(1, LogLevel.Warning, "The authentication scheme {Scheme} is a cookie, and there is no antiforgery: every POST to the device API with that cookie will be answered 500. Call AddAntiforgery(), and have the page send the antiforgery token in a header")]
    private static partial void AntiforgeryIsMissing(ILogger logger, string scheme);
}

/// <summary>Whether the host has the device API.</summary>
internal sealed class DeviceApiUse
{
    public bool IsMapped { get; set; }
}
