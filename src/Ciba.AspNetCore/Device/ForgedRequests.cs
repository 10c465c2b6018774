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
        if (IsOfAnotherOrigin(context.Request))
        {
            return DeviceProblem.OtherOrigin;
        }

        if (HttpMethods.IsGet(context.Request.Method) || !await MayBeByCookieAsync(context))
        {
            return null;
        }

        var antiforgery = context.RequestServices.GetService<IAntiforgery>()
            ?? throw new InvalidOperationException("The device API is called with a cookie and without an Authorization header: call AddAntiforgery(), and have the page send the antiforgery token in a header.");
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

    // Browsers say in one of these headers where a call comes from, and no page can change them.
    private static bool IsOfAnotherOrigin(HttpRequest request) => request.Headers["Sec-Fetch-Site"] is { Count: > 0 } site
        ? site is not ["same-origin"] and not ["none"]
        : request.Headers.Origin is { Count: > 0 } origin && !(origin is [{ } text] && IsOwnOrigin(text, request));

    private static bool IsOwnOrigin(string origin, HttpRequest request) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var theirs)
        && Uri.TryCreate($"{request.Scheme}://{request.Host}", UriKind.Absolute, out var ours)
        && Uri.Compare(theirs, ours, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0;

    /// <summary>
    /// No page of another origin can send an <c>Authorization</c> header of its own. Without one, whatever knows the user may have
    /// read a cookie, be it a handler of the host's own.
    /// </summary>
    private static async ValueTask<bool> MayBeByCookieAsync(HttpContext context)
    {
        if (context.Request.Headers.Cookie.Count == 0)
        {
            return false;
        }

        if (context.Request.Headers.Authorization.Count == 0)
        {
            return true;
        }

        // Where a policy tries several schemes, all of them are named, whichever of them knew the user.
        if (context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Ticket?.AuthenticationScheme is not { } names)
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
