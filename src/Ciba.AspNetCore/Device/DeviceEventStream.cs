using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Ciba.AspNetCore.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;

namespace Ciba.AspNetCore.Device;

/// <summary>
/// Server-sent events for one device: what becomes of its user's requests, on whichever node. What is told is the difference
/// between two looks at the store, so that a wake-up that is lost makes it late and never wrong.
/// </summary>
internal sealed class DeviceEventStream(ICibaRequestStore store, OpenStreams streams, IHostApplicationLifetime host, TimeProvider time)
{
    // A stream does not outlive a sign-out or a lock-out for long; the browser opens the next one by itself.
    private static readonly TimeSpan LongestStream = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan HeartbeatEvery = TimeSpan.FromSeconds(15);

    private static readonly Task Never = new TaskCompletionSource().Task;

    /// <summary>False where there are too many streams on this node, or of this user, and nothing was answered.</summary>
    public async Task<bool> TryHandleAsync(HttpContext context, string userKey)
    {
        if (!streams.TryEnter(userKey))
        {
            return false;
        }

        try
        {
            using var ends = new CancellationTokenSource(LongestStream, time);
            using var over = CancellationTokenSource.CreateLinkedTokenSource(ends.Token, host.ApplicationStopping, context.RequestAborted);
            await StreamAsync(context, userKey, over.Token);
            return true;
        }
        finally
        {
            streams.Leave(userKey);
        }
    }

    private async Task StreamAsync(HttpContext context, string userKey, CancellationToken over)
    {
        var known = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        var news = new ArrayBufferWriter<byte>();
        news.Write(": listening\n\n"u8);
        var spokeAt = time.GetUtcNow();
        while (!over.IsCancellationRequested)
        {
            using var waits = CancellationTokenSource.CreateLinkedTokenSource(over);
            var hasLooked = false;
            try
            {
                // Listens before it looks, or something could fall in between.
                var changed = store.WaitForChangeAsync(userKey, waits.Token);
                hasLooked = await TryLookAsync(context, userKey, known, news);
                if (hasLooked)
                {
                    streams.Keep(userKey, over);
                }

                spokeAt = await WaitAsync(context.Response, hasLooked ? changed : null, known, news, spokeAt, over);
            }
            finally
            {
                if (hasLooked)
                {
                    streams.KeepNoLonger(userKey, over);
                }

                await waits.CancelAsync();
            }
        }
    }

    /// <summary>
    /// Writes what is new, and waits until there may be more, showing that the stream lives. A store that is away makes nobody wait
    /// for a change.
    /// </summary>
    /// <returns>When something was last written.</returns>
    private async Task<DateTimeOffset> WaitAsync(
        HttpResponse response, Task? changed, Dictionary<string, DateTimeOffset> known, ArrayBufferWriter<byte> news, DateTimeOffset spokeAt, CancellationToken over)
    {
        var expiry = known.Count == 0 ? DateTimeOffset.MaxValue : known.Values.Min();
        do
        {
            var now = time.GetUtcNow();
            if (news.WrittenCount == 0 && now - spokeAt >= HeartbeatEvery)
            {
                news.Write(": alive\n\n"u8);
            }

            if (news.WrittenCount > 0)
            {
                spokeAt = now;
                await WriteAsync(response, news.WrittenMemory, over);
                news.ResetWrittenCount();
            }

            var until = changed is null ? now + LookAgainAfter : Earlier(expiry, spokeAt + HeartbeatEvery);
            await (changed ?? Never).WaitAsync(Milliseconds(until - now), time, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        while (changed is { IsCompleted: false } && time.GetUtcNow() < expiry && !over.IsCancellationRequested);

        return spokeAt;
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
            Write(news, "requested", DeviceRequestResponse.Of(new CibaDeviceRequest(request, CibaRequestStatus.Pending)), WireJson.Relaxed.DeviceRequestResponse);
        }

        foreach (var id in known.Keys.Except(pending.Select(request => request.Id)).ToArray())
        {
            var status = (await store.GetAsync(id, userKey, now, cancellationToken))?.Status;
            if (status != CibaRequestStatus.Pending)
            {
                known.Remove(id);
                var (name, outcome) = Told(status);
                Write(news, name, new DeviceEvent(id, outcome), WireJson.Relaxed.DeviceEvent);
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

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

    // Whole ones, and none too few: the look that follows is to find the request expired.
    private static TimeSpan Milliseconds(TimeSpan wait) => TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling(wait.TotalMilliseconds)));

    private static void Write<T>(ArrayBufferWriter<byte> news, string name, T data, JsonTypeInfo<T> type)
    {
        news.Write(Encoding.UTF8.GetBytes($"event: {name}\ndata: "));
        news.Write(JsonSerializer.SerializeToUtf8Bytes(data, type));
        news.Write("\n\n"u8);
    }
}

/// <summary>What the device is told of a request that waits no longer.</summary>
internal sealed record DeviceEvent(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("outcome")] string? Outcome = null);
