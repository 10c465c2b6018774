using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Device;

/// <summary>
/// Server-sent events for one device: what becomes of its user's requests, on whichever node. What is told is the difference
/// between two looks at the store, so that a wake-up that is lost makes it late and never wrong.
/// </summary>
internal sealed partial class DeviceEventStream(
    ICibaRequestStore store,
    OpenStreams streams,
    IServiceScopeFactory scopes,
    IHostApplicationLifetime host,
    TimeProvider time,
    ILogger<DeviceEventStream> logger)
{
    // A stream does not outlive a sign-out for long; the browser opens the next one by itself.
    private static readonly TimeSpan LongestStream = TimeSpan.FromMinutes(10);

    // Nor a lock-out.
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromSeconds(5);

    /// <summary>False where there are too many streams on this node, or of this user, and nothing was answered.</summary>
    /// <param name="context">The device's request.</param>
    /// <param name="tenant">The issuer of the device's request.</param>
    /// <param name="subject">The user, who is active now.</param>
    public async Task<bool> TryHandleAsync(HttpContext context, CibaTenant tenant, string subject)
    {
        var userKey = tenant.KeyOf(subject);
        using var ends = new CancellationTokenSource(LongestStream, time);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ends.Token, host.ApplicationStopping, context.RequestAborted);
        if (streams.TryOpen(userKey, over.Token) is not { } stream)
        {
            return false;
        }

        try
        {
            await StreamAsync(context, new StreamUser(tenant, subject, time.GetUtcNow()), stream, over.Token);
            return true;
        }
        finally
        {
            await streams.CloseAsync(stream);
        }
    }

    private async Task StreamAsync(HttpContext context, StreamUser user, OpenStream stream, CancellationToken over)
    {
        var known = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        var news = new ArrayBufferWriter<byte>();
        news.Write(": listening\n\n"u8);
        while (!over.IsCancellationRequested && await IsActiveAsync(user, over))
        {
            using var waits = CancellationTokenSource.CreateLinkedTokenSource(over);
            try
            {
                // Listens before it looks, or something could fall in between.
                var changed = store.WaitForChangeAsync(stream.UserKey, waits.Token);
                stream.HasLooked = await TryLookAsync(context, stream.UserKey, known, news);
                if (!stream.HasLooked && streams.IsSilent(stream))
                {
                    ShowsThatItLives(news);
                }

                await SpeakAsync(context.Response, stream, news, over);
                if (stream.HasLooked)
                {
                    await WaitAsync(context.Response, user, stream, changed, known, news, over);
                }
                else
                {
                    // A store that is away makes nobody wait for a change.
                    await Task.Delay(LookAgainAfter, time, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }
            finally
            {
                stream.HasLooked = false;
                await waits.CancelAsync();
            }
        }
    }

    /// <summary>Waits for a change or an expiry, and shows meanwhile that the stream lives.</summary>
    private async Task WaitAsync(HttpResponse response, StreamUser user, OpenStream stream, Task changed, Dictionary<string, DateTimeOffset> known, ArrayBufferWriter<byte> news, CancellationToken over)
    {
        var expiry = known.Count == 0 ? DateTimeOffset.MaxValue : known.Values.Min();
        do
        {
            Task any = Task.WhenAny(changed, stream.Beats);
            await (known.Count == 0 ? any : any.WaitAsync(Milliseconds(expiry - time.GetUtcNow()), time, over)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stream.Beats.IsCompleted)
            {
                stream.HasBeaten();
                ShowsThatItLives(news);
                await SpeakAsync(response, stream, news, over);
            }
        }
        while (!changed.IsCompleted && time.GetUtcNow() < expiry && !IsDue(user) && !over.IsCancellationRequested);
    }

    private bool IsDue(StreamUser user) => time.GetUtcNow() - user.AskedAt >= AskAgainAfter;

    /// <summary>Asks each minute. A user of whom nothing can be learned is asked for again a minute later.</summary>
    private async ValueTask<bool> IsActiveAsync(StreamUser user, CancellationToken over)
    {
        if (!IsDue(user))
        {
            return true;
        }

        user.AskedAt = time.GetUtcNow();
        try
        {
            // What the scope of the request has read is as old as the stream.
            await using var scope = scopes.CreateAsyncScope();
            scope.ServiceProvider.GetRequiredService<CibaTenant>().Issuer = user.Tenant.Issuer;
            return await scope.ServiceProvider.GetRequiredService<ICibaUserLookup>().IsActiveAsync(user.Subject, over);
        }
        catch (Exception exception)
        {
            if (!over.IsCancellationRequested)
            {
                NotAsked(exception);
            }

            return true;
        }
    }

    private static void ShowsThatItLives(ArrayBufferWriter<byte> news) => news.Write(": alive\n\n"u8);

    private async Task SpeakAsync(HttpResponse response, OpenStream stream, ArrayBufferWriter<byte> news, CancellationToken over)
    {
        if (news.WrittenCount > 0)
        {
            stream.SpokeAt = time.GetUtcNow();
            await WriteAsync(response, news.WrittenMemory, over);
            news.ResetWrittenCount();
        }
    }

    private static async Task WriteAsync(HttpResponse response, ReadOnlyMemory<byte> news, CancellationToken over)
    {
        if (!response.HasStarted)
        {
            Begin(response);
        }

        try
        {
            await response.Body.WriteAsync(news, over);
            await response.Body.FlushAsync(over);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // The stream ends here as it does between two writes.
        }
    }

    private static void Begin(HttpResponse response)
    {
        response.ContentType = "text/event-stream";
        response.Headers["X-Accel-Buffering"] = "no";
        response.HttpContext.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
    }

    private async Task<bool> TryLookAsync(HttpContext context, string userKey, Dictionary<string, DateTimeOffset> known, ArrayBufferWriter<byte> news)
    {
        try
        {
            await LookAsync(userKey, known, news, context.RequestAborted);
            return true;
        }
        catch (CibaStoreUnavailableException) when (context.Response.HasStarted)
        {
            // What it did not come to is told at the next look.
            return false;
        }
    }

    private async Task LookAsync(string userKey, Dictionary<string, DateTimeOffset> known, ArrayBufferWriter<byte> news, CancellationToken cancellationToken)
    {
        await streams.MarkAsync(userKey, cancellationToken);
        var now = time.GetUtcNow();
        var pending = await store.ListPendingAsync(userKey, now, cancellationToken);
        foreach (var request in pending.Where(request => known.TryAdd(request.Id, request.ExpiresAt)))
        {
            Write(news, "requested", DeviceRequestResponse.Of(new CibaDeviceRequest(request, CibaRequestStatus.Pending)), DeviceJson.Relaxed.DeviceRequestResponse);
        }

        foreach (var id in known.Keys.Except(pending.Select(request => request.Id)).ToArray())
        {
            var status = (await store.GetAsync(id, userKey, now, cancellationToken))?.Status;
            if (status != CibaRequestStatus.Pending)
            {
                known.Remove(id);
                var (name, outcome) = Told(status);
                Write(news, name, new DeviceEvent(id, outcome), DeviceJson.Relaxed.DeviceEvent);
            }
        }
    }

    private static (string Name, string? Outcome) Told(CibaRequestStatus? status) => status switch
    {
        null => ("withdrawn", null),
        CibaRequestStatus.Expired => ("expired", null),
        CibaRequestStatus.Denied => ("decided", "denied"),
        CibaRequestStatus.Failed => ("decided", "failed"),
        _ => ("decided", "approved"),
    };

    // Whole ones, and none too few: the look that follows is to find the request expired.
    private static TimeSpan Milliseconds(TimeSpan wait) => TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling(wait.TotalMilliseconds)));

    private static void Write<T>(ArrayBufferWriter<byte> news, string name, T data, JsonTypeInfo<T> type)
    {
        news.Write(Encoding.UTF8.GetBytes($"event: {name}\ndata: "));
        news.Write(JsonSerializer.SerializeToUtf8Bytes(data, type));
        news.Write("\n\n"u8);
    }

    [LoggerMessage(1, LogLevel.Warning, "The user of an event stream could not be looked up; the stream goes on")]
    private partial void NotAsked(Exception exception);

    /// <summary>Who listens, and when it was last asked whether this user is active.</summary>
    private sealed class StreamUser(CibaTenant tenant, string subject, DateTimeOffset askedAt)
    {
        public CibaTenant Tenant => tenant;

        public string Subject => subject;

        public DateTimeOffset AskedAt { get; set; } = askedAt;
    }
}

/// <summary>What the device is told of a request that waits no longer.</summary>
internal sealed record DeviceEvent(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("outcome")] string? Outcome = null);
