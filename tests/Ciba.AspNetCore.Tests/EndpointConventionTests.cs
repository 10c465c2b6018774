using System.Net;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>What a host adds to what the three Map methods return holds for every endpoint behind it.</summary>
[TestFixture("POST", "/bc-authorize"), TestFixture("POST", "/token")]
[TestFixture("GET", "/.well-known/openid-configuration"), TestFixture("GET", "/jwks")]
[TestFixture("GET", "/device/requests"), TestFixture("GET", "/device/requests/1"), TestFixture("POST", "/device/requests/1/approve"), TestFixture("POST", "/device/requests/1/deny")]
public sealed class EndpointConventionTests(string method, string path)
{
    private const string Policy = "the host's";
    private const string Origin = "https://app.example.com";

    private readonly HttpMethod _method = new(method);

    [Test]
    public async Task A_rate_limit_of_the_host_answers_429()
    {
        await using var host = Host(
            builder => builder.RequireRateLimiting(Policy),
            services => services.AddRateLimiter(OnePerPath),
            app => app.UseRateLimiter());

        var first = await host.SendAsync(_method, path);
        var second = await host.SendAsync(_method, path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Status, Is.Not.EqualTo(HttpStatusCode.TooManyRequests));
            Assert.That(second.Status, Is.EqualTo(HttpStatusCode.TooManyRequests));
        }
    }

    [Test]
    public async Task Under_another_host_name_there_is_nothing()
    {
        await using var host = Host(builder => builder.RequireHost("id.example.com", "localhost"));

        var here = await host.SendAsync(_method, path);
        var elsewhere = await host.SendAsync(_method, path, change: request => request.Headers.Host = "www.example.com");
        var otherMethod = await host.SendAsync(HttpMethod.Patch, path, change: request => request.Headers.Host = "www.example.com");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(here.Header("Content-Type"), Does.StartWith("application/"));
            Assert.That(elsewhere.Status, Is.EqualTo(HttpStatusCode.NotFound));
            Assert.That(elsewhere.Body, Is.Empty);
            Assert.That(otherMethod.Body, Is.Empty);
        }
    }

    [Test]
    public async Task Another_origin_may_call_where_the_host_says_so()
    {
        await using var host = Host(builder => builder.RequireCors(Policy), AddCors, app => app.UseCors());

        var preflight = await PreflightAsync(host, Origin);
        var stranger = await PreflightAsync(host, "https://evil.example.com");
        var actual = await host.SendAsync(_method, path, change: request => request.Headers.Add("Origin", Origin));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(preflight.Status, Is.EqualTo(HttpStatusCode.NoContent));
            Assert.That(preflight.Header("Access-Control-Allow-Origin"), Is.EqualTo(Origin));
            Assert.That(preflight.Header("Access-Control-Allow-Methods"), Does.Contain(method).Or.Null, "a simple method need not be named");
            Assert.That(stranger.Header("Access-Control-Allow-Origin"), Is.Null);
            Assert.That(actual.Header("Access-Control-Allow-Origin"), Is.EqualTo(Origin));
            Assert.That(actual.Header("Content-Type"), Does.StartWith("application/"));
        }
    }

    [Test]
    public async Task A_filter_and_metadata_of_the_host_are_there_when_the_endpoint_runs()
    {
        var seen = new List<string?>();
        await using var host = Host(
            builder => builder.WithMetadata("the host's").AddEndpointFilter<IEndpointConventionBuilder, Filter>(),
            services => services.AddSingleton(seen));

        var answer = await host.SendAsync(_method, path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(seen, Is.EqualTo(new[] { "the host's" }));
            Assert.That(answer.Header("Content-Type"), Does.StartWith("application/"));
        }
    }

    private static CibaHost Host(Func<IEndpointConventionBuilder, IEndpointConventionBuilder> add, Action<IServiceCollection>? services = null, Action<WebApplication>? map = null) => new()
    {
        Setup = ciba => services?.Invoke(ciba.Services),
        Map = map,
        Endpoints = app =>
        {
            add(app.MapCiba());
            add(app.MapCibaDiscovery());
            add(app.MapCibaDevice("/device"));
        },
    };

    private static void OnePerPath(RateLimiterOptions limits)
    {
        limits.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
        limits.AddPolicy(Policy, context => RateLimitPartition.GetFixedWindowLimiter(context.Request.Path.Value!, _ => new FixedWindowRateLimiterOptions { PermitLimit = 1, Window = TimeSpan.FromHours(1) }));
    }

    private static void AddCors(IServiceCollection services) => services.AddCors(cors => cors.AddPolicy(Policy, policy => policy.WithOrigins(Origin).AllowAnyMethod()));

    private Task<Answer> PreflightAsync(CibaHost host, string origin) => host.SendAsync(HttpMethod.Options, path, change: request =>
    {
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Access-Control-Request-Method", method);
    });

    private sealed class Filter(List<string?> seen) : IEndpointFilter
    {
        public ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
        {
            seen.Add(context.HttpContext.GetEndpoint()?.Metadata.GetMetadata<string>());
            return next(context);
        }
    }
}
