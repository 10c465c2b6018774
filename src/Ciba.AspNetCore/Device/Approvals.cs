using System.Text.Json;
using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Protocol;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Device;

/// <summary>Section 8: the user's answer.</summary>
internal sealed partial class Approvals(
    ICibaRequestStore store,
    ICibaUserLookup users,
    ICibaClientBlocks? blocks,
    CibaTenant tenant,
    UnconfirmedDecisions decisions,
    Resends resends,
    Signals signals,
    IOptions<CibaOptions> options,
    TimeProvider time,
    ILogger<Approvals> logger) : ICibaApprovals
{
    public async ValueTask<IReadOnlyList<CibaDeviceRequest>> ListPendingAsync(string subject, CancellationToken cancellationToken)
    {
        var pending = await store.ListPendingAsync(tenant.KeyOf(subject), time.GetUtcNow(), cancellationToken);
        return [.. pending.Select(request => new CibaDeviceRequest(request, CibaRequestStatus.Pending))];
    }

    public async ValueTask<CibaDeviceRequest?> GetAsync(string id, string subject, CancellationToken cancellationToken) =>
        await FindAsync(id, subject, cancellationToken) is { } found ? new CibaDeviceRequest(found.Request, found.Status) : null;

    public async ValueTask<CibaDecisionResult> ApproveAsync(string id, string subject, CibaApproval? approval, CancellationToken cancellationToken)
    {
        // What was asked for never changes, so it can be looked at before the step that counts. A request that is not found
        // waiting is left to that step, with no more than every request asks for.
        var now = time.GetUtcNow();
        var found = await FindAsync(id, subject, cancellationToken);
        var asked = found is { Status: CibaRequestStatus.Pending } ? found.Request : null;
        if (asked is not null && WhyNot(asked, approval) is { } refusal)
        {
            return refusal;
        }

        if (found is null && options.Value.NumberMatching)
        {
            // What cannot be read has a choice that cannot be looked at.
            return CibaDecisionResult.Unknown;
        }

        if (asked is { BindingMessageChoices.Count: > 0 } && approval!.BindingMessage != asked.BindingMessage)
        {
            var denied = await DecideAsync(id, asked, subject, users, Denial(asked), cancellationToken);
            return denied == CibaDecisionResult.Done ? CibaDecisionResult.WrongChoice : denied;
        }

        var decision = new CibaDecision
        {
            Outcome = CibaRequestStatus.Approved,
            DecidedAt = now,
            Scopes = [.. (asked is null ? ["openid"] : approval?.Scopes ?? asked.Scopes).Distinct()],
            AuthorizationDetails = asked is null ? [] : Granted(asked, approval)!,
            AuthTime = approval?.AuthTime,
            Acr = approval?.Acr,
            Amr = approval?.Amr ?? [],
        };
        return await DecideAsync(id, asked, subject, users, decision, cancellationToken, Said(approval));
    }

    public async ValueTask<CibaDecisionResult> DenyAsync(string id, string subject, CancellationToken cancellationToken)
    {
        // Only what leaves the user alone afterwards has to know whose request it was.
        var asked = options.Value.DenialCooldown > TimeSpan.Zero ? (await FindAsync(id, subject, cancellationToken))?.Request : null;
        return await DecideAsync(id, asked, subject, users, Denial(asked), cancellationToken);
    }

    public async ValueTask<CibaDecisionResult> DenyAndBlockAsync(string id, string subject, CancellationToken cancellationToken)
    {
        if (blocks is null)
        {
            return CibaDecisionResult.BlockingNotSupported;
        }

        if (await FindAsync(id, subject, cancellationToken) is not { } found)
        {
            return CibaDecisionResult.Unknown;
        }

        if (!await users.IsActiveAsync(subject, cancellationToken))
        {
            return CibaDecisionResult.UserNotActive;
        }

        await blocks.BlockAsync(new CibaDeviceRequest(found.Request, found.Status), cancellationToken);
        signals.Blocked(found.Request);
        var result = await DecideAsync(id, found.Request, subject, null, Denial(found.Request), cancellationToken);
        await DenyOthersAsync(found.Request, subject, cancellationToken);
        return result;
    }

    /// <summary>A user who wants to hear nothing more of a client has denied what else it asks for.</summary>
    private async ValueTask DenyOthersAsync(CibaRequest blocked, string subject, CancellationToken cancellationToken)
    {
        foreach (var request in await store.ListPendingAsync(blocked.UserKey, time.GetUtcNow(), cancellationToken))
        {
            if (request.ClientKey == blocked.ClientKey)
            {
                await DecideAsync(request.Id, request, subject, null, Denial(request), cancellationToken);
            }
        }
    }

    public async ValueTask<CibaResendResult> ResendAsync(string id, string subject, CancellationToken cancellationToken)
    {
        var found = await FindAsync(id, subject, cancellationToken);
        if (found is not { Status: CibaRequestStatus.Pending })
        {
            return new()
            {
                Status = found?.Status switch
                {
                    null => CibaResendStatus.NotFound,
                    CibaRequestStatus.Expired => CibaResendStatus.Expired,
                    _ => CibaResendStatus.AlreadyDecided,
                }
            };
        }

        var (status, wait) = await resends.TryAsync(found.Request, byClient: false, blocks, cancellationToken);
        return new() { Status = status, RetryAfter = wait > TimeSpan.Zero ? wait : null };
    }

    // The host's own word, which does not depend on whether the user may still speak.
    public ValueTask<CibaDecisionResult> FailAsync(string id, string subject, CancellationToken cancellationToken) =>
        DecideAsync(id, null, subject, null, new CibaDecision { Outcome = CibaRequestStatus.Failed, DecidedAt = time.GetUtcNow() }, cancellationToken);

    private static CibaDecisionResult? WhyNot(CibaRequest asked, CibaApproval? approval)
    {
        if (approval?.Scopes is { } scopes && !(scopes.Contains("openid") && scopes.All(asked.Scopes.Contains)))
        {
            return CibaDecisionResult.ScopesNotAsked;
        }

        if (asked.AuthorizationDetails.Count > 0 && approval?.AuthorizationDetails is { Count: 0 })
        {
            return CibaDecisionResult.AuthorizationDetailsRequired;
        }

        if (Granted(asked, approval) is null)
        {
            return CibaDecisionResult.DetailsNotAsked;
        }

        if (!asked.IsReachedBy(approval?.Acr))
        {
            return CibaDecisionResult.AcrNotReached;
        }

        return asked.BindingMessageChoices.Count > 0 && approval?.BindingMessage is null ? CibaDecisionResult.ChoiceMissing : null;
    }

    // But for the time of the authentication, which may be that of the call.
    private static string Said(CibaApproval? approval) => string.Join(
        '\n',
        [
            nameof(CibaRequestStatus.Approved),
            approval?.Scopes is { } scopes ? string.Join(' ', scopes) : "",
            approval?.AuthorizationDetails is { } details ? string.Join(',', details.Select(detail => detail.GetRawText())) : "",
            approval?.Acr ?? "",
            string.Join(' ', approval?.Amr ?? []),
            approval?.BindingMessage ?? "",
        ]);

    private static IReadOnlyList<JsonElement>? Granted(CibaRequest asked, CibaApproval? approval) =>
        approval?.AuthorizationDetails is { } granted ? AuthorizationDetailsRules.FindAmong(asked.AuthorizationDetails, granted) : asked.AuthorizationDetails;

    private CibaDecision Denial(CibaRequest? asked)
    {
        var now = time.GetUtcNow();
        var cooldown = options.Value.DenialCooldown;
        return new CibaDecision
        {
            Outcome = CibaRequestStatus.Denied,
            DecidedAt = now,
            Quiet = asked is not null && cooldown > TimeSpan.Zero ? new CibaQuiet(asked.ClientKey, now + cooldown) : null,
        };
    }

    private ValueTask<CibaRequestState?> FindAsync(string id, string subject, CancellationToken cancellationToken) =>
        store.GetAsync(id, tenant.KeyOf(subject), time.GetUtcNow(), cancellationToken);

    private async ValueTask<CibaDecisionResult> DecideAsync(string id, CibaRequest? known, string subject, ICibaUserLookup? mustBeActive, CibaDecision decision, CancellationToken cancellationToken, string? said = null)
    {
        // Only a listener wants to know whose request it was.
        known ??= signals.IsHeard ? (await FindAsync(id, subject, cancellationToken))?.Request : null;
        if (mustBeActive is not null && !await mustBeActive.IsActiveAsync(subject, cancellationToken))
        {
            return CibaDecisionResult.UserNotActive;
        }

        var step = new DecisionStep(id, tenant.KeyOf(subject), decision, said ?? $"{decision.Outcome}", subject, tenant.Realm, known);
        var result = await decisions.TakeAsync(step, cancellationToken) switch
        {
            CibaDecideResult.Done => CibaDecisionResult.Done,
            CibaDecideResult.NotYours => CibaDecisionResult.NotYours,
            CibaDecideResult.AlreadyDecided => CibaDecisionResult.AlreadyDecided,
            CibaDecideResult.Expired => CibaDecisionResult.Expired,
            _ => CibaDecisionResult.Unknown,
        };
        if (result != CibaDecisionResult.Done)
        {
            NotDecided(result);
        }

        return result;
    }

    [LoggerMessage(2, LogLevel.Debug, "An answer was not taken: {Result}")]
    private partial void NotDecided(CibaDecisionResult result);
}
