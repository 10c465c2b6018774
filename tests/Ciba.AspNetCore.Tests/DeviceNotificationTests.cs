using System.Net;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 8 and A21: the device is told after the request is stored, and a failure has a clear end.</summary>
public sealed class DeviceNotificationTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    [Test, Spec("A21"), Spec("U1")]
    public async Task The_device_learns_what_it_needs_and_not_the_auth_req_id()
    {
        await using var host = new CibaHost();

        var id = (await host.AuthorizeAsync(("scope", "openid email"), ("binding_message", "W4SCT"), ("acr_values", "urn:acr:2 urn:acr:1"))).AuthReqId;
        var told = await host.Devices.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(told.Id, Is.EqualTo(CibaRequestId.FromAuthReqId(id)).And.Not.EqualTo(id));
            Assert.That(told.Subject, Is.EqualTo("sub-alice"));
            Assert.That(told.ClientId, Is.EqualTo("client"));
            Assert.That(told.ClientName, Is.EqualTo("The client"));
            Assert.That(told.Scopes, Is.EqualTo(new[] { "openid", "email" }));
            Assert.That(told.BindingMessage, Is.EqualTo("W4SCT"));
            Assert.That(told.AcrValues, Is.EqualTo(new[] { "urn:acr:2", "urn:acr:1" }));
            Assert.That(told.CreatedAt, Is.EqualTo(host.Time.GetUtcNow()));
            Assert.That(told.ExpiresAt, Is.EqualTo(host.Time.GetUtcNow() + TimeSpan.FromMinutes(2)));
            Assert.That(told.Status, Is.EqualTo(CibaRequestStatus.Pending));
        }
    }

    [Test, Spec("A21")]
    public async Task A_failure_in_the_background_is_tried_again_with_growing_waits()
    {
        await using var host = new CibaHost();
        host.Devices.OnNotify = (_, _) => throw new InvalidOperationException("The push service is down.");
        var idle = await TimersOfAnIdleHostAsync(host);
        await host.AuthorizeAsync();
        var waits = new List<int>();

        for (var failures = 1; failures <= 4; failures++)
        {
            await WaitsForTheNextTryAsync(host, idle, failures);
            waits.Add(SecondsUntil(host, () => host.Devices.Calls > failures || host.Time.Timers == idle));
        }

        Assert.That(waits, Is.EqualTo(new[] { 1, 2, 4, 8 }));
    }

    [Test, Spec("A21")]
    public async Task A_failure_in_the_background_leaves_the_request_waiting()
    {
        await using var host = new CibaHost();
        host.Devices.OnNotify = (_, _) => throw new InvalidOperationException("The push service is down.");

        var answer = await host.AuthorizeAsync();

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await host.PollAsync(answer.AuthReqId)).Error, Is.EqualTo("authorization_pending"));
        Assert.That(await host.ApproveAsync(answer.AuthReqId), Is.EqualTo(CibaDecisionResult.Done));
    }

    [Test, Spec("A21")]
    public async Task No_more_tries_are_made_for_a_request_that_is_answered()
    {
        await using var host = new CibaHost();
        host.Devices.OnNotify = (_, _) => throw new InvalidOperationException("The push service is down.");
        var idle = await TimersOfAnIdleHostAsync(host);
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await WaitsForTheNextTryAsync(host, idle, failures: 1);
        await host.ApproveAsync(id);

        host.Time.Advance(TimeSpan.FromSeconds(60));
        await Eventually(() => host.Time.Timers == idle);

        Assert.That(host.Devices.Calls, Is.EqualTo(1));
    }

    [Test, Spec("A21")]
    public async Task Tries_end_with_the_life_of_the_request()
    {
        await using var host = new CibaHost { Options = options => options.RequestLifetime = TimeSpan.FromSeconds(2) };
        host.Devices.OnNotify = (_, _) => throw new InvalidOperationException("The push service is down.");
        var idle = await TimersOfAnIdleHostAsync(host);
        await host.AuthorizeAsync();
        await WaitsForTheNextTryAsync(host, idle, failures: 1);

        host.Time.Advance(TimeSpan.FromSeconds(1));
        await Eventually(() => host.Log.Ours.Any(line => line.Level == LogLevel.Error));

        Assert.That(host.Devices.Calls, Is.EqualTo(2));
        Assert.That(host.Time.Timers, Is.EqualTo(idle));
    }

    [Test, Spec("A21")]
    public async Task A_slow_notifier_holds_neither_its_client_nor_another()
    {
        await using var host = new CibaHost();
        var release = new TaskCompletionSource();
        host.Devices.OnNotify = (request, _) => request.BindingMessage == "slow" ? release.Task : Task.CompletedTask;

        var slow = await host.AuthorizeAsync(("binding_message", "slow"));
        var quick = await host.AuthorizeAsync(("client_id", "other"), ("binding_message", "quick"));

        Assert.That(slow.Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(quick.Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await host.Devices.NextAsync()).BindingMessage, Is.EqualTo("quick"));
        release.SetResult();
        Assert.That((await host.Devices.NextAsync()).BindingMessage, Is.EqualTo("slow"));
    }

    [Test, Spec("A21")]
    public async Task A_notifier_that_hangs_in_the_background_is_left_when_its_time_is_over_and_called_again()
    {
        await using var host = new CibaHost { Options = options => options.DeviceNotificationTimeout = TimeSpan.FromSeconds(10) };
        var hangs = true;
        host.Devices.OnNotify = (_, _) => hangs ? new TaskCompletionSource().Task : Task.CompletedTask;
        var idle = await TimersOfAnIdleHostAsync(host);
        await host.AuthorizeAsync();
        await Eventually(() => host.Devices.Calls == 1 && host.Time.Timers == idle + 1);

        hangs = false;
        host.Time.Advance(TimeSpan.FromSeconds(10));
        await WaitsForTheNextTryAsync(host, idle, failures: 1);
        host.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.That((await host.Devices.NextAsync()).Subject, Is.EqualTo("sub-alice"));
    }

    [Test, Spec("A21")]
    public async Task A_failure_before_the_answer_removes_the_request_and_answers_503()
    {
        await using var host = new CibaHost { Options = options => options.DeviceNotification = CibaDeviceNotificationMode.BeforeAcknowledgement };
        host.Devices.OnNotify = (_, _) => throw new InvalidOperationException("The push service is down.");

        var answer = await host.AuthorizeAsync();

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(answer.Body, Is.EqualTo("""{"error":"temporarily_unavailable","error_description":"The user's device could not be notified: try again later."}"""));
        Assert.That((await host.StoreAsync()).Count, Is.Zero);
    }

    [Test, Spec("A21")]
    public async Task A_notifier_that_takes_too_long_before_the_answer_is_a_failure_too()
    {
        await using var host = new CibaHost
        {
            Options = options =>
            {
                options.DeviceNotification = CibaDeviceNotificationMode.BeforeAcknowledgement;
                options.DeviceNotificationTimeout = TimeSpan.FromSeconds(3);
            },
        };
        var called = new TaskCompletionSource();
        host.Devices.OnNotify = (_, _) =>
        {
            called.SetResult();
            return new TaskCompletionSource().Task;
        };
        var idle = await TimersOfAnIdleHostAsync(host);
        var answering = host.AuthorizeAsync();
        await called.Task.WaitAsync(Bound);
        await Eventually(() => host.Time.Timers == idle + 1);

        host.Time.Advance(TimeSpan.FromSeconds(3));
        var answer = await answering.WaitAsync(Bound);

        Assert.That(answer.Error, Is.EqualTo("temporarily_unavailable"));
        Assert.That((await host.StoreAsync()).Count, Is.Zero);
    }

    [Test, Spec("A21")]
    public async Task A_success_before_the_answer_is_an_ordinary_answer()
    {
        await using var host = new CibaHost { Options = options => options.DeviceNotification = CibaDeviceNotificationMode.BeforeAcknowledgement };

        var answer = await host.AuthorizeAsync();

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(host.Devices.Calls, Is.EqualTo(1));
    }

    private static async Task<int> TimersOfAnIdleHostAsync(CibaHost host)
    {
        await host.StartedAsync();
        return host.Time.Timers;
    }

    // A failure is logged before the wait begins; the wait is the one timer that an idle host has not.
    private static Task WaitsForTheNextTryAsync(CibaHost host, int idle, int failures) => Eventually(() =>
        host.Log.Ours.Count(line => line.Level == LogLevel.Warning && line.Text.Contains("next try")) == failures && host.Time.Timers == idle + 1);

    // Moves the clock second by second until the next try, and says how many there were.
    private static int SecondsUntil(CibaHost host, Func<bool> happened)
    {
        var seconds = 0;
        while (!happened() && seconds < 60)
        {
            host.Time.Advance(TimeSpan.FromSeconds(1));
            seconds++;
        }

        return seconds;
    }

    private static async Task Eventually(Func<bool> happened)
    {
        var until = DateTime.UtcNow + Bound;
        while (!happened())
        {
            Assert.That(DateTime.UtcNow, Is.LessThan(until), "it did not happen in time");
            await Task.Yield();
        }
    }
}
