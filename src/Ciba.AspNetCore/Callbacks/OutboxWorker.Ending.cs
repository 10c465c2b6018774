namespace Ciba.AspNetCore.Callbacks;

/// <summary>What becomes of an entry after a try.</summary>
internal sealed partial class OutboxWorker
{
    private static readonly TimeSpan InsistEvery = TimeSpan.FromSeconds(1);

    private async Task EndAsync(CibaOutboxEntry entry, OutboxAttempt attempt, WorkResult result)
    {
        var (request, now) = (entry.Request, _time.GetUtcNow());
        if (result.Kind == WorkResultKind.NotTried)
        {
            var turn = _waits.Until(result.RetryAfter ?? TimeSpan.Zero, request.ExpiresAt - request.CreatedAt);
            await PostponeAsync(entry, attempt, now + RetryWaits.WhileItCounts(turn, Deadline(entry) - now));
            return;
        }

        if (result.Kind == WorkResultKind.Failed)
        {
            var wait = _waits.After(++attempt.Failures, request.ExpiresAt - request.CreatedAt, result.RetryAfter);
            if (now + wait < Deadline(entry))
            {
                SayFailed(entry, wait, result.Reason);
                await PostponeAsync(entry, attempt, now + wait);
                _ = AgainAsync(entry, now + wait);
                return;
            }
        }

        if (result.Kind == WorkResultKind.Later)
        {
            var later = result.RetryAfter
                ?? RetryWaits.WhileItCounts(_waits.After(++attempt.Failures, request.ExpiresAt - request.CreatedAt), Deadline(entry) - now);
            if (now + later < Deadline(entry))
            {
                attempt.LeftBecause = result.Reason;
                SayLater(entry, later, result.Reason);
                await PostponeAsync(entry, attempt, now + later);
                return;
            }
        }

        if (result.Kind is WorkResultKind.Failed or WorkResultKind.Later or WorkResultKind.GivenUp)
        {
            SayGivenUp(entry, result.Reason);
        }

        if (entry.Status == CibaRequestStatus.Pending && WatchesExpiry(request.TokenDeliveryMode))
        {
            await WatchExpiryAsync(entry, attempt);
            return;
        }

        await SettleAsync(entry, attempt, result.Kind == WorkResultKind.TokensSent ? CibaSettlement.TokensSent : CibaSettlement.Done);
    }

    private async Task WatchExpiryAsync(CibaOutboxEntry entry, OutboxAttempt attempt)
    {
        // A device that was told is not to be told again, should the entry come back to this node.
        attempt.IsTold = true;
        ForgetUnlessTooLate(entry, await PostponeAsync(entry, attempt, entry.Request.ExpiresAt));
    }

    private async Task SettleAsync(CibaOutboxEntry entry, OutboxAttempt attempt, CibaSettlement settlement)
    {
        // What was delivered is not to be delivered again, should it come back to this node.
        attempt.Ended = settlement;

        // Before the store's step: where the hold is over, the entry may be handed out meanwhile, and who has it must get in.
        attempt.Leave(entry);
        ForgetUnlessTooLate(entry, await InsistAsync(entry, () => _store.SettleAsync(entry.Request.Id, entry.HeldUntil, settlement, CancellationToken.None)));
    }

    private void ForgetUnlessTooLate(CibaOutboxEntry entry, bool isPutDown)
    {
        // Too late for this hold, there may be another.
        if (isPutDown || _time.GetUtcNow() < entry.HeldUntil)
        {
            _attempts.Forget(entry);
        }
    }

    private Task<bool> PostponeAsync(CibaOutboxEntry entry, OutboxAttempt attempt, DateTimeOffset dueAt)
    {
        // Before the store's step: who is handed the entry next, be it as soon as it is put off, must get in.
        attempt.Leave(entry);

        // The outbox tells one who holds an entry from the next by this instant.
        var other = dueAt == entry.HeldUntil ? dueAt.AddTicks(1) : dueAt;
        return InsistAsync(entry, () => _store.PostponeAsync(entry.Request.Id, entry.HeldUntil, other, CancellationToken.None));
    }

    /// <summary>Takes a step that may meet a store that is away, again and again while the entry is held.</summary>
    private async Task<bool> InsistAsync(CibaOutboxEntry entry, Func<ValueTask<bool>> step)
    {
        while (true)
        {
            try
            {
                return await step();
            }
            catch (CibaStoreUnavailableException exception) when (_time.GetUtcNow() < entry.HeldUntil && !_stopping.IsCancellationRequested)
            {
                SayUnavailable(exception);
            }

            await Task.Delay(InsistEvery, _time, _stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task AgainAsync(CibaOutboxEntry entry, DateTimeOffset dueAt)
    {
        var now = _time.GetUtcNow();
        await Task.Delay(dueAt > now ? dueAt - now : TimeSpan.Zero, _time, _stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_stopping.IsCancellationRequested)
        {
            // A timer may be a little early.
            now = _time.GetUtcNow();
            Attend(entry.Request.Id, now > dueAt ? now : dueAt, entry.Status == CibaRequestStatus.Pending ? DeviceHold : CallbackHold);
        }
    }

    private static DateTimeOffset Deadline(CibaOutboxEntry entry) =>
        entry.Status == CibaRequestStatus.Expired ? entry.Request.RetainedUntil : entry.Request.ExpiresAt;
}
