using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using static Ciba.AspNetCore.Tests.Hosting.ScriptedNotifiers;

namespace Ciba.AspNetCore.Tests;

/// <summary>Several notifiers: each is tried when those before it have failed.</summary>
[Spec("A21")]
public sealed class DeviceNotifierOrderTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly ScriptedNotifiers _script = new();

    [Test]
    public async Task The_next_is_tried_where_one_fails_and_none_behind_the_one_that_does_not()
    {
        _script.OnCall = (name, _) => name == nameof(First) ? throw new InvalidOperationException("no signal") : Task.CompletedTask;
        await using var host = Host(CallbackCalls.Quietly, ciba => ciba.AddDeviceNotifier<First>().AddDeviceNotifier<Second>().AddDeviceNotifier<FakeDevices>());

        var answer = await host.AuthorizeAsync(("binding_message", "pay-for-4711"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
            Assert.That(_script.Rest(), Is.EqualTo(new[] { nameof(First), nameof(Second) }));
            Assert.That(host.Devices.Calls, Is.Zero);
            var warning = host.Log.Ours.Single(line => line.Level == LogLevel.Warning && line.Text.Contains("tried", StringComparison.Ordinal)).Text;
            Assert.That(warning, Does.StartWith($"First could not tell the device of request {(await host.HandleAsync(answer.AuthReqId))[..10]}; Second is tried").And.Contains("no signal"));
            Assert.That(warning, Does.Not.Contain("alice").And.Not.Contain("pay-for-4711"));
        }
    }

    [Test]
    public async Task A_notifier_is_made_when_it_is_its_turn_and_not_before()
    {
        await using var host = Host(CallbackCalls.Quietly, ciba => ciba.AddDeviceNotifier<First>().AddDeviceNotifier<Second>());

        await host.AuthorizeAsync();

        Assert.That(_script.Made, Is.EqualTo(1));
    }

    [Test]
    public async Task A_notifier_that_cannot_be_made_has_failed()
    {
        await using var host = Host(CallbackCalls.Quietly, ciba => ciba.AddDeviceNotifier<Unmade>().AddDeviceNotifier<Second>());

        var answer = await host.AuthorizeAsync();

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
        Assert.That(_script.Rest(), Is.EqualTo(new[] { nameof(Second) }));
    }

    [Test]
    public async Task A_class_that_is_added_again_keeps_its_place_and_has_the_later_timeout()
    {
        var gate = new Gate();
        _script.OnCall = (name, _) => name == nameof(First) ? gate.PassAsync(CancellationToken.None) : throw new InvalidOperationException("no signal");
        await using var host = Host(
            CallbackCalls.Quietly,
            ciba => ciba.AddDeviceNotifier<First>(TimeSpan.FromSeconds(3)).AddDeviceNotifier<Second>().AddDeviceNotifier<First>(TimeSpan.FromSeconds(7)));

        var waiting = host.AuthorizeAsync();
        await gate.ReachedAsync();
        host.Time.Advance(TimeSpan.FromSeconds(7));
        Refusal.Says(await waiting.WaitAsync(Bound), "temporarily_unavailable", 503);

        Assert.That(_script.Rest(), Is.EqualTo(new[] { nameof(First), nameof(Second) }));
        gate.Open();
    }

    [Test]
    public async Task One_that_hangs_is_left_behind_at_its_timeout_and_the_next_is_tried([Values] bool hasItsOwn, [Values] bool blocks)
    {
        using var hangs = new ManualResetEventSlim();
        var called = new TaskCompletionSource<CancellationToken>(TaskCreationOptions.RunContinuationsAsynchronously);
        _script.OnCall = (name, token) =>
        {
            if (name == nameof(Second))
            {
                return Task.CompletedTask;
            }

            called.SetResult(token);
            return blocks ? Task.FromResult(hangs.Wait(Bound, CancellationToken.None)) : Task.Run(() => hangs.Wait(Bound, CancellationToken.None), CancellationToken.None);
        };
        await using var host = Host(
            options => (options.DeviceNotification, options.DeviceNotificationTimeout) = (CibaDeviceNotificationMode.BeforeAcknowledgement, TimeSpan.FromSeconds(hasItsOwn ? 60 : 3)),
            ciba => ciba.AddDeviceNotifier<First>(hasItsOwn ? TimeSpan.FromSeconds(3) : null).AddDeviceNotifier<Second>());

        var waiting = host.AuthorizeAsync();
        Assert.That(await _script.NextAsync(), Is.EqualTo(nameof(First)));
        var token = await called.Task.WaitAsync(Bound);
        host.Time.Advance(TimeSpan.FromSeconds(3) - TimeSpan.FromTicks(1));
        Assert.That(token.IsCancellationRequested, Is.False);
        host.Time.Advance(TimeSpan.FromTicks(1));
        var answer = await waiting.WaitAsync(Bound);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
            Assert.That(token.IsCancellationRequested, "the notifier was told");
            Assert.That(_script.Rest(), Is.EqualTo(new[] { nameof(Second) }));
        }

        hangs.Set();
    }

    [Test]
    public async Task Where_all_have_failed_in_the_background_all_are_tried_again_from_the_first_on()
    {
        _script.OnCall = (name, _) => throw new InvalidOperationException($"{name} has no signal");
        await using var host = Host(_ => { }, ciba => ciba.AddDeviceNotifier<First>().AddDeviceNotifier<Second>());

        var answer = await host.AuthorizeAsync();
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
        foreach (var wait in new[] { 1, 2 })
        {
            await host.WaitedAsync(wait);
        }

        var calls = new List<string>();
        while (calls.Count < 6)
        {
            calls.Add(await _script.NextAsync());
        }

        await host.StopAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(calls, Is.EqualTo(new[] { nameof(First), nameof(Second), nameof(First), nameof(Second), nameof(First), nameof(Second) }));
            Assert.That(host.Log.Ours.Count(line => line.Text.Contains("No notifier could tell the device. (First has no signal) (Second has no signal)", StringComparison.Ordinal)), Is.EqualTo(3));
        }
    }

    [Test]
    public async Task Where_all_have_failed_before_the_acknowledgement_the_client_is_told_and_nothing_is_left_behind()
    {
        _script.OnCall = (name, _) => throw new InvalidOperationException($"{name} has no signal");
        await using var host = Host(CallbackCalls.Quietly, ciba => ciba.AddDeviceNotifier<First>().AddDeviceNotifier<Second>());

        var answer = await host.AuthorizeAsync();

        Refusal.Says(answer, "temporarily_unavailable", 503);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((await host.StoreAsync()).Count, Is.Zero);
            Assert.That(host.Log.Ours.Single(line => line.Level == LogLevel.Error).Text, Does.Contain("the request was refused").And.Contain("First has no signal").And.Contain("Second has no signal"));
        }
    }

    [Test, Spec("A20")]
    public async Task A_client_that_hangs_up_is_no_reason_to_try_the_next()
    {
        var handled = new TaskCompletionSource();
        var gate = new Gate();
        _script.OnCall = (_, token) => gate.PassAsync(token);
        await using var host = new CibaHost
        {
            Options = CallbackCalls.Quietly,
            Notifiers = ciba => _script.In(ciba).AddDeviceNotifier<First>().AddDeviceNotifier<Second>(),
            BeforeRouting = app => app.Use(async (context, next) =>
            {
                await next(context);
                handled.SetResult();
            }),
        };
        using var hangUp = new CancellationTokenSource();

        var waiting = (await host.HttpAsync()).PostAsync("/bc-authorize", RawForm.Of(RawForm.Right), hangUp.Token);
        await gate.ReachedAsync();
        await hangUp.CancelAsync();

        Assert.That(async () => await waiting, Throws.InstanceOf<OperationCanceledException>());
        await handled.Task.WaitAsync(Bound);
        Assert.That(_script.Rest(), Is.EqualTo(new[] { nameof(First) }));
    }

    [Test, Spec("P9")]
    public async Task Another_node_waits_until_all_notifiers_may_have_failed()
    {
        var gate = new Gate();
        _script.OnCall = (_, _) => gate.PassAsync(CancellationToken.None);
        using var shared = new MemoryCibaRequestStore(new ManualTime());
        await using var dying = Node(shared, _script);
        var other = new ScriptedNotifiers();
        await using var second = Node(shared, other);
        await second.StartedAsync();
        await second.Time.TimerSetAsync(TimeSpan.FromSeconds(5));
        await dying.AuthorizeAsync();
        await gate.ReachedAsync();

        // 15 s and 20 s for the two notifiers, as long for a place, and the 10 s of OutboxLease.
        for (var looks = 0; looks < 15; looks++)
        {
            await second.LookAsync();
        }

        Assert.That(other.Rest(), Is.Empty);
        await second.LookAsync();
        Assert.That(await other.NextAsync(), Is.EqualTo(nameof(First)));
        gate.Open();
    }

    [TestCase(0), TestCase(-1), TestCase(301), Spec("D7")]
    public async Task A_timeout_that_makes_no_sense_stops_the_host(int seconds)
    {
        var timeout = TimeSpan.FromSeconds(seconds);
        await using var host = Host(_ => { }, ciba => ciba.AddDeviceNotifier<First>(TimeSpan.FromMinutes(5)).AddDeviceNotifier<Second>(timeout));

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { $"AddDeviceNotifier<Second>: the time-out must be between 00:00:00.0010000 and 00:05:00, not {timeout:c}." }));
    }

    [Test, Spec("D7")]
    public async Task A_notifier_that_only_stands_among_the_services_is_missed()
    {
        await using var host = new CibaHost { Notifiers = ciba => ciba.Services.AddSingleton<ICibaDeviceNotifier, FakeDevices>() };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { "ICibaDeviceNotifier is missing: add it with AddDeviceNotifier<T>() behind AddCiba()." }));
    }

    private CibaHost Host(Action<CibaOptions> options, Action<CibaBuilder> notifiers) => new() { Options = options, Notifiers = ciba => notifiers(_script.In(ciba)) };

    private static CibaHost Node(MemoryCibaRequestStore store, ScriptedNotifiers script) => new()
    {
        Options = options => options.DeviceNotificationTimeout = TimeSpan.FromSeconds(20),
        Notifiers = ciba => script.In(ciba).AddDeviceNotifier<First>(TimeSpan.FromSeconds(15)).AddDeviceNotifier<Second>(),
        Setup = ciba => ciba.Services.Replace(ServiceDescriptor.Singleton<ICibaRequestStore>(store)),
    };
}
