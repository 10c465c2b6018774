using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Ciba.AspNetCore.Http;

/// <summary>Writes the answers of the protocol's endpoints: JSON that nobody may store.</summary>
internal static class CibaResults
{
    private const string Json = "application/json";
    private const string NoSniffing = "nosniff";

    public static Task RefuseAsync(HttpContext context, CibaError error)
    {
        // RFC 9110 section 15.5.2: a 401 has a challenge, whether the client tried the Authorization header or not. Of the ways to
        // authenticate here Basic is the only one that is a scheme of HTTP.
        if (error.StatusCode == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"CIBA\", charset=\"UTF-8\"";
        }

        SayRetryAfter(context.Response, error.RetryAfter ?? (error.StatusCode == StatusCodes.Status503ServiceUnavailable ? CibaError.TemporarilyUnavailable.RetryAfter : null));
        return WriteAsync(context, error.StatusCode, error.Json);
    }

    /// <summary>The answer is for who asked, and is what it says it is.</summary>
    public static void StoreNowhere(HttpResponse response)
    {
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = NoSniffing;
    }

    /// <summary>RFC 9110 section 10.2.3: whole seconds, and not too few.</summary>
    public static void SayRetryAfter(HttpResponse response, TimeSpan? wait)
    {
        if (wait is { } time)
        {
            response.Headers.RetryAfter = Seconds(time).ToString(CultureInfo.InvariantCulture);
        }
    }

    /// <summary>A time to wait in whole seconds, at least one.</summary>
    public static long Seconds(TimeSpan wait) => Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds));

    public static Task OkAsync<T>(HttpContext context, T body, JsonTypeInfo<T> type) =>
        WriteAsync(context, StatusCodes.Status200OK, JsonSerializer.SerializeToUtf8Bytes(body, type));

    /// <summary>What is no secret and changes seldom: discovery and keys. To <c>HEAD</c> the same without the body.</summary>
    public static Task PublishAsync<T>(HttpContext context, T body, JsonTypeInfo<T> type)
    {
        var utf8 = JsonSerializer.SerializeToUtf8Bytes(body, type);
        context.Response.ContentType = Json;
        context.Response.ContentLength = utf8.Length;
        context.Response.Headers.CacheControl = "public, max-age=300";
        context.Response.Headers.XContentTypeOptions = NoSniffing;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(utf8, 0, utf8.Length, context.RequestAborted);
    }

    private static Task WriteAsync(HttpContext context, int statusCode, byte[] body)
    {
        var response = context.Response;
        response.StatusCode = statusCode;
        response.ContentType = Json;
        response.ContentLength = body.Length;
        StoreNowhere(response);
        response.Headers.Pragma = "no-cache";
        return response.Body.WriteAsync(body, 0, body.Length, context.RequestAborted);
    }
}
