using System.Runtime.ExceptionServices;
using Ciba.AspNetCore.Hosting;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Notifiers;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Authentication;

/// <summary>Tells the user's device once: by the first of the host's notifiers that does not fail, each limited in time.</summary>
internal sealed partial class DeviceCall(DeviceNotifiers notifiers, HostCalls host, ICibaRequestStore store, TimeProvider time, ILogger<DeviceCall> logger)
{
    /// <param name="request">The request.</param>
    /// <param name="patience">How long to wait for a place before the first call.</param>
    /// <param name="cancellationToken">Ends the wait and the calls.</param>
    /// <returns>False if no place was free in that time, and no notifier was called.</returns>
    /// <exception cref="AggregateException">Several notifiers, and what each of them threw; what it threw itself where there is one only.</exception>
    public async Task<bool> NotifyAsync(CibaRequest request, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (await host.Notifications.EnterAsync(request, patience, cancellationToken) is not { } place)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return false;
        }

        try
        {
            if (!place.WasWaitedFor || await IsPendingAsync(request, cancellationToken))
            {
                await NotifyAsync(place, request, cancellationToken);
            }

            return true;
        }
        finally
        {
            place.Leave();
        }
    }

    /// <summary>Sends away those that wait for a place.</summary>
    public void Stop() => host.Notifications.Stop();

    private async ValueTask<bool> IsPendingAsync(CibaRequest request, CancellationToken cancellationToken) =>
        await store.GetAsync(request.Id, request.UserKey, time.GetUtcNow(), cancellationToken) is { Status: CibaRequestStatus.Pending };

    private async Task NotifyAsync(CallPlace place, CibaRequest request, CancellationToken cancellationToken)
    {
        var inOrder = notifiers.InOrder;
        var failures = new List<Exception>();
        foreach (var notifier in inOrder)
        {
            try
            {
                await TryAsync(place, notifier, request, cancellationToken);
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

    private async Task TryAsync(CallPlace place, DeviceNotifier notifier, CibaRequest request, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(notifier.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        var view = new CibaDeviceRequest(request, CibaRequestStatus.Pending);
        var token = either.Token;
        await host.TellAsync(place, request, services => notifier.Make(services).NotifyAsync(view, token), token);
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
