using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;

namespace Ciba.AspNetCore.Tests;

/// <summary>A shared token path on which the host wants something that middleware sees to.</summary>
[Spec("T11")]
public sealed class SharedTokenPathConventionTests
{
    [Test]
    public async Task A_rate_limit_on_a_shared_path_is_kept_where_the_endpoints_run_before_the_middleware()
    {
        await using var host = new CibaHost
        {
            Options = options => options.TokenPathIsShared = true,
            Setup = ciba => ciba.Services.AddRateLimiter(OneRequest),
            Map = app =>
            {
                app.UseRateLimiter();
                app.MapCiba().RequireRateLimiting("one");
                app.UseEndpoints(_ => { });
                app.Run(TheHostAsync);
            },
            Endpoints = _ => { },
        };

        var first = await host.PollAsync(ClientCalls.UnknownRequest);
        var other = await host.PostAsync("/token", [("grant_type", "password")]);
        var second = await host.PollAsync(ClientCalls.UnknownRequest);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { first.Error, other.Body }, Is.EqualTo(new[] { "invalid_grant", "the host" }));
            Assert.That(second.Status, Is.EqualTo(HttpStatusCode.TooManyRequests));
        }
    }

    [Test]
    public async Task A_rate_limit_on_a_shared_path_is_never_left_out()
    {
        await using var host = new CibaHost
        {
            Options = options => options.TokenPathIsShared = true,
            Setup = ciba => ciba.Services.AddRateLimiter(OneRequest),
            Map = app =>
            {
                app.UseRateLimiter();
                app.Use((context, next) => context.Request.Path == "/token" ? TheHostAsync(context) : next(context));
            },
            Endpoints = app => app.MapCiba().RequireRateLimiting("one"),
        };

        Assert.That((await host.PollAsync(ClientCalls.UnknownRequest)).Body, Is.EqualTo("the host"), "the middleware stands in front: see what MapCiba says");
    }

    private static void OneRequest(RateLimiterOptions limits)
    {
        limits.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
        limits.AddFixedWindowLimiter("one", window =>
        {
            window.PermitLimit = 1;
            window.Window = TimeSpan.FromHours(1);
        });
    }

    private static Task TheHostAsync(HttpContext context) => context.Response.WriteAsync("the host");
}
