using Ciba.AspNetCore.Callbacks;
using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Device;

/// <summary>Section 8: the user's answer.</summary>
internal sealed partial class Approvals(
    ICibaRequestStore store,
    ICibaUserLookup users,
    OutboxWorker outbox,
    Signals signals,
    TimeProvider time,
    ILogger<Approvals> logger) : ICibaApprovals
{
    public async ValueTask<IReadOnlyList<CibaDeviceRequest>> ListPendingAsync(string subject, CancellationToken cancellationToken)
    {
        var pending = await store.ListPendingAsync(subject, time.GetUtcNow(), cancellationToken);
        return [.. pending.Select(request => new CibaDeviceRequest(request, CibaRequestStatus.Pending))];
    }

    public async ValueTask<CibaDeviceRequest?> GetAsync(string id, string subject, CancellationToken cancellationToken) =>
        await store.GetAsync(id, subject, time.GetUtcNow(), cancellationToken) is { } found
            ? new CibaDeviceRequest(found.Request, found.Status)
            : null;

    public async ValueTask<CibaDecisionResult> ApproveAsync(string id, string subject, CibaApproval? approval, CancellationToken cancellationToken)
    {
        // What was asked for never changes, so it can be looked at before the step that counts. A request that is not found
        // waiting is left to that step, with no more than every request asks for.
        var now = time.GetUtcNow();
        var asked = await store.GetAsync(id, subject, now, cancellationToken) is { Status: CibaRequestStatus.Pending } found ? found.Request : null;
        var granted = asked is null ? ["openid"] : approval?.Scopes ?? asked.Scopes;
        if (asked is not null && (!granted.Contains("openid") || !granted.All(asked.Scopes.Contains)))
        {
            return CibaDecisionResult.ScopesNotAsked;
        }

        var decision = new CibaDecision
        {
            Outcome = CibaRequestStatus.Approved,
            DecidedAt = now,
            Scopes = [.. granted.Distinct()],
            AuthTime = approval?.AuthTime ?? now,
            Acr = approval?.Acr,
            Amr = approval?.Amr ?? [],
        };
        return await DecideAsync(id, asked, subject, users, decision, cancellationToken);
    }

    public ValueTask<CibaDecisionResult> DenyAsync(string id, string subject, CancellationToken cancellationToken) =>
        DecideAsync(id, null, subject, users, new CibaDecision { Outcome = CibaRequestStatus.Denied, DecidedAt = time.GetUtcNow() }, cancellationToken);

    // The host's own word, which does not depend on whether the user may still speak.
    public ValueTask<CibaDecisionResult> FailAsync(string id, string subject, CancellationToken cancellationToken) =>
        DecideAsync(id, null, subject, null, new CibaDecision { Outcome = CibaRequestStatus.Failed, DecidedAt = time.GetUtcNow() }, cancellationToken);

    private async ValueTask<CibaDecisionResult> DecideAsync(string id, CibaRequest? known, string subject, ICibaUserLookup? mustBeActive, CibaDecision decision, CancellationToken cancellationToken)
    {
        if (mustBeActive is not null && !await mustBeActive.IsActiveAsync(subject, cancellationToken))
        {
            return CibaDecisionResult.UserNotActive;
        }

        // Only a listener wants to know whose request it was.
        known ??= signals.IsHeard ? (await store.GetAsync(id, subject, decision.DecidedAt, cancellationToken))?.Request : null;

        var result = await store.DecideAsync(id, subject, decision, time.GetUtcNow(), cancellationToken) switch
        {
            CibaDecideResult.Done => CibaDecisionResult.Done,
            CibaDecideResult.NotYours => CibaDecisionResult.NotYours,
            CibaDecideResult.AlreadyDecided => CibaDecisionResult.AlreadyDecided,
            CibaDecideResult.Expired => CibaDecisionResult.Expired,
            _ => CibaDecisionResult.Unknown,
        };
        if (result == CibaDecisionResult.Done)
        {
            // Section 10: the device does not wait for the client to be told.
            if (known?.TokenDeliveryMode != CibaTokenDeliveryModes.Poll)
            {
                outbox.Attend(id);
            }

            signals.Decided(id, known?.ClientId, subject, decision);
            Decided(CibaLog.Short(id), decision.Outcome);
        }
        else
        {
            NotDecided(result);
        }

        return result;
    }

    [LoggerMessage(1, LogLevel.Information, "Request {Request} decided: {Outcome}")]
    private partial void Decided(string request, CibaRequestStatus outcome);

    [LoggerMessage(2, LogLevel.Debug, "An answer was not taken: {Result}")]
    private partial void NotDecided(CibaDecisionResult result);
}
