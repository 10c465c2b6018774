using Ciba.AspNetCore.Authentication;
using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Notifiers;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>
/// Does what the outbox says is to be done: at once what this node has put there, again what failed here, and every few
/// seconds what is due and nobody holds, be it that its node died. Every entry runs by itself.
/// </summary>
internal sealed partial class OutboxWorker : BackgroundService
{
    private const int ShardsAtOnce = 8;
    private const int MostAtOnce = 100;
    private const int MostInWork = 10_000;

    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    private readonly ICibaRequestStore _store;
    private readonly DeviceCall _device;
    private readonly DeviceNotifiers _notifiers;
    private readonly RepeatedNotifications _repeated;
    private readonly CallbackDelivery _callbacks;
    private readonly Receivers _receivers;
    private readonly RetryWaits _waits;
    private readonly Signals _signals;
    private readonly CibaOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<OutboxWorker> _logger;

    private readonly OutboxAttempts _attempts = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationToken _stopping;
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // One for the host itself, and one for every entry in work.
    private int _running = 1;

    public OutboxWorker(
        ICibaRequestStore store,
        DeviceCall device,
        DeviceNotifiers notifiers,
        RepeatedNotifications repeated,
        CallbackDelivery callbacks,
        Receivers receivers,
        RetryWaits waits,
        Signals signals,
        IOptions<CibaOptions> options,
        TimeProvider time,
        ILogger<OutboxWorker> logger)
    {
        (_store, _device, _notifiers, _repeated, _callbacks, _receivers, _waits, _signals) = (store, device, notifiers, repeated, callbacks, receivers, waits, signals);
        (_options, _time, _logger) = (options.Value, time, logger);
        _stopping = _stop.Token;
    }

    // As long again for a place to be had; and before a retry, what the host is asked.
    private TimeSpan DeviceHold => _repeated.Timeout + (_notifiers.Timeout * 2) + _options.OutboxLease;

    private TimeSpan CallbackHold => CallbackHoldOf(_options);

    /// <summary>On how many entries it works at present; what waits for its next try is not in work.</summary>
    public int InWork => Volatile.Read(ref _running) - 1;

    /// <summary>How long a callback is held: a time-out each for a place to be had, for what the host is asked, and for the call.</summary>
    public static TimeSpan CallbackHoldOf(CibaOptions options) => (options.Callbacks.Timeout * 3) + options.OutboxLease;

    /// <summary>Until when the entry of a new request is this node's, which notifies the device.</summary>
    public DateTimeOffset NotifyingUntil(DateTimeOffset now) => HeldUntil(now, DeviceHold);

    /// <summary>Whether something is to be done when a request expires unanswered.</summary>
    public bool WatchesExpiry(string mode) => CallsBackAtExpiry(mode) || _signals.IsHeard;

    /// <summary>Works on an entry that this node holds. Returns at once.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="isCounted">Whether the notification of the device was counted when the request was added.</param>
    public void Begin(CibaOutboxEntry entry, bool isCounted = false) => Run(() =>
    {
        if (isCounted)
        {
            _attempts.Of(entry).IsCounted = true;
        }

        return WorkAsync(entry);
    });

    /// <summary>Tells the device once more of a request that waits; one try, which the outbox knows nothing of. Returns at once.</summary>
    public void NotifyAgain(CibaRequest request) => Run(async () =>
    {
        try
        {
            if (!await _device.NotifyAsync(request, _notifiers.Timeout, CancellationToken.None))
            {
                NotNotifiedAgain(CibaLog.Short(request.Id));
            }
        }
        catch (Exception exception)
        {
            Threw(CibaLog.Short(request.Id), exception);
        }
    });

    /// <summary>Takes the entry of a request that was just decided and works on it, if there is one. Returns at once.</summary>
    public void Attend(string id) => Attend(id, _time.GetUtcNow(), CallbackHold);

    /// <summary>Takes no more entries, lets the calls on their way come to an end, and waits between tries no longer.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        if (!_stopping.IsCancellationRequested)
        {
            _receivers.Stop();
            _device.Stop();
            await _stop.CancelAsync();
            Ended();
        }

        await base.StopAsync(cancellationToken);
        await _idle.Task.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public override void Dispose()
    {
        // A host may be disposed of without having been stopped.
        if (!_stopping.IsCancellationRequested)
        {
            _receivers.Stop();
            _device.Stop();
            _stop.Cancel();
            Ended();
        }

        _stop.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        while (!_stopping.IsCancellationRequested)
        {
            // Some at once, so that one that does not answer holds up few others.
            var failures = 0;
            await Parallel.ForEachAsync(CibaRequestId.Shards, new ParallelOptions { MaxDegreeOfParallelism = ShardsAtOnce }, async (shard, _) =>
                Interlocked.Add(ref failures, await LookAsync(shard) ? 0 : 1));
            if (failures == 0)
            {
                Interlocked.Exchange(ref _saidUnavailable, 0);
            }

            _attempts.Sweep(_time.GetUtcNow());
            _receivers.Sweep();
            await Task.Delay(LookEvery, _time, _stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async ValueTask<bool> LookAsync(char shard)
    {
        try
        {
            var more = true;
            while (more && !_stopping.IsCancellationRequested && Volatile.Read(ref _running) < MostInWork)
            {
                var now = _time.GetUtcNow();
                var due = await _store.ClaimDueAsync(shard, now, HeldUntil(now, DeviceHold > CallbackHold ? DeviceHold : CallbackHold), MostAtOnce, CancellationToken.None);
                foreach (var entry in due)
                {
                    Begin(entry);
                }

                more = due.Count == MostAtOnce;
            }

            return true;
        }
        catch (Exception exception)
        {
            SayUnavailable(exception);
            return false;
        }
    }

    private void Attend(string id, DateTimeOffset now, TimeSpan hold) => Run(async () =>
    {
        if (await _store.ClaimAsync(id, now, HeldUntil(now, hold), CancellationToken.None) is { } entry)
        {
            await WorkAsync(entry);
        }
    });

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
        if (!attempt.TryEnter(entry))
        {
            // A process that stood still for longer than its hold is at it yet. The entry comes due again, should that not end it.
            return;
        }

        try
        {
            if (attempt.Ended is { } ended)
            {
                await SettleAsync(entry, attempt, ended);
            }
            else if (attempt.IsTold)
            {
                await WatchExpiryAsync(entry, attempt);
            }
            else
            {
                await EndAsync(entry, attempt, await TryAsync(entry, attempt));
            }
        }
        finally
        {
            attempt.Leave(entry);
        }
    }

    private async Task<WorkResult> TryAsync(CibaOutboxEntry entry, OutboxAttempt attempt)
    {
        if (entry.Status == CibaRequestStatus.Expired && !attempt.IsNoted)
        {
            attempt.IsNoted = true;
            _signals.Expired(entry.Request);
        }

        try
        {
            return await DoAsync(entry, attempt);
        }
        catch (Exception exception)
        {
            Threw(CibaLog.Short(entry.Request.Id), exception);
            return WorkResult.Failed(exception is OperationCanceledException ? "it took too long" : $"it threw {exception.GetType().Name}");
        }
    }

    private async Task<WorkResult> DoAsync(CibaOutboxEntry entry, OutboxAttempt attempt) => entry switch
    {
        { Status: CibaRequestStatus.Pending } => await NotifyAsync(entry, attempt),

        // A client that polls before it is told: if it gets no tokens this time, it is still to be told.
        { Status: CibaRequestStatus.Redeeming } => WorkResult.NotTried,
        { Status: CibaRequestStatus.Redeemed } or { Request.TokenDeliveryMode: CibaTokenDeliveryModes.Poll } => WorkResult.Done,
        { Status: CibaRequestStatus.Expired } when !CallsBackAtExpiry(entry.Request.TokenDeliveryMode) => WorkResult.Done,
        { Status: not CibaRequestStatus.Expired, Request.TokenDeliveryMode: CibaTokenDeliveryModes.Ping } when entry.Request.ExpiresAt <= _time.GetUtcNow() =>
            WorkResult.GivenUp(attempt.LeftBecause ?? "the request expired before"),
        _ => await _callbacks.DeliverAsync(entry, attempt),
    };

    private async Task<WorkResult> NotifyAsync(CibaOutboxEntry entry, OutboxAttempt attempt)
    {
        if (!attempt.IsCounted && await WhyNotAsync(entry.Request) is { } refusal)
        {
            return refusal;
        }

        // What is begun later might not have ended when the next node may begin, by its own clock.
        attempt.IsCounted = false;
        var isNotified = await _device.NotifyAsync(entry.Request, entry.HeldUntil - _options.OutboxLease - _notifiers.Timeout - _time.GetUtcNow(), CancellationToken.None);
        attempt.IsCounted = !isNotified;
        return isNotified ? WorkResult.Done : WorkResult.NotTried;
    }

    private async ValueTask<WorkResult?> WhyNotAsync(CibaRequest request)
    {
        var (status, wait) = await _repeated.TryRetryAsync(request);
        return status switch
        {
            RepeatStatus.Allowed => null,
            RepeatStatus.LimitReached => WorkResult.Later("the user was notified as often as is allowed", wait),
            RepeatStatus.Cooldown => WorkResult.Later("the user denied a request of the client", wait),
            _ => WorkResult.GivenUp("the user has blocked the client"),
        };
    }

    // Two holders are told apart by this instant, so it is never the same twice.
    private static DateTimeOffset HeldUntil(DateTimeOffset now, TimeSpan hold) => now + hold - TimeSpan.FromTicks(Random.Shared.Next(1, 10_000));

    private bool CallsBackAtExpiry(string mode) =>
        mode == CibaTokenDeliveryModes.Push || (mode == CibaTokenDeliveryModes.Ping && _options.Callbacks.PingOnExpiry);

    private void Ended()
    {
        if (Interlocked.Decrement(ref _running) == 0)
        {
            _idle.TrySetResult();
        }
    }
}
