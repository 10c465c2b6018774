using Ciba.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Authentication;

/// <summary>
/// Tells the user's device of a stored request (section 8). Every notification runs by itself, so that a slow one delays
/// no other; each call is limited in time, and all of them by the request's life.
/// </summary>
internal sealed partial class DeviceNotifications(
    IServiceScopeFactory scopes,
    ICibaRequestStore store,
    IOptions<CibaOptions> options,
    TimeProvider time,
    ILogger<DeviceNotifications> logger) : IHostedService, IDisposable
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // One for the host itself, and one for every notification on its way.
    private int _running = 1;

    /// <summary>Whether the client can be told that its request stands. A request that cannot is gone from the store.</summary>
    public async ValueTask<bool> NotifyAsync(CibaRequest request, CancellationToken cancellationToken)
    {
        if (options.Value.DeviceNotification == CibaDeviceNotificationMode.Background)
        {
            Interlocked.Increment(ref _running);
            ThreadPool.UnsafeQueueUserWorkItem(static work => _ = work.Self.RunAsync(work.Request), (Self: this, Request: request), preferLocal: false);
            return true;
        }

        try
        {
            await NotifyOnceAsync(request, cancellationToken);
            return true;
        }
        catch (Exception exception)
        {
            // Also where the client has gone: it never learned the auth_req_id. A user who has answered was reached after all.
            if (!await store.RemoveAsync(request.Id, request.Subject, CancellationToken.None))
            {
                return true;
            }

            Refused(CibaLog.Short(request.Id), exception);
            return false;
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Lets the calls on their way come to an end, and waits between tries no longer.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        Ended();
        await _idle.Task.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose() => _stopping.Dispose();

    private async Task RunAsync(CibaRequest request)
    {
        try
        {
            await NotifyUntilDoneAsync(request);
        }
        catch (Exception exception)
        {
            GaveUp(CibaLog.Short(request.Id), exception);
        }
        finally
        {
            Ended();
        }
    }

    private async Task NotifyUntilDoneAsync(CibaRequest request)
    {
        var wait = TimeSpan.Zero;
        while (true)
        {
            try
            {
                if (wait == TimeSpan.Zero || await IsPendingAsync(request))
                {
                    await NotifyOnceAsync(request, CancellationToken.None);
                }

                return;
            }
            catch (Exception exception)
            {
                wait = wait == TimeSpan.Zero ? FirstWait : wait + wait < LongestWait ? wait + wait : LongestWait;
                if (time.GetUtcNow() + wait >= request.ExpiresAt)
                {
                    GaveUp(CibaLog.Short(request.Id), exception);
                    return;
                }

                Failed(CibaLog.Short(request.Id), wait, exception);
            }

            await Task.Delay(wait, time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_stopping.IsCancellationRequested)
            {
                Stopped(CibaLog.Short(request.Id));
                return;
            }
        }
    }

    private async ValueTask<bool> IsPendingAsync(CibaRequest request) =>
        await store.GetAsync(request.Id, request.Subject, time.GetUtcNow(), CancellationToken.None) is { Status: CibaRequestStatus.Pending };

    private async Task NotifyOnceAsync(CibaRequest request, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.Value.DeviceNotificationTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        await using var scope = scopes.CreateAsyncScope();
        var notifier = scope.ServiceProvider.GetRequiredService<ICibaDeviceNotifier>();

        // A notifier that does not look at its token is left behind when the time is over.
        await notifier.NotifyAsync(new CibaDeviceRequest(request, CibaRequestStatus.Pending), either.Token).WaitAsync(either.Token);
    }

    private void Ended()
    {
        if (Interlocked.Decrement(ref _running) == 0)
        {
            _idle.TrySetResult();
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The device could not be notified of request {Request}; the next try is in {Wait}")]
    private partial void Failed(string request, TimeSpan wait, Exception exception);

    [LoggerMessage(2, LogLevel.Error, "The device could not be notified of request {Request} in its lifetime")]
    private partial void GaveUp(string request, Exception exception);

    [LoggerMessage(4, LogLevel.Warning, "The device was not notified of request {Request} before the host stopped")]
    private partial void Stopped(string request);

    [LoggerMessage(3, LogLevel.Error, "The device could not be notified of request {Request}: the request was refused")]
    private partial void Refused(string request, Exception exception);
}
