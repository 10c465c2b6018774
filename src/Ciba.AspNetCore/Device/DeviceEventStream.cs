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
    private const int MostStreamsOfUser = 32;

    // A stream does not outlive a sign-out or a lock-out for long; the browser opens the next one by itself.
    private static readonly TimeSpan LongestStream = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PresentFor = LookEvery * 3;
    private static readonly TimeSpan HeartbeatEvery = TimeSpan.FromSeconds(15);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _streamsOfUsers = new(StringComparer.Ordinal);
    private int _streams;

    /// <summary>False where there are too many streams on this node, or of this user, and nothing was answered.</summary>
    public async Task<bool> TryHandleAsync(HttpContext context, string userKey)
    {
        if (!TryEnter(userKey))
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
            Leave(userKey);
        }
    }

    private bool TryEnter(string userKey)
    {
        lock (_gate)
        {
            var ofUser = _streamsOfUsers.GetValueOrDefault(userKey);
            if (_streams >= MostStreams || ofUser >= MostStreamsOfUser)
            {
                return false;
            }

            _streams++;
            _streamsOfUsers[userKey] = ofUser + 1;
            return true;
        }
    }

    private void Leave(string userKey)
    {
        lock (_gate)
        {
            _streams--;
            if (--_streamsOfUsers[userKey] == 0)
            {
                _streamsOfUsers.Remove(userKey);
            }
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
            try
            {
                // Listens before it looks, or something could fall in between.
                var changed = store.WaitForChangeAsync(userKey, waits.Token);
                var hasLooked = await TryLookAsync(context, userKey, known, news);
                var now = time.GetUtcNow();
                if (news.WrittenCount == 0 && now - spokeAt >= HeartbeatEvery)
                {
                    news.Write(": alive\n\n"u8);
                }

                if (news.WrittenCount > 0)
                {
                    spokeAt = now;
                    await WriteAsync(context.Response, news.WrittenMemory, over);
                    news.ResetWrittenCount();
                }

                // A store that is away makes nobody wait for a change.
                var nextLook = Task.Delay(hasLooked ? UntilNextLook(known, now) : LookEvery, time, waits.Token);
                await (hasLooked ? Task.WhenAny(changed, nextLook) : nextLook).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            finally
            {
                await waits.CancelAsync();
            }
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
        var now = time.GetUtcNow();
        await store.MarkPresentAsync(userKey, now, now + PresentFor, cancellationToken);
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
