using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using static Ciba.AspNetCore.Tests.Hosting.ScriptedNotifiers;

namespace Ciba.AspNetCore.Tests;

/// <summary>A process that stood still for longer than it held an entry, as under a paused virtual machine.</summary>
[Spec("P5"), Spec("P9")]
public sealed class OutboxPauseTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly FakeReceiver _receiver = new();
    private readonly HookedStore _store = new();
    private readonly Gate _pause = new();

    public void Dispose()
    {
        _store.Dispose();
        _receiver.Dispose();
    }

    [TestCase("ping", 204), TestCase("ping", 404), TestCase("push", 204), TestCase("push", 404)]
    public async Task What_it_was_about_to_put_down_as_ended_is_not_done_once_more(string mode, int status)
    {
        await using var host = Host(mode);
        _receiver.OnCall = (_, _) => FakeReceiver.Answer(status);
        using var outcomes = PauseAtOutcome(await host.ServicesAsync());
        await host.FirstLookAsync();
        await host.ApproveAsync((await host.AskAsync(("requested_expiry", "300"))).AuthReqId);
        await _pause.ReachedAsync();

        // The entry is held for 50 s. It is claimed again then, and once more 50 s later.
        await LooksAsync(host, 11, isHeldUp: true);
        var settlements = 0;
        var settled = new TaskCompletionSource();
        _store.Before = step =>
        {
            if (step == nameof(ICibaOutbox.SettleAsync) && ++settlements == 1)
            {
                settled.TrySetResult();
            }

            return Task.CompletedTask;
        };
        _pause.Open();
        await settled.Task.WaitAsync(Bound);
        await LooksAsync(host, 24);
        await host.StopAsync();

        Assert.That((_receiver.Calls, settlements), Is.EqualTo((1, 2)), "one settlement too late for its hold, one in time for the next");
    }

    [TestCase("ping"), TestCase("push"), Spec("A21")]
    public async Task A_device_that_was_told_is_not_told_once_more_by_who_is_handed_the_entry_meanwhile(string mode)
    {
        await using var host = Host(mode);
        var (postponements, next) = (0, new TaskCompletionSource());
        _store.Before = step => step == nameof(ICibaOutbox.PostponeAsync) && Interlocked.Increment(ref postponements) == 1 ? _pause.PassAsync() : Task.CompletedTask;
        _store.AfterPostpone = () => next.TrySetResult();
        await host.FirstLookAsync();
        await host.AskAsync(("requested_expiry", "300"));
        await _pause.ReachedAsync();

        // The entry is held for 30 s, and claimed again then.
        await LooksAsync(host, 7, isHeldUp: true);
        await next.Task.WaitAsync(Bound);
        _pause.Open();
        await LooksAsync(host, 24);

        Assert.That((host.Devices.Calls, postponements), Is.EqualTo((1, 2)), "one postponement too late for its hold, one in time for the next");
        await LooksAsync(host, 31);
        Assert.That(_receiver.Calls, Is.EqualTo(1), "the client is told of the expiry all the same");
    }

    [Test, Spec("A21")]
    public async Task A_device_that_is_told_after_the_hold_is_not_told_once_more_in_the_next()
    {
        var script = new ScriptedNotifiers { OnCall = (name, _) => name == nameof(First) ? throw new PausingException(_pause) : Task.CompletedTask };
        await using var host = Host("push", ciba => script.In(ciba).AddDeviceNotifier<First>().AddDeviceNotifier<Second>());
        var (postponements, first) = (0, new TaskCompletionSource());
        _store.AfterPostpone = () =>
        {
            Interlocked.Increment(ref postponements);
            first.TrySetResult();
        };
        await host.FirstLookAsync();
        await host.AskAsync(("requested_expiry", "300"));
        await _pause.ReachedAsync();

        // The entry is held for 50 s. It is claimed again then, and once more 50 s later.
        await LooksAsync(host, 11, isHeldUp: true);
        _pause.Open();
        await first.Task.WaitAsync(Bound);
        await LooksAsync(host, 24);
        await host.StopAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(script.Rest(), Is.EqualTo(new[] { nameof(First), nameof(Second) }));
            Assert.That(postponements, Is.EqualTo(2), "one too late for its hold, one in time for the next");
        }
    }

    private CibaHost Host(string mode, Action<CibaBuilder>? notifiers = null) => new()
    {
        Clients = [mode == "ping" ? FakeReceiver.PingClient() : FakeReceiver.PushClient()],
        Options = options => options.Callbacks.PingOnExpiry = true,
        Notifiers = notifiers ?? (ciba => ciba.AddDeviceNotifier<FakeDevices>()),
        Setup = ciba =>
        {
            _receiver.Use(ciba);
            _store.Use(ciba);
        },
    };

    private static async Task LooksAsync(CibaHost host, int count, bool isHeldUp = false)
    {
        for (var looks = 0; looks < count; looks++)
        {
            await host.LookAsync(isHeldUp);
        }
    }

    /// <summary>A measurement is taken where it is made: its listener stops the worker between the answer and the store.</summary>
    private MeterListener PauseAtOutcome(IServiceProvider services)
    {
        var meters = services.GetRequiredService<IMeterFactory>();
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "ciba.callbacks" && ReferenceEquals(instrument.Meter.Scope, meters))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => _pause.PassAsync().GetAwaiter().GetResult());
        listener.Start();
        return listener;
    }

    /// <summary>An exception is written into the log where it is caught: this one stops the worker there.</summary>
    private sealed class PausingException(Gate pause) : Exception
    {
        public override string ToString()
        {
            pause.PassAsync().GetAwaiter().GetResult();
            return "no signal";
        }
    }
}
