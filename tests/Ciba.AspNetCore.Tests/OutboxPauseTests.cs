using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;

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
        await using var host = new CibaHost
        {
            Clients = [mode == "ping" ? FakeReceiver.PingClient() : FakeReceiver.PushClient()],
            Setup = ciba =>
            {
                _receiver.Use(ciba);
                _store.Use(ciba);
            },
        };
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
}
