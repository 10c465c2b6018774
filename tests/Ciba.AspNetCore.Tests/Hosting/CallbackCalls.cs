using System.Diagnostics;
using Ciba.AspNetCore.Callbacks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>The steps that tests of pings and pushes have in common.</summary>
public static class CallbackCalls
{
    public const string NotificationToken = "notify-8d67dc78-7faa";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MostBusy = TimeSpan.FromSeconds(1);

    /// <summary>A right authentication request of a ping or push client.</summary>
    public static Task<Answer> AskAsync(this CibaHost host, params (string Name, string? Value)[] changes) =>
        host.AuthorizeAsync(changes.Any(change => change.Name == "client_notification_token") ? changes : [("client_notification_token", NotificationToken), .. changes]);

    /// <summary>Tells the device before the client has its answer, so that nothing else goes on when the user decides.</summary>
    public static void Quietly(CibaOptions options) => options.DeviceNotification = CibaDeviceNotificationMode.BeforeAcknowledgement;

    /// <summary>Takes the worker out of the host, so that nothing looks through the outbox by itself.</summary>
    public static void WithoutLooks(CibaBuilder builder) => builder.Services.Remove(builder.Services.Single(service =>
        service.ServiceType == typeof(IHostedService) && service.ImplementationFactory?.Method.ReturnType == typeof(OutboxWorker)));

    /// <summary>Starts the host, and waits until the worker has looked for the first time.</summary>
    public static async Task FirstLookAsync(this CibaHost host)
    {
        await host.StartedAsync();

        // The store in memory, which is there before the worker, sweeps as often.
        await host.Time.TimerSetAsync(LookEvery);
        await host.Time.TimerSetAsync(LookEvery);
    }

    /// <summary>
    /// Lets the time pass until the worker looks again, and waits until it has done what it found. The time does not pass while it
    /// is at something.
    /// </summary>
    /// <param name="host">The host.</param>
    /// <param name="isHeldUp">Where a test holds up what the worker does: nothing waits for its end.</param>
    public static async Task LookAsync(this CibaHost host, bool isHeldUp = false)
    {
        var worker = (await host.ServicesAsync()).GetRequiredService<OutboxWorker>();
        await IdleAsync(worker, isHeldUp);
        host.Time.Advance(LookEvery);
        await host.Time.TimerSetAsync(LookEvery);
        await IdleAsync(worker, isHeldUp);
    }

    /// <summary>Lets the time pass, look by look, until an event of this kind comes.</summary>
    public static async Task<CibaEvent> LookUntilAsync(this CibaHost host, FakeEvents events, CibaEventKind kind)
    {
        var heard = events.NextAsync(kind);
        while (!heard.IsCompleted)
        {
            await host.LookAsync();
        }

        return await heard;
    }

    /// <summary>Waits until somebody waits for so many seconds, and lets them pass.</summary>
    public static async Task WaitedAsync(this CibaHost host, double seconds)
    {
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(seconds));
        host.Time.Advance(TimeSpan.FromSeconds(seconds));
    }

    /// <summary>Stops the host, which waits for the calls on their way.</summary>
    public static async Task StopAsync(this CibaHost host) =>
        await (await host.ServicesAsync()).GetRequiredService<IHost>().StopAsync().WaitAsync(Bound);

    private static async Task IdleAsync(OutboxWorker worker, bool isHeldUp)
    {
        for (var began = Stopwatch.GetTimestamp(); worker.InWork > 0 && !isHeldUp && Stopwatch.GetElapsedTime(began) < MostBusy;)
        {
            await Task.Delay(1);
        }
    }

    /// <summary>Waits for the next event of a kind, and passes over others.</summary>
    public static async Task<CibaEvent> NextAsync(this FakeEvents events, CibaEventKind kind)
    {
        while (true)
        {
            if (await events.NextAsync() is var heard && heard.Kind == kind)
            {
                return heard;
            }
        }
    }
}
