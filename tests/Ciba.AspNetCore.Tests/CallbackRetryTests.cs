using System.Net;
using System.Text.RegularExpressions;
using Ciba.AspNetCore.Callbacks;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>Sections 10.2 and 10.3: what the answer of a notification endpoint means, and when it is called again.</summary>
[Spec("P5")]
public sealed partial class CallbackRetryTests
{
    private readonly FakeReceiver _receiver = new();
    private readonly FakeEvents _events = new();

    [TestCase(200, "{}"), TestCase(200, "no JSON <"), TestCase(201, ""), TestCase(202, ""), TestCase(204, ""), TestCase(299, "x")]
    public async Task An_answer_that_is_no_failure_ends_it_whatever_its_body(int status, string body)
    {
        await using var host = Host();
        _receiver.OnCall = (_, _) => Task.FromResult(new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent(body) });
        using var metrics = await MetricsTests.ListenAsync(host);
        await host.FirstLookAsync();
        await ApprovedAsync(host);

        var heard = await _events.NextAsync(CibaEventKind.Delivered);
        await PassAsync(host);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((heard.TokenDeliveryMode, heard.ClientId, heard.Reason), Is.EqualTo(("ping", "client", (string?)null)));
            Assert.That(_receiver.Calls, Is.EqualTo(1));
            Assert.That(metrics.Seen.Where(line => line.StartsWith("ciba.callback", StringComparison.Ordinal)), Is.EqualTo(new[]
            {
                "ciba.callbacks 1 {callback} mode=ping outcome=delivered",
                "ciba.callback.duration 0 s mode=ping",
            }));
        }
    }

    [TestCase(301), TestCase(302), TestCase(303), TestCase(307), TestCase(308), TestCase(304), TestCase(400), TestCase(401), TestCase(403), TestCase(404), TestCase(410)]
    public async Task An_answer_that_another_try_would_not_change_is_final(int status)
    {
        await using var host = Host();
        _receiver.OnCall = async (_, _) =>
        {
            var response = await FakeReceiver.Answer(status, "1");
            response.Headers.Location = new Uri("https://elsewhere.example/cb");
            return response;
        };
        using var metrics = await MetricsTests.ListenAsync(host);
        await host.FirstLookAsync();
        await ApprovedAsync(host);

        var heard = await _events.NextAsync(CibaEventKind.Undelivered);
        await PassAsync(host);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((heard.TokenDeliveryMode, heard.ClientId, heard.Reason), Is.EqualTo(("ping", "client", $"it answered with status {status}")));
            Assert.That(_receiver.Calls, Is.EqualTo(1));
            Assert.That(metrics.Seen.Where(line => line.StartsWith("ciba.callback", StringComparison.Ordinal)), Is.EqualTo(new[] { "ciba.callbacks 1 {callback} mode=ping outcome=undelivered" }));
            Assert.That(Lines(host), Is.EqualTo(new[] { $"Error: The ping for request * of client client was not delivered and will not be: it answered with status {status}" }));
        }
    }

    [TestCase("429", "it answered with status 429"), TestCase("500", "it answered with status 500"), TestCase("503", "it answered with status 503"), TestCase("network", "the call failed (IOException)")]
    public async Task What_may_pass_is_tried_again_with_growing_waits_until_the_requests_life_ends(string failure, string reason)
    {
        await using var host = Host();
        _receiver.OnCall = (_, _) => int.TryParse(failure, out var status) ? FakeReceiver.Answer(status) : throw new HttpRequestException("Sending failed.", new IOException("The cable is cut."));
        using var metrics = await MetricsTests.ListenAsync(host);
        await ApprovedAsync(host);

        // The call of a listener is bounded by 30 s, too.
        await _events.NextAsync(CibaEventKind.Decided);
        var waits = new[] { 1, 2, 4, 8, 16, 30, 30 };
        foreach (var wait in waits)
        {
            await _receiver.NextAsync();
            await host.WaitedAsync(wait);
        }

        // At 91 s; the next would be at 121 s, and the request lives 120 s.
        var heard = await _events.NextAsync(CibaEventKind.Undelivered);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(heard.Reason, Is.EqualTo(reason));
            Assert.That(heard.OccurredAt, Is.EqualTo(host.Time.GetUtcNow()));
            Assert.That(_receiver.Calls, Is.EqualTo(8));
            Assert.That(Lines(host), Is.EqualTo(
            [
                .. waits.Select(wait => $"Warning: The ping for request * of client client was not delivered; the next try is in 00:00:{wait:00}: {reason}"),
                $"Error: The ping for request * of client client was not delivered and will not be: {reason}",
            ]));
            Assert.That(metrics.Seen.Where(line => line.StartsWith("ciba.callback", StringComparison.Ordinal)), Is.EqualTo(
            [
                .. waits.Select(_ => "ciba.callbacks 1 {callback} mode=ping outcome=retried"),
                "ciba.callbacks 1 {callback} mode=ping outcome=undelivered",
            ]));
        }
    }

    [TestCase("ping"), TestCase("push"), Spec("P4")]
    public async Task An_expiry_is_told_again_until_the_request_is_forgotten(string mode)
    {
        await using var host = Host(events: false, mode);
        _receiver.OnCall = (_, _) => FakeReceiver.Answer(503);
        await host.FirstLookAsync();
        await host.AskAsync(("requested_expiry", "7"));
        await host.LookAsync();
        await host.LookAsync();

        // From 10 s on; the request is remembered until 67 s.
        foreach (var wait in new[] { 1, 2, 4, 8, 16 })
        {
            await _receiver.NextAsync();
            await host.WaitedAsync(wait);
        }

        await _receiver.NextAsync();
        await host.StopAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_receiver.Calls, Is.EqualTo(6));
            Assert.That(Lines(host).Last(), Is.EqualTo($"Error: The {mode} for request * of client client was not delivered and will not be: it answered with status 503"));
        }
    }

    [TestCase(true), TestCase(false)]
    public async Task A_receiver_that_does_not_answer_in_ten_seconds_is_called_again(bool listens)
    {
        await using var host = Host();
        var forever = new TaskCompletionSource<HttpResponseMessage>();
        var timedOut = new TaskCompletionSource();
        _receiver.OnCall = (call, token) =>
        {
            if (call.Number > 1)
            {
                return FakeReceiver.Answer(204);
            }

            token.Register(timedOut.SetResult);
            return listens ? forever.Task.WaitAsync(token) : forever.Task;
        };
        await ApprovedAsync(host);
        await _receiver.NextAsync();

        host.Time.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1));
        Assert.That(timedOut.Task.IsCompleted, Is.False);
        host.Time.Advance(TimeSpan.FromTicks(1));
        await host.WaitedAsync(1);

        await _receiver.NextAsync();
        Assert.That(Lines(host), Is.EqualTo(new[] { "Warning: The ping for request * of client client was not delivered; the next try is in 00:00:01: it did not answer in time" }));
    }

    [Test]
    public async Task A_time_out_of_the_hosts_own_handlers_counts_as_one()
    {
        await using var host = Host();
        _receiver.OnCall = (call, _) => call.Number == 1 ? throw new TaskCanceledException("Too long for the host.") : FakeReceiver.Answer(204);
        await ApprovedAsync(host);
        await host.WaitedAsync(1);

        await _events.NextAsync(CibaEventKind.Delivered);
        Assert.That(Lines(host), Is.EqualTo(new[] { "Warning: The ping for request * of client client was not delivered; the next try is in 00:00:01: it took too long" }));
    }

    [TestCase("12", 12.0), TestCase("1", 1.0), TestCase("0", 1.0), TestCase("60", 60.0), TestCase("61", 60.0), TestCase("2147483647", 60.0)]
    [TestCase("2147483648", 60.0), TestCase("99999999999999999999", 60.0), TestCase("0000000000000000000012", 12.0)]
    [TestCase("-5", 1.0), TestCase("soon", 1.0), TestCase("1.5", 1.0), TestCase("", 1.0), TestCase("+99999999999", 1.0), TestCase("12 99999999999", 1.0), TestCase("\u0669\u0669\u0669\u0669\u0669\u0669\u0669\u0669\u0669\u0669\u0669", 1.0)]
    [TestCase("Thu, 15 Jan 2026 12:00:20 GMT", 20.0), TestCase("Thu, 15 Jan 2026 11:00:00 GMT", 1.0), TestCase("Fri, 16 Jan 2026 12:00:00 GMT", 60.0)]
    public async Task A_receiver_that_asks_for_time_gets_it_within_bounds(string retryAfter, double wait)
    {
        await using var host = Host(events: false);
        _receiver.OnCall = (call, _) => FakeReceiver.Answer(call.Number == 1 ? 503 : 204, retryAfter);
        await ApprovedAsync(host);
        await _receiver.NextAsync();

        await host.WaitedAsync(wait);

        await _receiver.NextAsync();
        Assert.That(Lines(host), Is.EqualTo(new[] { $"Warning: The ping for request * of client client was not delivered; the next try is in {TimeSpan.FromSeconds(wait)}: it answered with status 503" }));
    }

    [TestCase(200, CibaEventKind.Delivered), TestCase(404, CibaEventKind.Undelivered)]
    public async Task A_body_that_never_ends_is_not_waited_for(int status, CibaEventKind kind)
    {
        await using var host = Host();
        _receiver.OnCall = (_, _) => Task.FromResult(new HttpResponseMessage((HttpStatusCode)status) { Content = new EndlessContent() });
        await ApprovedAsync(host);

        // The time stands still: nothing times out.
        Assert.That((await _events.NextAsync(kind)).RequestId, Is.Not.Null);
    }

    [Test]
    public void Waits_are_shortened_by_a_quarter_at_most_and_never_below_what_was_asked_for()
    {
        var waits = new RetryWaits();
        var drawn = Enumerable.Range(0, 1000).Select(_ => waits.After(3, TimeSpan.FromMinutes(2)).TotalSeconds).ToList();
        var capped = Enumerable.Range(0, 1000).Select(_ => waits.After(int.MaxValue, TimeSpan.FromMinutes(2)).TotalSeconds).ToList();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(drawn, Is.All.InRange(3.0, 4.0));
            Assert.That(drawn.Max() - drawn.Min(), Is.GreaterThan(0.5), "they are spread");
            Assert.That(capped, Is.All.InRange(22.5, 30.0));
            Assert.That(waits.After(3, TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(10)), Is.EqualTo(TimeSpan.FromSeconds(10)));
        }
    }

    private static async Task ApprovedAsync(CibaHost host) => await host.ApproveAsync((await host.AskAsync()).AuthReqId);

    /// <summary>Lets a minute pass, with all that comes due in it.</summary>
    private static async Task PassAsync(CibaHost host)
    {
        for (var looks = 0; looks < 12; looks++)
        {
            await host.LookAsync();
        }

        await host.StopAsync();
    }

    private static IEnumerable<string> Lines(CibaHost host) => host.Log.Ours
        .Where(line => line.Level >= LogLevel.Warning && line.Category.EndsWith("OutboxWorker", StringComparison.Ordinal))
        .Select(line => $"{line.Level}: {ShortId().Replace(line.Text.Trim(), "request *")}");

    [GeneratedRegex("request [A-Za-z0-9_-]+")]
    private static partial Regex ShortId();

    private CibaHost Host(bool events = true, string mode = "ping") => new()
    {
        Clients = [mode == "ping" ? FakeReceiver.PingClient() : FakeReceiver.PushClient()],
        Options = options =>
        {
            CallbackCalls.Quietly(options);
            options.Callbacks.PingOnExpiry = true;
        },
        Setup = ciba =>
        {
            _receiver.Use(ciba);
            if (events)
            {
                _events.Use(ciba);
            }
        },
    };

    /// <summary>The headers are there; the rest never comes.</summary>
    private sealed class EndlessContent : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => new TaskCompletionSource().Task;

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
