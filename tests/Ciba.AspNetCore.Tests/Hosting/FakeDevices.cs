using System.Threading.Channels;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Keeps what the devices were told.</summary>
public sealed class FakeDevices : ICibaDeviceNotifier
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly Channel<CibaDeviceRequest> _notified = Channel.CreateUnbounded<CibaDeviceRequest>();
    private int _calls;

    /// <summary>What a call does before it is counted as delivered; null for nothing.</summary>
    public Func<CibaDeviceRequest, CancellationToken, Task>? OnNotify { get; set; }

    /// <summary>How often the devices were called, the failures included.</summary>
    public int Calls => Volatile.Read(ref _calls);

    public async Task NotifyAsync(CibaDeviceRequest request, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        if (OnNotify is { } onNotify)
        {
            await onNotify(request, cancellationToken);
        }

        await _notified.Writer.WriteAsync(request, CancellationToken.None);
    }

    /// <summary>Waits for the next delivered notification.</summary>
    public Task<CibaDeviceRequest> NextAsync() => _notified.Reader.ReadAsync().AsTask().WaitAsync(Bound);
}
