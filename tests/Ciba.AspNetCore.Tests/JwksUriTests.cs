using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 7.1: the keys of <c>private_key_jwt</c> by reference, <c>jwks_uri</c>.</summary>
[Spec("A3"), Spec("A4")]
public sealed class JwksUriTests
{
    private const string NotRead = "The client_assertion is refused: the keys at the client's jwks_uri cannot be read.";
    private const string NoKey = "The client_assertion is refused: no key of the client verifies its signature.";
    private const int MaxBytes = 64 * 1024;

    private static readonly TestKey Old = TestKey.Ec("old");
    private static readonly TestKey New = TestKey.Ec("new");

    private static IEnumerable<Func<CancellationToken, Task<HttpResponseMessage>>> Failures
    {
        get
        {
            foreach (var status in new[] { HttpStatusCode.NotFound, HttpStatusCode.InternalServerError, HttpStatusCode.NoContent, HttpStatusCode.Created, HttpStatusCode.NotModified, HttpStatusCode.Redirect })
            {
                yield return _ => Task.FromResult(FakeJwksUri.Answer(status, new StringContent(TestKey.Set(Old.Jwk()))));
            }

            foreach (var junk in new[] { "", "<html>", "{}", "[]", TestKey.Set(Old.Jwk(("d", Old.D))), TestKey.Set(Enumerable.Range(0, 33).Select(_ => Old.Jwk())) })
            {
                yield return _ => Task.FromResult(FakeJwksUri.Answer(HttpStatusCode.OK, new StringContent(junk)));
            }

            yield return _ => Task.FromResult(FakeJwksUri.Answer(HttpStatusCode.OK, new ByteArrayContent([0xFF, 0xFE, 0x00, 0x80])));
            yield return _ => Task.FromResult(FakeJwksUri.Answer(HttpStatusCode.OK, new StringContent(TestKey.Set(Old.Jwk()).PadRight(MaxBytes + 1))));
            yield return _ => Task.FromResult(FakeJwksUri.Answer(HttpStatusCode.OK, new StreamContent(new Endless())));
            yield return _ => throw new HttpRequestException("No such host");
            yield return _ => throw new IOException("Cut off");
            yield return _ => throw new TaskCanceledException("By the handler itself");

            // What a resilience handler of the host throws is none of the above.
            yield return _ => throw new TimeoutException("By a handler of the host");
            yield return _ => throw new NotSupportedException("By a handler of the host");
        }
    }

    [Test]
    public async Task Keys_are_fetched_once_and_kept_for_ten_minutes()
    {
        var remote = new FakeJwksUri(TestKey.Set(Old.Jwk()));
        await using var host = remote.Host("client", "sibling");

        var calls = new List<int>();
        foreach (var (client, seconds) in new[] { ("client", 0), ("client", 31), ("sibling", 568), ("client", 1), ("sibling", 599), ("client", 1) })
        {
            host.Time.Advance(TimeSpan.FromSeconds(seconds));
            await AssertAcceptedAsync(host, Old, client);
            calls.Add(remote.Calls);
        }

        Assert.That(calls, Is.EqualTo(new[] { 1, 1, 1, 2, 2, 3 }));
    }

    [Test]
    public async Task A_kid_that_is_not_known_is_looked_for_but_not_at_every_junk_request()
    {
        var remote = new FakeJwksUri(TestKey.Set(Old.Jwk()));
        await using var host = remote.Host();
        await AssertAcceptedAsync(host, Old);

        // Thirty seconds of junk, then thirty more.
        for (var second = 0; second < 60; second++)
        {
            await AssertRefusedAsync(host, new TestJwt(host).Sign(TestKey.Ec($"junk-{second}")), NoKey);
            host.Time.Advance(TimeSpan.FromSeconds(1));
        }

        var afterJunk = remote.Calls;
        remote.Jwks = TestKey.Set(Old.Jwk(), New.Jwk());
        await AssertAcceptedAsync(host, New);
        await AssertAcceptedAsync(host, Old);

        Assert.That(new[] { afterJunk, remote.Calls }, Is.EqualTo(new[] { 2, 3 }));
    }

    [Test]
    public async Task A_key_that_is_taken_out_is_good_for_ten_minutes_at_most()
    {
        var remote = new FakeJwksUri(TestKey.Set(Old.Jwk()));
        await using var host = remote.Host();
        await AssertAcceptedAsync(host, Old);
        remote.Jwks = TestKey.Set(New.Jwk());

        host.Time.Advance(TimeSpan.FromMinutes(10));

        await AssertRefusedAsync(host, new TestJwt(host).Sign(Old), NoKey);
        await AssertAcceptedAsync(host, New);
    }

    [TestCaseSource(nameof(Failures))]
    public async Task What_cannot_be_read_is_a_refusal_and_tried_again_after_half_a_minute(Func<CancellationToken, Task<HttpResponseMessage>> failure)
    {
        var remote = new FakeJwksUri(TestKey.Set(Old.Jwk())) { OnGet = failure };
        await using var host = remote.Host();

        await AssertRefusedAsync(host, new TestJwt(host).Sign(Old), NotRead);
        remote.OnGet = null;
        await AssertRefusedAsync(host, new TestJwt(host).Sign(Old), NotRead);
        host.Time.Advance(TimeSpan.FromSeconds(30));
        await AssertAcceptedAsync(host, Old);

        Assert.That(remote.Calls, Is.EqualTo(2));
    }

    [Test]
    public async Task Known_keys_bridge_an_hour_in_which_the_client_cannot_be_reached_and_no_more()
    {
        var remote = new FakeJwksUri(TestKey.Set(Old.Jwk()));
        await using var host = remote.Host();
        await AssertAcceptedAsync(host, Old);
        remote.OnGet = _ => throw new HttpRequestException("No such host");

        host.Time.Advance(TimeSpan.FromMinutes(60) - TimeSpan.FromSeconds(1));
        await AssertAcceptedAsync(host, Old);
        host.Time.Advance(TimeSpan.FromSeconds(1));
        await AssertRefusedAsync(host, new TestJwt(host).Sign(Old), NotRead);

        remote.OnGet = null;
        host.Time.Advance(TimeSpan.FromSeconds(29));
        await AssertAcceptedAsync(host, Old);
    }

    [Test]
    public async Task A_client_that_does_not_answer_in_five_seconds_is_given_up()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var remote = new FakeJwksUri("")
        {
            OnGet = async cancellationToken =>
            {
                asked.SetResult();
                await Task.Delay(Timeout.Infinite, cancellationToken);
                throw new AssertionException("It was not given up.");
            },
        };
        await using var host = remote.Host();

        var waiting = AssertRefusedAsync(host, new TestJwt(host).Claim("exp", TestJwt.Seconds(host.Time.GetUtcNow().AddMinutes(5))).Sign(Old), NotRead);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(20));
        host.Time.Advance(TimeSpan.FromSeconds(5) - TimeSpan.FromTicks(1));
        var early = waiting.IsCompleted;
        host.Time.Advance(TimeSpan.FromTicks(1));
        await waiting.WaitAsync(TimeSpan.FromSeconds(20));

        Assert.That(early, Is.False);
    }

    [Test]
    public async Task Requests_that_come_at_once_share_one_fetch()
    {
        var answer = new TaskCompletionSource<HttpResponseMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var remote = new FakeJwksUri("")
        {
            OnGet = _ =>
            {
                asked.TrySetResult();
                return answer.Task;
            },
        };
        await using var host = remote.Host();

        var calls = Enumerable.Range(0, 32).Select(_ => AssertAcceptedAsync(host, Old)).ToList();
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(20));
        answer.SetResult(FakeJwksUri.Answer(HttpStatusCode.OK, new StringContent(TestKey.Set(Old.Jwk()))));
        await Task.WhenAll(calls).WaitAsync(TimeSpan.FromSeconds(20));

        Assert.That(remote.Calls, Is.EqualTo(1));
    }

    [Test]
    public async Task A_redirect_is_not_followed()
    {
        var target = 0;
        await using var server = await ServeAsync(endpoints =>
        {
            endpoints.MapGet("/jwks", () => Results.Redirect("/moved"));
            endpoints.MapGet("/moved", () =>
            {
                Interlocked.Increment(ref target);
                return TestKey.Set(Old.Jwk());
            });
        });
        await using var moved = Remote($"{server.Urls.Single()}/jwks");
        await using var there = Remote($"{server.Urls.Single()}/moved");

        await AssertRefusedAsync(moved, new TestJwt(moved).Sign(Old), NotRead);
        var followed = target;
        await AssertAcceptedAsync(there, Old);

        Assert.That(new[] { followed, target }, Is.EqualTo(new[] { 0, 1 }));
    }

    private static CibaHost Remote(string url)
    {
        var client = CibaHost.Client("client", CibaClientAuthenticationMethods.PrivateKeyJwt);
        client.JwksUri = url;
        return new CibaHost { Clients = [client], Options = options => options.Callbacks.AllowedNetworks = ["127.0.0.1"] };
    }

    private static async Task<WebApplication> ServeAsync(Action<IEndpointRouteBuilder> map)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        map(app);
        await app.StartAsync();
        return app;
    }

    private static async Task AssertAcceptedAsync(CibaHost host, TestKey key, string client = "client")
    {
        var answer = await host.AuthorizeAsync(TestJwt.Form(new TestJwt(host, client).Sign(key)));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    private static async Task AssertRefusedAsync(CibaHost host, string assertion, string reason)
    {
        var answer = await host.AuthorizeAsync(TestJwt.Form(assertion));
        Refusal.IsUnproven(host, answer, reason);
    }

    /// <summary>Never comes to an end, and is no JSON.</summary>
    private sealed class Endless : MemoryStream
    {
        public override bool CanSeek => false;

        public override int Read(Span<byte> buffer)
        {
            buffer.Fill((byte)' ');
            return buffer.Length;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

        public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await destination.WriteAsync(Encoding.ASCII.GetBytes(new string(' ', 4096)), cancellationToken);
            }
        }
    }
}
