using Ciba.AspNetCore.Authentication;
using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>
/// Does what the outbox says is to be done: at once what this node has put there, again what failed here, and every few
/// seconds what is due and nobody holds, be it that its node died. Every entry runs by itself.
/// </summary>
internal sealed partial class OutboxWorker(
    ICibaRequestStore store,
    DeviceCall device,
    CallbackDelivery callbacks,
    Receivers receivers,
    RetryWaits waits,
    Signals signals,
    IOptions<CibaOptions> options,
    TimeProvider time,
    ILogger<OutboxWorker> logger) : BackgroundService
{
    private const string Shards = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    private const int MostAtOnce = 100;
    private const int MostInWork = 10_000;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan InsistEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan NotTriedAgainAfter = TimeSpan.FromSeconds(1);

    private readonly OutboxAttempts _attempts = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // One for the host itself, and one for every entry in work.
    private int _running = 1;

    /// <summary>Until when an entry that is taken now is this node's.</summary>
    public DateTimeOffset HeldUntil(DateTimeOffset now)
    {
        var device = options.Value.DeviceNotificationTimeout;
        var callback = options.Value.Callbacks.Timeout * 3;
        return now + (device > callback ? device : callback) + options.Value.OutboxLease;
    }

    /// <summary>Whether something is to be done when a request expires unanswered.</summary>
    public bool WatchesExpiry(string mode) => CallsBackAtExpiry(mode) || signals.IsHeard;

    /// <summary>Works on an entry that this node holds. Returns at once.</summary>
    public void Begin(CibaOutboxEntry entry) => Run(() => WorkAsync(entry));

    /// <summary>Takes the entry of a request and works on it, if there is one. Returns at once.</summary>
    public void Attend(string id) => Run(async () =>
    {
        var now = time.GetUtcNow();
        if (await store.ClaimAsync(id, now, HeldUntil(now), CancellationToken.None) is { } entry)
        {
            await WorkAsync(entry);
        }
    });

    /// <summary>Takes no more entries, lets the calls on their way come to an end, and waits between tries no longer.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        receivers.Stop();
        await base.StopAsync(cancellationToken);
        Ended();
        await _idle.Task.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public override void Dispose()
    {
        _stopping.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LookAsync(stoppingToken);
                _saidUnavailable = false;
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                SayUnavailable(exception);
            }

            _attempts.Sweep(time.GetUtcNow());
            await Task.Delay(LookEvery, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        foreach (var shard in Shards)
        {
            IReadOnlyList<CibaOutboxEntry> due;
            do
            {
                var now = time.GetUtcNow();
                due = await store.ClaimDueAsync(shard, now, HeldUntil(now), MostAtOnce, cancellationToken);
                foreach (var entry in due)
                {
                    Begin(entry);
                }
            }
            while (due.Count == MostAtOnce && Volatile.Read(ref _running) < MostInWork);
        }
    }

    private void Run(Func<Task> work)
    {
        Interlocked.Increment(ref _running);
        ThreadPool.UnsafeQueueUserWorkItem(static work => _ = work.Self.RunAsync(work.Work), (Self: this, Work: work), preferLocal: false);
    }

    private async Task RunAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception exception)
        {
            // What was not ended comes due again.
            SayUnavailable(exception);
        }
        finally
        {
            Ended();
        }
    }

    private async Task WorkAsync(CibaOutboxEntry entry)
    {
        var attempt = _attempts.Of(entry);
        if (attempt.Ended is { } ended)
        {
            await SettleAsync(entry, attempt, ended);
            return;
        }

        if (entry.Status == CibaRequestStatus.Expired && !attempt.IsNoted)
        {
            attempt.IsNoted = true;
            signals.Expired(entry.Request);
        }

        WorkResult result;
        try
        {
            result = await TryAsync(entry, attempt);
        }
        catch (Exception exception) when (!_stopping.IsCancellationRequested || exception is not OperationCanceledException)
        {
            Threw(CibaLog.Short(entry.Request.Id), exception);
            result = WorkResult.Failed(exception is OperationCanceledException ? "it took too long" : $"it threw {exception.GetType().Name}");
        }

        await EndAsync(entry, attempt, result);
    }

    private async Task<WorkResult> TryAsync(CibaOutboxEntry entry, OutboxAttempt attempt)
    {
        switch (entry.Status)
        {
            case CibaRequestStatus.Pending:
                return await device.NotifyAsync(entry.Request, CancellationToken.None);

            case CibaRequestStatus.Redeeming or CibaRequestStatus.Redeemed:
                return WorkResult.Nothing; // A client that polled before it was told.

            case CibaRequestStatus.Expired when !CallsBackAtExpiry(entry.Request.TokenDeliveryMode):
                return WorkResult.Nothing;

            case CibaRequestStatus.Approved or CibaRequestStatus.Denied or CibaRequestStatus.Failed
                when entry.Request.TokenDeliveryMode == CibaTokenDeliveryModes.Ping && entry.Request.ExpiresAt <= time.GetUtcNow():
                return WorkResult.GivenUp("the request expired before");

            default:
                return await callbacks.DeliverAsync(entry, attempt, CancellationToken.None);
        }
    }

    private async Task EndAsync(CibaOutboxEntry entry, OutboxAttempt attempt, WorkResult result)
    {
        var (request, now) = (entry.Request, time.GetUtcNow());
        switch (result.Kind)
        {
            case WorkResultKind.NotTried:
                await PostponeAsync(entry, now + NotTriedAgainAfter);
                return;

            case WorkResultKind.Failed:
                var wait = waits.After(++attempt.Failures, result.RetryAfter);
                if (now + wait < Deadline(entry))
                {
                    SayFailed(entry, wait, result.Reason);
                    await PostponeAsync(entry, now + wait);
                    _ = AgainAsync(request.Id, wait);
                    return;
                }

                break;

            case WorkResultKind.Done or WorkResultKind.Nothing when entry.Status == CibaRequestStatus.Pending && WatchesExpiry(request.TokenDeliveryMode):
                _attempts.Forget(request.Id, attempt);
                await PostponeAsync(entry, request.ExpiresAt);
                return;
        }

        if (result.Kind is WorkResultKind.Failed or WorkResultKind.GivenUp)
        {
            SayGivenUp(entry, result.Reason);
        }

        await SettleAsync(entry, attempt, result.Kind == WorkResultKind.TokensSent ? CibaSettlement.TokensSent : CibaSettlement.Done);
    }

    private async Task SettleAsync(CibaOutboxEntry entry, OutboxAttempt attempt, CibaSettlement settlement)
    {
        // What was delivered is not to be delivered again, should it come back to this node.
        attempt.Ended = settlement;
        await InsistAsync(entry, () => store.SettleAsync(entry.Request.Id, entry.HeldUntil, settlement, CancellationToken.None));
        _attempts.Forget(entry.Request.Id, attempt);
    }

    private Task PostponeAsync(CibaOutboxEntry entry, DateTimeOffset dueAt) =>
        InsistAsync(entry, () => store.PostponeAsync(entry.Request.Id, entry.HeldUntil, dueAt, CancellationToken.None));

    /// <summary>Takes a step that may meet a store that is away, again and again while the entry is held.</summary>
    private async Task InsistAsync(CibaOutboxEntry entry, Func<ValueTask<bool>> step)
    {
        while (true)
        {
            try
            {
                await step();
                return;
            }
            catch (CibaStoreUnavailableException exception) when (time.GetUtcNow() < entry.HeldUntil && !_stopping.IsCancellationRequested)
            {
                SayUnavailable(exception);
            }

            await Task.Delay(InsistEvery, time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task AgainAsync(string id, TimeSpan wait)
    {
        await Task.Delay(wait, time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_stopping.IsCancellationRequested)
        {
            Attend(id);
        }
    }

    private bool CallsBackAtExpiry(string mode) =>
        mode == CibaTokenDeliveryModes.Push || (mode == CibaTokenDeliveryModes.Ping && options.Value.Callbacks.PingOnExpiry);

    private static DateTimeOffset Deadline(CibaOutboxEntry entry) =>
        entry.Status == CibaRequestStatus.Expired ? entry.Request.RetainedUntil : entry.Request.ExpiresAt;

    private void Ended()
    {
        if (Interlocked.Decrement(ref _running) == 0)
        {
            _idle.TrySetResult();
        }
    }
}
