using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 8: the user's device is told, in the background or before the client has its answer.</summary>
public sealed class DeviceNotificationTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    [Test, Spec("A21")]
    public async Task The_client_has_its_answer_while_the_device_is_still_being_told()
    {
        await using var host = new CibaHost();
        var told = new TaskCompletionSource();
        host.Devices.OnNotify = (_, _) => told.Task;

        var answer = await host.AuthorizeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((await host.PollAsync(answer.AuthReqId)).Error, Is.EqualTo("authorization_pending"));
        }

        told.SetResult();
        Assert.That((await host.Devices.NextAsync()).Id, Is.EqualTo(CibaRequestId.FromAuthReqId(answer.AuthReqId)));
    }

    [Test, Spec("A21")]
    public async Task The_request_is_stored_before_the_device_is_told()
    {
        await using var host = new CibaHost { Options = Before };
        CibaDecisionResult? early = null;
        host.Devices.OnNotify = async (request, _) =>
        {
            await using var scope = (await host.ServicesAsync()).CreateAsyncScope();
            early = await scope.ServiceProvider.GetRequiredService<ICibaApprovals>().ApproveAsync(request.Id, request.Subject, null, CancellationToken.None);
        };

        var answer = await host.AuthorizeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(early, Is.EqualTo(CibaDecisionResult.Done));
            Assert.That((await host.PollAsync(answer.AuthReqId)).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test, Spec("A21")]
    public async Task A_failed_notification_is_tried_again_with_growing_waits_and_the_request_lives_on()
    {
        await using var host = new CibaHost { Options = options => options.RequestLifetime = TimeSpan.FromMinutes(5) };
        host.Devices.OnNotify = (_, _) => host.Devices.Calls <= 8 ? throw Down : Task.CompletedTask;

        var answer = await host.AuthorizeAsync();
        foreach (var wait in new[] { 1, 2, 4, 8, 16, 30, 30, 30 })
        {
            await host.WaitedAsync(wait);
        }

        await host.Devices.NextAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(host.Devices.Calls, Is.EqualTo(9));
            Assert.That((await host.PollAsync(answer.AuthReqId)).Error, Is.EqualTo("authorization_pending"));
            Assert.That(host.Log.Ours.Count(line => line.Level == LogLevel.Warning && line.Text.Contains("could not be notified", StringComparison.Ordinal)), Is.EqualTo(8));
        }
    }

    [TestCase("approved"), TestCase("denied"), Spec("A21")]
    public async Task A_request_that_was_answered_meanwhile_is_not_notified_again(string fate)
    {
        var looked = new TaskCompletionSource();
        using var store = new HookedStore();
        await using var host = new CibaHost { Setup = store.Use };
        host.Devices.OnNotify = (_, _) => throw Down;
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.WaitedAsync(1);
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(2));

        Assert.That(await (fate == "approved" ? host.ApproveAsync(id) : host.DenyAsync(id)), Is.EqualTo(CibaDecisionResult.Done));
        store.Before = step =>
        {
            if (step == nameof(ICibaOutbox.ClaimAsync))
            {
                looked.TrySetResult();
            }

            return Task.CompletedTask;
        };
        host.Time.Advance(TimeSpan.FromSeconds(2));
        await looked.Task.WaitAsync(Bound);
        await host.StopAsync();

        Assert.That(host.Devices.Calls, Is.EqualTo(2));
    }

    [Test, Spec("A21")]
    public async Task The_tries_end_with_the_requests_life()
    {
        await using var host = new CibaHost();
        var third = new TaskCompletionSource();
        host.Devices.OnNotify = (_, _) =>
        {
            if (host.Devices.Calls == 3)
            {
                third.SetResult();
            }

            throw Down;
        };

        // At 0, 1 and 3 s; the next would be at 7 s.
        await host.AuthorizeAsync(("requested_expiry", "6"));
        await host.WaitedAsync(1);
        await host.WaitedAsync(2);
        await third.Task.WaitAsync(Bound);
        await host.StopAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(host.Devices.Calls, Is.EqualTo(3));
            Assert.That(host.Log.Ours.Where(line => line.Level == LogLevel.Error).Select(line => line.Text), Has.One.Contains("in its lifetime"));
        }
    }

    [Test, Spec("A21")]
    public async Task A_notification_that_hangs_is_given_up_and_tried_again()
    {
        await using var host = new CibaHost();
        var hangs = new TaskCompletionSource();
        host.Devices.OnNotify = (_, _) => host.Devices.Calls == 1 ? hangs.Task : Task.CompletedTask;

        await host.AuthorizeAsync();
        await host.WaitedAsync(10);
        await host.WaitedAsync(1);

        await host.Devices.NextAsync();
        Assert.That(host.Devices.Calls, Is.EqualTo(2));
        hangs.SetResult();
    }

    [Test, Spec("A21")]
    public async Task A_slow_notification_holds_no_other_client()
    {
        await using var host = new CibaHost
        {
            Options = options =>
            {
                Before(options);
                options.Limits.SwitchOff();
            },
        };
        var slow = new TaskCompletionSource();
        host.Devices.OnNotify = (request, _) => request.Subject == "sub-alice" ? slow.Task : Task.CompletedTask;

        var waiting = host.AuthorizeAsync();
        for (var i = 0; i < 5; i++)
        {
            Assert.That((await host.AuthorizeAsync(("login_hint", "bob")).WaitAsync(Bound)).Status, Is.EqualTo(HttpStatusCode.OK));
        }

        Assert.That(waiting.IsCompleted, Is.False);
        slow.SetResult();
        Assert.That((await waiting).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("A21"), Spec("A20")]
    public async Task Before_the_acknowledgement_a_failure_takes_the_request_back()
    {
        await using var host = new CibaHost { Options = Before };
        host.Devices.OnNotify = (_, _) => throw new InvalidOperationException("A detail for the operator.");

        var answer = await host.AuthorizeAsync();

        Refusal.Says(answer, "temporarily_unavailable", 503);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Description, Is.EqualTo("The user's device could not be notified: try again later."));
            Assert.That((await host.StoreAsync()).Count, Is.Zero);
            Assert.That(host.Devices.Calls, Is.EqualTo(1), "no second try");
            Assert.That(host.Log.Ours.Where(line => line.Level == LogLevel.Error).Select(line => line.Text), Has.One.Contains("A detail for the operator."));
        }
    }

    [Test, Spec("A21"), Spec("A20")]
    public async Task Before_the_acknowledgement_a_notification_that_takes_too_long_takes_the_request_back()
    {
        await using var host = new CibaHost
        {
            Options = options =>
            {
                Before(options);
                options.DeviceNotificationTimeout = TimeSpan.FromSeconds(3);
            },
        };
        var called = new TaskCompletionSource<CancellationToken>();
        var hangs = new TaskCompletionSource();
        host.Devices.OnNotify = (_, token) =>
        {
            called.SetResult(token);
            return hangs.Task;
        };

        var waiting = host.AuthorizeAsync();
        var token = await called.Task.WaitAsync(Bound);
        host.Time.Advance(TimeSpan.FromSeconds(3) - TimeSpan.FromTicks(1));
        Assert.That(token.IsCancellationRequested, Is.False);
        host.Time.Advance(TimeSpan.FromTicks(1));
        var answer = await waiting.WaitAsync(Bound);

        Refusal.Says(answer, "temporarily_unavailable", 503);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(token.IsCancellationRequested, "the notifier was told");
            Assert.That((await host.StoreAsync()).Count, Is.Zero);
        }

        hangs.SetResult();
    }

    [Test, Spec("A21")]
    public async Task A_user_who_answers_before_the_notification_fails_was_reached()
    {
        await using var host = new CibaHost { Options = Before };
        host.Devices.OnNotify = async (request, _) =>
        {
            await using var scope = (await host.ServicesAsync()).CreateAsyncScope();
            await scope.ServiceProvider.GetRequiredService<ICibaApprovals>().ApproveAsync(request.Id, request.Subject, null, CancellationToken.None);
            throw new InvalidOperationException("The push service did not confirm.");
        };

        var answer = await host.AuthorizeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
            Assert.That((await host.PollAsync(answer.AuthReqId)).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test, Spec("A21"), Spec("A20")]
    public async Task A_client_that_hangs_up_before_the_acknowledgement_leaves_nothing_behind()
    {
        var handled = new TaskCompletionSource();
        await using var host = new CibaHost
        {
            Options = Before,
            Map = app => app.Use(async (context, next) =>
            {
                await next(context);
                handled.SetResult();
            }),
        };
        var called = new TaskCompletionSource();
        var hangs = new TaskCompletionSource();
        host.Devices.OnNotify = (_, _) =>
        {
            called.SetResult();
            return hangs.Task;
        };
        using var hangUp = new CancellationTokenSource();

        var waiting = (await host.HttpAsync()).PostAsync("/bc-authorize", RawForm.Of(RawForm.Right), hangUp.Token);
        await called.Task.WaitAsync(Bound);
        Assert.That((await host.StoreAsync()).Count, Is.EqualTo(1));
        await hangUp.CancelAsync();

        Assert.That(async () => await waiting, Throws.InstanceOf<OperationCanceledException>());
        await handled.Task.WaitAsync(Bound);
        Assert.That((await host.StoreAsync()).Count, Is.Zero);
        hangs.SetResult();
    }

    [Test, Spec("A21")]
    public async Task Stopping_the_host_waits_for_the_call_on_its_way_and_for_no_other_try()
    {
        await using var host = new CibaHost();
        var called = new TaskCompletionSource();
        var onItsWay = new TaskCompletionSource();
        host.Devices.OnNotify = async (_, _) =>
        {
            called.SetResult();
            await onItsWay.Task;
            throw Down;
        };
        await host.AuthorizeAsync();
        await called.Task.WaitAsync(Bound);

        var stopping = host.StopAsync();
        Assert.That(stopping.IsCompleted, Is.False);
        onItsWay.SetResult();
        await stopping;

        Assert.That(host.Devices.Calls, Is.EqualTo(1));
    }

    private static InvalidOperationException Down => new("The push service is down.");

    private static void Before(CibaOptions options) => options.DeviceNotification = CibaDeviceNotificationMode.BeforeAcknowledgement;
}
