using Ciba.AspNetCore;

namespace Quickstart;

/// <summary>
/// Stands in for a push message: says on the console that a request waits. The phone fetches what it is about from
/// <c>/device/requests</c>.
/// </summary>
public sealed partial class ConsoleNotifier(ILogger<ConsoleNotifier> logger) : ICibaDeviceNotifier
{
    public Task NotifyAsync(CibaDeviceRequest request, CancellationToken cancellationToken)
    {
        Waits(request.ClientName);
        return Task.CompletedTask;
    }

    [LoggerMessage(1, LogLevel.Information, "A request of {ClientName} waits for its user: see GET /device/requests")]
    private partial void Waits(string clientName);
}
