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
internal sealed class DeviceEventStream(ICibaRequestStore store, IHostApplicationLifetime host, TimeProvider time)
{
    private const int MostStreams = 10_000;

    // A stream does not outlive a sign-out or a lock-out for long; the browser opens the next one by itself.
    private static readonly TimeSpan LongestStream = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PresentFor = LookEvery * 3;
    private static readonly TimeSpan HeartbeatEvery = TimeSpan.FromSeconds(15);

    private int _streams;

    /// <summary>False where there are too many streams on this node, and nothing was answered.</summary>
    public async Task<bool> TryHandleAsync(HttpContext context, string userKey)
    {
        try
        {
            if (Interlocked.Increment(ref _streams) > MostStreams)
            {
                return false;
            }

            using var ends = new CancellationTokenSource(LongestStream, time);
            using var over = CancellationTokenSource.CreateLinkedTokenSource(ends.Token, host.ApplicationStopping, context.RequestAborted);
            await StreamAsync(context, userKey, over.Token);
            return true;
        }
        finally
        {
            Interlocked.Decrement(ref _streams);
        }
    }

    private async Task StreamAsync(HttpContext context, string userKey, CancellationToken over)
    {
        var known = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        var spokeAt = time.GetUtcNow();
        while (!over.IsCancellationRequested)
        {
            // Listens before it looks, or something could fall in between.
            using var look = CancellationTokenSource.CreateLinkedTokenSource(over);
            var changed = store.WaitForChangeAsync(userKey, look.Token);
            var news = await LookAsync(context, userKey, known);
            if (!context.Response.HasStarted)
            {
                Begin(context.Response);
                news = [.. ": listening\n\n"u8, .. news];
            }

            var now = time.GetUtcNow();
            if (news.Length == 0 && now - spokeAt >= HeartbeatEvery)
            {
                news = ": alive\n\n"u8.ToArray();
            }

            if (news.Length > 0)
            {
                spokeAt = now;
                await WriteAsync(context.Response.Body, news, over);
            }

            await Task.WhenAny(changed, Task.Delay(UntilNextLook(known, now), time, look.Token));
            await look.CancelAsync();
            await changed.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task WriteAsync(Stream body, byte[] news, CancellationToken over)
    {
        try
        {
            await body.WriteAsync(news, over);
            await body.FlushAsync(over);
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

    private async Task<byte[]> LookAsync(HttpContext context, string userKey, Dictionary<string, DateTimeOffset> known)
    {
        try
        {
            return await LookAsync(userKey, known, context.RequestAborted);
        }
        catch (CibaStoreUnavailableException) when (context.Response.HasStarted)
        {
            // What is missed now is told at the next look.
            return [];
        }
    }

    private async Task<byte[]> LookAsync(string userKey, Dictionary<string, DateTimeOffset> known, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await store.MarkPresentAsync(userKey, now, now + PresentFor, cancellationToken);
        var pending = await store.ListPendingAsync(userKey, now, cancellationToken);
        var news = new ArrayBufferWriter<byte>();
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

        return news.WrittenSpan.ToArray();
    }

    private static (string Name, string? Outcome) Told(CibaRequestStatus? status) => status switch
    {
        null => ("withdrawn", null),
        CibaRequestStatus.Expired => ("expired", null),
        CibaRequestStatus.Denied => ("decided", "denied"),
        CibaRequestStatus.Failed => ("decided", "failed"),
        _ => ("decided", "approved"),
    };

    private static TimeSpan UntilNextLook(Dictionary<string, DateTimeOffset> known, DateTimeOffset now)
    {
        var expiry = known.Count == 0 ? LookEvery : known.Values.Min() - now;
        return expiry <= TimeSpan.Zero ? TimeSpan.FromMilliseconds(1) : expiry < LookEvery ? TimeSpan.FromMilliseconds(Math.Ceiling(expiry.TotalMilliseconds)) : LookEvery;
    }

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
