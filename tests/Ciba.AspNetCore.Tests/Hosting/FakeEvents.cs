using System.Threading.Channels;
using Ciba.AspNetCore.Events;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A listener that keeps what it heard, and that a test makes slow or broken.</summary>
public class FakeEvents : ICibaEvents
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly Channel<CibaEvent> _heard = Channel.CreateUnbounded<CibaEvent>();

    /// <summary>What a call does before the event counts as heard.</summary>
    public Func<CibaEvent, CancellationToken, Task> OnEvent { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>How many events were heard that the test has not asked for.</summary>
    public int Waiting => _heard.Reader.Count;

    /// <summary>Registers this listener.</summary>
    public virtual void Use(CibaBuilder builder)
    {
        builder.Services.AddSingleton(this);
        builder.AddEvents<FakeEvents>();
    }

    public async ValueTask OnEventAsync(CibaEvent occurrence, CancellationToken cancellationToken)
    {
        await OnEvent(occurrence, cancellationToken);
        _heard.Writer.TryWrite(occurrence);
    }

    /// <summary>Waits for the next event that is heard.</summary>
    public Task<CibaEvent> NextAsync() => _heard.Reader.ReadAsync().AsTask().WaitAsync(Bound);

    /// <summary>Waits for as many.</summary>
    public async Task<List<CibaEvent>> NextAsync(int count)
    {
        var events = new List<CibaEvent>();
        while (events.Count < count)
        {
            events.Add(await NextAsync());
        }

        return events;
    }
}

/// <summary>Another listener beside the first.</summary>
public sealed class MoreFakeEvents : FakeEvents
{
    public override void Use(CibaBuilder builder)
    {
        builder.Services.AddSingleton(this);
        builder.AddEvents<MoreFakeEvents>();
    }
}

/// <summary>What the operator reads of the queue of events.</summary>
public static class EventLog
{
    public static IEnumerable<LogLine> OfTheQueue(this CibaHost host) => host.Log.Ours.Where(line => line.Category.EndsWith(nameof(EventQueue), StringComparison.Ordinal));
}
