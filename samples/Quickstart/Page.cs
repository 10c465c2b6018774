using Ciba.AspNetCore;
using Microsoft.Extensions.Options;

namespace Quickstart;

/// <summary>The page on <c>/</c>, where a person plays both devices. <c>Quickstart:Page</c> false leaves it out.</summary>
public static class Page
{
    // Only the files beside the page run, and nothing of them can be turned into a script.
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    public static bool HasPage(this IConfiguration configuration) => configuration.GetValue("Quickstart:Page", true);

    /// <param name="app">The application.</param>
    /// <param name="hasDesk">Whether everybody who opens the page may act as the clients whose secrets are in the configuration.</param>
    public static void MapPage(this WebApplication app, bool hasDesk)
    {
        app.UseDefaultFiles();
        app.UseStaticFiles(new StaticFileOptions
        {
            OnPrepareResponse = file =>
            {
                var headers = file.Context.Response.Headers;
                headers.ContentSecurityPolicy = ContentSecurityPolicy;
                headers.XContentTypeOptions = "nosniff";
                headers["Referrer-Policy"] = "no-referrer";
                headers.CacheControl = "no-cache";
            },
        });

        var demo = app.MapGroup("/demo").AddEndpointFilter(GuardAsync);
        demo.MapPhone();
        if (hasDesk)
        {
            demo.MapDesk();
        }
    }

    // What the library asks of its own endpoints.
    private static async ValueTask<object?> GuardAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var context = invocation.HttpContext;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        var options = context.RequestServices.GetRequiredService<IOptions<CibaOptions>>().Value;
        if (options.RequireHttps && !Transport.IsSecure(context, options))
        {
            return HttpsRequired();
        }

        return Transport.IsFromAnotherOrigin(context.Request)
            ? Problem("other_origin", "Requests from pages of another origin are refused.", StatusCodes.Status403Forbidden)
            : await next(invocation);
    }

    public static IResult HttpsRequired() => Problem("https_required", "Use https: plain http is refused here.");

    /// <summary>A refusal that the page puts into words by its code.</summary>
    public static IResult Problem(string error, string? detail, int status = StatusCodes.Status400BadRequest) =>
        Results.Problem(statusCode: status, detail: detail, extensions: new Dictionary<string, object?> { ["error"] = error });
}
