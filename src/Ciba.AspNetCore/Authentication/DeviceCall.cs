using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Authentication;

/// <summary>One call of the host's notifier, limited in time.</summary>
internal sealed class DeviceCall(IServiceScopeFactory scopes, IOptions<CibaOptions> options, TimeProvider time)
{
    public async Task NotifyAsync(CibaRequest request, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.Value.DeviceNotificationTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        await using var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<CibaTenant>().Use(request);
        var notifier = scope.ServiceProvider.GetRequiredService<ICibaDeviceNotifier>();

        // A notifier that does not look at its token is left behind when the time is over.
        await notifier.NotifyAsync(new CibaDeviceRequest(request, CibaRequestStatus.Pending), either.Token).WaitAsync(either.Token);
    }
}
