using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Notifiers;

/// <summary>The host's notifiers as they are tried, one after the other.</summary>
internal sealed class DeviceNotifiers(AddedNotifiers added, IServiceProvider services, IOptions<CibaOptions> options)
{
    // Read when it is first needed: before that, the options may be wrong.
    public IReadOnlyList<DeviceNotifier> InOrder => field ??=
        [.. added.InOrder.Select(notifier => new DeviceNotifier(notifier.Type, notifier.Timeout(services) ?? options.Value.DeviceNotificationTimeout))];

    /// <summary>How long it takes until all of them have failed.</summary>
    public TimeSpan Timeout => InOrder.Aggregate(TimeSpan.Zero, (sum, notifier) => sum + notifier.Timeout);
}

/// <summary>One of the host's notifiers.</summary>
internal sealed record DeviceNotifier(Type Type, TimeSpan Timeout)
{
    public ICibaDeviceNotifier Make(IServiceProvider scope) => (ICibaDeviceNotifier)scope.GetRequiredService(Type);
}

/// <summary>What the host has added to its services, in that order and each once.</summary>
internal sealed class AddedNotifiers
{
    private readonly List<AddedNotifier> _all = [];

    public IReadOnlyList<AddedNotifier> InOrder => _all;

    public void Add(AddedNotifier added)
    {
        var place = _all.FindIndex(known => known.Type == added.Type);
        if (place < 0)
        {
            _all.Add(added);
        }
        else
        {
            _all[place] = added;
        }
    }
}

/// <summary>A notifier as it was added.</summary>
/// <param name="Type">Its class.</param>
/// <param name="TimeoutName">Where the host has set its time-out.</param>
/// <param name="Timeout">Finds its time-out; null where it has none of its own.</param>
internal sealed record AddedNotifier(Type Type, string TimeoutName, Func<IServiceProvider, TimeSpan?> Timeout);
