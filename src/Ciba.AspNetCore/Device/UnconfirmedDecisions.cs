using System.Collections.Concurrent;
using Ciba.AspNetCore.Callbacks;
using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Device;

/// <summary>A decision, and what is needed to follow it up.</summary>
/// <param name="RequestId">The request.</param>
/// <param name="UserKey">Whose request it is.</param>
/// <param name="Decision">The decision.</param>
/// <param name="Said">What the device said; the same words mean the same decision.</param>
/// <param name="Subject">The user.</param>
/// <param name="Issuer">The issuer that the request belongs to; null where there is one for all.</param>
/// <param name="Known">The request where it is known.</param>
internal sealed record DecisionStep(string RequestId, string UserKey, CibaDecision Decision, string Said, string Subject, string? Issuer, CibaRequest? Known)
{
    private int _isFollowedUp;

    public (string RequestId, string UserKey) Key => (RequestId, UserKey);

    /// <summary>Whether the caller is the one to do what follows the decision.</summary>
    public bool TryFollowUp() => Interlocked.Exchange(ref _isFollowedUp, 1) == 0;
}

/// <summary>
/// Takes decisions to the store. One of which the store has not said whether it was taken is repeated until it has, so that what
/// follows a decision follows it once; a device that says the same again meanwhile means that decision.
/// </summary>
internal sealed partial class UnconfirmedDecisions(ICibaRequestStore store, OutboxWorker outbox, Signals signals, TimeProvider time, ILogger<UnconfirmedDecisions> logger)
{
    private const int MaxUnconfirmed = 1000;

    private static readonly TimeSpan RepeatEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RepeatUnknownFor = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan RememberFor = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(string RequestId, string UserKey), DecisionStep> _unconfirmed = [];

    /// <exception cref="CibaStoreUnavailableException">Whether the decision was taken is not known.</exception>
    public async ValueTask<CibaDecideResult> TakeAsync(DecisionStep said, CancellationToken cancellationToken)
    {
        var before = _unconfirmed.GetValueOrDefault(said.Key);
        var step = before?.Said == said.Said ? before : said;
        var replaced = ReferenceEquals(step, before) ? null : before;
        if (replaced is not null)
        {
            // The user's last word counts: what was said before is repeated no more, or a yes would be taken behind a no.
            _unconfirmed.TryRemove(KeyValuePair.Create(replaced.Key, replaced));
        }

        try
        {
            var result = await DecideAsync(step, cancellationToken);
            if (result == CibaDecideResult.AlreadyDecided && replaced is not null)
            {
                // It had been taken after all, and what follows it has not followed yet.
                await DecideAsync(replaced, cancellationToken);
            }

            return result;
        }
        catch (CibaStoreUnavailableException)
        {
            if (ReferenceEquals(step, said) && _unconfirmed.Count < MaxUnconfirmed && _unconfirmed.TryAdd(step.Key, step))
            {
                _ = ConfirmAsync(step);
            }

            throw;
        }
    }

    private async ValueTask<CibaDecideResult> DecideAsync(DecisionStep step, CancellationToken cancellationToken) =>
        Follow(step, await store.DecideAsync(step.RequestId, step.UserKey, step.Decision, time.GetUtcNow(), cancellationToken));

    private async Task ConfirmAsync(DecisionStep step)
    {
        var giveUpAt = step.Known?.RetainedUntil ?? time.GetUtcNow() + RepeatUnknownFor;
        while (true)
        {
            await Task.Delay(RepeatEvery, time);
            if (!_unconfirmed.TryGetValue(step.Key, out var last) || !ReferenceEquals(last, step))
            {
                return;
            }

            try
            {
                if (await DecideAsync(step, CancellationToken.None) == CibaDecideResult.Done)
                {
                    // The device that was told 503 asks again about now.
                    await Task.Delay(RememberFor, time);
                }

                break;
            }
            catch (CibaStoreUnavailableException)
            {
                if (time.GetUtcNow() >= giveUpAt)
                {
                    NotConfirmed(CibaLog.Short(step.RequestId));
                    break;
                }
            }
        }

        _unconfirmed.TryRemove(KeyValuePair.Create(step.Key, step));
    }

    private CibaDecideResult Follow(DecisionStep step, CibaDecideResult result)
    {
        if (result != CibaDecideResult.Done || !step.TryFollowUp())
        {
            return result;
        }

        // Section 10: the device does not wait for the client to be told.
        if (step.Known?.TokenDeliveryMode != CibaTokenDeliveryModes.Poll)
        {
            outbox.Attend(step.RequestId);
        }

        signals.Decided(step.RequestId, step.Issuer, step.Known?.ClientId, step.Subject, step.Decision);
        Decided(CibaLog.Short(step.RequestId), step.Decision.Outcome);
        return result;
    }

    [LoggerMessage(1, LogLevel.Information, "Request {Request} decided: {Outcome}")]
    private partial void Decided(string request, CibaRequestStatus outcome);

    [LoggerMessage(2, LogLevel.Warning, "Whether the decision on request {Request} was taken could not be found out while the request lived")]
    private partial void NotConfirmed(string request);
}
