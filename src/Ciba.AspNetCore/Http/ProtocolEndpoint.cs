using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Http;

/// <summary>How an endpoint says no, and what it insists on.</summary>
/// <param name="RequireHttps">Whether plain http is refused.</param>
/// <param name="HasTenants">Whether the host has several issuers.</param>
/// <param name="RefuseAsync">Writes an error as its callers expect it.</param>
/// <param name="RetryAfter">How long callers wait while the store is unavailable.</param>
internal sealed record ProtocolRules(bool RequireHttps, bool HasTenants, Func<HttpContext, CibaError, Task> RefuseAsync, TimeSpan RetryAfter)
{
    public CibaError Unavailable { get; } = CibaError.TemporarilyUnavailable.WithRetryAfter(RetryAfter);
}

/// <summary>What every endpoint of the protocol owes its caller: https, the right issuer, and an answer in JSON whatever breaks.</summary>
internal sealed partial class ProtocolEndpoint(RequestDelegate next, ProtocolRules rules, PlainHttpWarning warning, ILogger<ProtocolEndpoint> logger)
{
    private static readonly string[] ProxyHeaders = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"];

    private static readonly CibaError HttpsRequired = CibaError.InvalidRequest.With("Use https: plain http is refused here.");

    private static readonly CibaError NoSuchIssuer = new("invalid_request", "There is no provider at this address.", StatusCodes.Status404NotFound);

    public async Task HandleAsync(HttpContext context)
    {
        var isPlain = !context.Request.IsHttps;
        if (isPlain && rules.RequireHttps && !IsFromLoopback(context))
        {
            await RefusePlainAsync(context);
            return;
        }

        if (isPlain && IsForwarded(context))
        {
            WarnOnce(context);
        }

        try
        {
            if (rules.HasTenants && !await TryUseIssuerAsync(context))
            {
                await rules.RefuseAsync(context, NoSuchIssuer);
                return;
            }

            // A proxy on this machine that adds no header looks like a caller on this machine.
            if (isPlain && rules.RequireHttps && !IsLoopback(context.RequestServices.GetRequiredService<CibaTenant>().Issuer))
            {
                await RefusePlainAsync(context);
                return;
            }

            await next(context);
        }
        catch (Exception exception) when (IsOver(context, exception))
        {
            // The client has gone: there is nobody to answer.
        }
        catch (CibaStoreUnavailableException exception) when (!context.Response.HasStarted)
        {
            // In an outage every request comes here: the reason, and no stack.
            StoreUnavailable(context.GetEndpoint()?.DisplayName, exception.Message);
            await rules.RefuseAsync(context, rules.Unavailable);
        }
        catch (Exception exception) when (!context.Response.HasStarted)
        {
            // Not the path: at the device's endpoints it holds the request's handle.
            Failed(context.GetEndpoint()?.DisplayName, exception);
            await rules.RefuseAsync(context, CibaError.ServerError);
        }
    }

    /// <summary>Answers every method but those that other endpoints of the path take: 405 with <c>Allow</c> and a body.</summary>
    public static IEndpointConventionBuilder MapOtherMethods(IEndpointRouteBuilder endpoints, string path, string allowed)
    {
        var error = new CibaError("invalid_request", $"Use {allowed}.", StatusCodes.Status405MethodNotAllowed);
        return endpoints.Map(path, context =>
        {
            context.Response.Headers.Allow = allowed;
            return CibaResults.RefuseAsync(context, error);
        }).WithOrder(int.MaxValue).WithMetadata(OtherMethods.Instance).ExcludeFromDescription();
    }

    /// <summary>Whether the URL is that of this machine.</summary>
    public static bool IsLoopback(string? url) => Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.IsLoopback;

    private static async ValueTask<bool> TryUseIssuerAsync(HttpContext context)
    {
        if (await context.RequestServices.GetRequiredService<ICibaTenants>().FindIssuerAsync(context) is not { } issuer)
        {
            return false;
        }

        context.RequestServices.GetRequiredService<CibaTenant>().Issuer = issuer;
        return true;
    }

    private Task RefusePlainAsync(HttpContext context)
    {
        WarnOnce(context);
        return rules.RefuseAsync(context, HttpsRequired);
    }

    private void WarnOnce(HttpContext context)
    {
        if (warning.TryGive())
        {
            PlainHttp(context.GetEndpoint()?.DisplayName);
        }
    }

    // Headers that UseForwardedHeaders() would have taken off the request.
    private static bool IsForwarded(HttpContext context) => ProxyHeaders.Any(context.Request.Headers.ContainsKey);

    // By its address alone, a proxy on this machine would look like a caller on this machine. No remote address: a test
    // server or a socket of this machine.
    private static bool IsFromLoopback(HttpContext context) =>
        (context.Connection.RemoteIpAddress is not { } address
            || IPAddress.IsLoopback(address)
            || (address.IsIPv4MappedToIPv6 && IPAddress.IsLoopback(address.MapToIPv4())))
        && IsLoopbackName(context.Request.Host.Host)
        && !IsForwarded(context);

    private static bool IsLoopbackName(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private static bool IsOver(HttpContext context, Exception exception) =>
        context.RequestAborted.IsCancellationRequested && exception is OperationCanceledException or IOException;

    [LoggerMessage(1, LogLevel.Error, "The request to {Endpoint} failed")]
    private partial void Failed(string? endpoint, Exception exception);

    [LoggerMessage(2, LogLevel.Warning, "The request to {Endpoint} was answered 503: {Reason}")]
    private partial void StoreUnavailable(string? endpoint, string reason);

    [LoggerMessage(3, LogLevel.Warning, "The request to {Endpoint} arrived over plain http. If a proxy terminates TLS, call UseForwardedHeaders() before UseRouting(), with ForwardedHeadersOptions that name the proxy and include XForwardedProto")]
    private partial void PlainHttp(string? endpoint);
}

/// <summary>The warning of plain http behind a proxy, which a host gets once.</summary>
internal sealed class PlainHttpWarning
{
    private int _given;

    public bool TryGive() => Interlocked.Exchange(ref _given, 1) == 0;
}

/// <summary>Marks the endpoint that answers the methods that nobody takes.</summary>
internal sealed class OtherMethods
{
    public static readonly OtherMethods Instance = new();
}
