using System.Runtime.ExceptionServices;
using Ciba.AspNetCore.Callbacks;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Notifiers;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Authentication;

/// <summary>Tells the user's device once: by the first of the host's notifiers that does not fail, each limited in time.</summary>
internal sealed partial class DeviceCall(DeviceNotifiers notifiers, HostCalls host, TimeProvider time, ILogger<DeviceCall> logger)
{
    /// <exception cref="AggregateException">Several notifiers, and what each of them threw; what it threw itself where there is one only.</exception>
    public async Task NotifyAsync(CibaRequest request, CancellationToken cancellationToken)
    {
        var inOrder = notifiers.InOrder;
        var failures = new List<Exception>();
        foreach (var notifier in inOrder)
        {
            try
            {
                await TryAsync(notifier, request, cancellationToken);
                return;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                failures.Add(exception);
                if (failures.Count < inOrder.Count)
                {
                    SayNext(request, notifier, inOrder[failures.Count], exception);
                }
            }
        }

        if (failures is [var only])
        {
            ExceptionDispatchInfo.Throw(only);
        }

        throw new AggregateException("No notifier could tell the device.", failures);
    }

    private async Task TryAsync(DeviceNotifier notifier, CibaRequest request, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(notifier.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        var view = new CibaDeviceRequest(request, CibaRequestStatus.Pending);
        var token = either.Token;
        await host.TellAsync(request, services => notifier.Make(services).NotifyAsync(view, token), token);
    }

    private void SayNext(CibaRequest request, DeviceNotifier failed, DeviceNotifier next, Exception exception)
    {
        if (exception is NobodyListensException)
        {
            NobodyListens(CibaLog.Short(request.Id), next.Type.Name);
        }
        else
        {
            Failed(failed.Type.Name, CibaLog.Short(request.Id), next.Type.Name, exception);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "{Notifier} could not tell the device of request {Request}; {Next} is tried")]
    private partial void Failed(string notifier, string request, string next, Exception exception);

    [LoggerMessage(2, LogLevel.Debug, "No device listens for request {Request}; {Next} is tried")]
    private partial void NobodyListens(string request, string next);
}
