using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Ciba.AspNetCore.Tests;

/// <summary>Whoever announces a large body and sends little of it holds little memory: a buffer grows with the bytes that have come.</summary>
[Spec("A1")]
public sealed class BodyMemoryTests
{
    private const int Announced = 128 * 1024;
    private const int FirstBuffer = 4096;

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    [Test]
    public async Task A_body_that_does_not_come_takes_no_memory(
        [Values("/token", "/bc-authorize", "/bc-authorize/cancel", "/device/requests/x/approve", "/device/requests/x/deny")] string path,
        [Values(true, false)] bool isAnnounced,
        [Values(0, 1, 5_000, 60_000)] int sent)
    {
        var body = new StalledStream(sent);
        await using var host = Host(body, isAnnounced);
        using var hangUp = new CancellationTokenSource();

        var calling = CallAsync(host, path, hangUp.Token);
        await body.Stalled.WaitAsync(Bound);
        await hangUp.CancelAsync();
        await calling.WaitAsync(Bound).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        Assert.That(body.Largest, Is.LessThanOrEqualTo(Math.Max(FirstBuffer, sent)), "the largest buffer that was there to be filled");
    }

    [Test]
    public async Task A_shared_token_path_hands_on_all_bytes_whatever_their_number([Values] bool isAnnounced, [Values(0, 1, 4_095, 4_096, 4_097, Announced - 1, Announced, Announced + 1, 1_000_000)] int length)
    {
        var sent = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, (length / 4) + 1).Select(i => $"{i % 999:000}-"))[..length]);
        await using var host = Host(new DribblingStream(sent), isAnnounced ? length : null);

        var answer = await host.SendAsync(HttpMethod.Post, "/token", RawForm.Of("grant_type=x"));

        Assert.That(answer.Body, Is.EqualTo($"{Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(sent))} {length}"));
    }

    private static CibaHost Host(StalledStream body, bool isAnnounced) => Host(body, isAnnounced ? Announced : null);

    private static CibaHost Host(Stream body, int? announced) => new()
    {
        Options = options => options.ClientsMayCancel = true,
        BeforeRouting = app => app.Use((context, next) =>
        {
            (context.Request.Body, context.Request.ContentLength) = (body, announced);
            return next(context);
        }),
        Map = app => app.MapPost("/token", async (HttpContext context) =>
        {
            var read = new MemoryStream();
            await context.Request.Body.CopyToAsync(read, context.RequestAborted);
            await context.Response.WriteAsync($"{Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(read.ToArray()))} {read.Length}");
        }),
    };

    private static async Task CallAsync(CibaHost host, string path, CancellationToken cancellationToken)
    {
        var isDevice = path.StartsWith("/device", StringComparison.Ordinal);
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = RawForm.Of("", isDevice ? "application/json" : RawForm.MediaType) };
        request.Headers.Add("X-Test-User", "alice");
        await (await host.HttpAsync()).SendAsync(request, cancellationToken);
    }

    /// <summary>Some bytes, and then nothing more.</summary>
    private sealed class StalledStream(int length) : ReadOnlyStream
    {
        private readonly TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _left = length;

        public Task Stalled => _stalled.Task;

        public int Largest { get; private set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Largest = Math.Max(Largest, buffer.Length);
            if (_left == 0)
            {
                _stalled.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            var count = Math.Min(_left, buffer.Length);
            buffer.Span[..count].Fill((byte)' ');
            _left -= count;
            return count;
        }
    }

    /// <summary>A body that comes in parts of uneven length.</summary>
    private sealed class DribblingStream(byte[] bytes) : ReadOnlyStream
    {
        private int _at;
        private int _reads;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = Math.Min(Math.Min(buffer.Length, bytes.Length - _at), 1 + (_reads++ * 37 % 5_000));
            bytes.AsMemory(_at, count).CopyTo(buffer);
            _at += count;
            return ValueTask.FromResult(count);
        }
    }

    private abstract class ReadOnlyStream : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public abstract override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
