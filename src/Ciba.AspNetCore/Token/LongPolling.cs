using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Token;

/// <summary>
/// Section 10.1, long polling: a poll that finds the user still thinking waits for the answer, on whichever node it comes.
/// No thread waits with it.
/// </summary>
internal sealed class LongPolling(ICibaRequestStore store, IHostApplicationLifetime host, IOptions<CibaOptions> options, TimeProvider time)
{
    private int _waiting;

    public ValueTask<CibaPollResult> PollAsync(string id, string clientKey, CancellationToken cancellationToken) =>
        options.Value.LongPolling.Timeout > TimeSpan.Zero && TryTakePlace()
            ? WaitAsync(id, clientKey, cancellationToken)
            : store.PollAsync(id, clientKey, time.GetUtcNow(), options.Value.RedemptionLease, cancellationToken);

    private bool TryTakePlace()
    {
        // Taken before it is known to be there: polls that come at one moment would all see the last one free.
        if (Interlocked.Increment(ref _waiting) <= options.Value.LongPolling.MaxWaiting)
        {
            return true;
        }

        Interlocked.Decrement(ref _waiting);
        return false;
    }

    private async ValueTask<CibaPollResult> WaitAsync(string id, string clientKey, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.Value.LongPolling.Timeout, time);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, host.ApplicationStopping, cancellationToken);
        try
        {
            // Listens before it looks, or an answer could fall in between.
            var decided = store.WaitForDecisionAsync(id, over.Token);
            var isWaitedFor = !decided.IsCompleted;
            var found = await store.PollAsync(id, clientKey, time.GetUtcNow(), options.Value.RedemptionLease, cancellationToken);
            EndWith(found.PendingUntil, timeout);
            while (isWaitedFor && found is { Status: CibaPollStatus.Pending, PendingUntil: not null } && !over.IsCancellationRequested)
            {
                await decided.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancellationToken.ThrowIfCancellationRequested();

                // Also when the time is over: this look lets the client's next poll come at once.
                decided = store.WaitForDecisionAsync(id, over.Token);

                // A store that makes nobody wait is not looked at for ever.
                isWaitedFor = !decided.IsCompleted;
                found = await store.PollAfterWaitAsync(id, clientKey, time.GetUtcNow(), options.Value.RedemptionLease, cancellationToken);
            }

            return found;
        }
        finally
        {
            over.Cancel();
            Interlocked.Decrement(ref _waiting);
        }
    }

    private void EndWith(DateTimeOffset? expiry, CancellationTokenSource timeout)
    {
        if (expiry - time.GetUtcNow() is { } left && left < options.Value.LongPolling.Timeout)
        {
            // Whole milliseconds, and none too few: the look that follows is to find the request expired.
            timeout.CancelAfter(left > TimeSpan.Zero ? TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)) : TimeSpan.Zero);
        }
    }
}
