using Ciba.AspNetCore.Binding;
using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Store;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Token;

/// <summary>Sections 10.1 and 11: what a poll gets.</summary>
internal sealed partial class CibaGrants(
    ICibaRequestStore store,
    LongPolling polls,
    AuthReqIds ids,
    IServiceProvider services,
    CibaTenant tenant,
    TokenBindings bindings,
    Signals signals,
    ILogger<CibaGrants> logger) : ICibaGrants
{
    public static readonly CibaError UserNotActive = CibaError.AuthorizationDenied.With("This user cannot authenticate at present.");

    private static readonly CibaError AcrNotReached = CibaError.AuthorizationDenied.With("The user was not authenticated as the request demands.");
    private static readonly CibaError NoDetails = CibaError.AuthorizationDenied.With("None of the authorization details that were asked for has been granted.");

    // The usual answers, one object each.
    private static readonly CibaGrant Pending = new(CibaError.AuthorizationPending);
    private static readonly CibaGrant Expired = new(CibaError.ExpiredToken);
    private static readonly CibaGrant Denied = new(CibaError.AuthorizationDenied);
    private static readonly CibaGrant Invalid = new(CibaError.InvalidGrant);
    private static readonly CibaGrant NoAuthReqId = new(TokenEndpoint.NoAuthReqId);
    private static readonly CibaGrant Unauthorized = new(CibaError.UnauthorizedClient);
    private static readonly CibaGrant PushClient = new(CibaError.PushClient);
    private static readonly CibaGrant NotActive = new(UserNotActive);
    private static readonly CibaGrant NothingShown = new(CibaError.InvalidRequest.With("The tokens of this client are bound to a key, which must be shown."));

    public async ValueTask<CibaGrant> RedeemAsync(string? authReqId, string clientId, CancellationToken cancellationToken)
    {
        var client = await FindAsync(clientId, cancellationToken);
        return WhyNot(client) is { } refusal ? refusal
            : client.HasBoundAccessTokens ? NothingShown
            : await RedeemAsync(authReqId, client, TokenTerms.None, cancellationToken);
    }

    public async ValueTask<CibaGrant> RedeemAsync(string? authReqId, string clientId, HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var client = await FindAsync(clientId, context.RequestAborted);
        if (WhyNot(client) is { } refusal)
        {
            return refusal;
        }

        return (await bindings.ReadAsync(context, RegisteredClient.Of(client), tenant.Urls.TokenEndpoint)).Failed(out var error, out var shown)
            || (await ReadTermsAsync(context.Request, shown)).Failed(out error, out var terms)
            ? new CibaGrant(error)
            : await RedeemAsync(authReqId, client, terms, context.RequestAborted);
    }

    /// <summary>
    /// Why an approval is none, or null. The approval endpoint checks the same, unless the store could not show the request just then.
    /// </summary>
    public static CibaError? WhyNotApproved(CibaRequest request, CibaDecision decision) =>
        !request.IsReachedBy(decision.Acr) ? AcrNotReached
        : request.AuthorizationDetails.Count > 0 && decision.AuthorizationDetails.Count == 0 ? NoDetails
        : null;

    private static async ValueTask<Outcome<TokenTerms>> ReadTermsAsync(HttpRequest request, CibaConfirmation shown)
    {
        if (!FormParameters.IsForm(request))
        {
            return TokenTerms.None with { Shown = shown };
        }

        return (await FormParameters.ReadAsync(request)).Failed(out var error, out var form) ? error : TokenTerms.Read(form, shown);
    }

    private async ValueTask<CibaClient> FindAsync(string clientId, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(clientId);
        return await services.GetRequiredService<ICibaClientStore>().FindAsync(clientId, cancellationToken)
            ?? throw new ArgumentException("The client is none that the ICibaClientStore knows.", nameof(clientId));
    }

    private static CibaGrant? WhyNot(CibaClient client)
    {
        var registered = RegisteredClient.Of(client);
        return !registered.MayUseCiba ? Unauthorized
            : registered.TokenDeliveryMode == CibaTokenDeliveryModes.Push ? PushClient
            : null;
    }

    public async ValueTask<CibaGrant> RedeemAsync(string? authReqId, CibaClient client, TokenTerms terms, CancellationToken cancellationToken)
    {
        // First, so that a host that has not said for which issuer learns it at once.
        var clientKey = tenant.KeyOf(client.ClientId);
        if (string.IsNullOrEmpty(authReqId))
        {
            return NoAuthReqId;
        }

        if (ids.HandleOf(authReqId) is not { } id)
        {
            return Invalid;
        }

        var found = await polls.PollAsync(id, clientKey, cancellationToken);
        switch (found.Status)
        {
            case CibaPollStatus.Approved:
                return await LeasedAsync(found, client, terms, cancellationToken);

            case CibaPollStatus.Pending:
                return Pending;

            case CibaPollStatus.SlowDown:
                return new CibaGrant(CibaError.SlowDown) { RetryAfter = found.Interval };

            case CibaPollStatus.Denied or CibaPollStatus.Failed:
                return Denied;

            case CibaPollStatus.Expired:
                SawExpired(client.ClientId, CibaLog.Short(id));
                return Expired;

            case CibaPollStatus.Redeemed:
                signals.Replayed(id, tenant.Realm, client.ClientId);
                Replayed(client.ClientId, CibaLog.Short(id));
                return Invalid;

            default:
                return Invalid;
        }
    }

    private async ValueTask<CibaGrant> LeasedAsync(CibaPollResult found, CibaClient client, TokenTerms terms, CancellationToken cancellationToken)
    {
        var redemption = new Redemption(store, found.Request!, found.Lease!, signals, logger);
        if (WhyNotApproved(found.Request!, found.Decision!) is { } refusal || terms.Within(found.Request!, found.Decision!).Failed(out refusal, out var granted))
        {
            await redemption.GiveBackAsync();
            return new CibaGrant(refusal);
        }

        try
        {
            // Made only now: most polls find the user still thinking and need no user lookup.
            if (await services.GetRequiredService<ICibaUserLookup>().IsActiveAsync(found.Request!.Subject, cancellationToken))
            {
                return new CibaGrant(new CibaTokenRequest(tenant.Issuer, client, found.Request, found.Decision!, granted), redemption);
            }
        }
        catch
        {
            await redemption.GiveBackAsync();
            throw;
        }

        // The approval goes back: a user who is unlocked while the request lives need not be asked again.
        await redemption.GiveBackAsync();
        return NotActive;
    }

    [LoggerMessage(1, LogLevel.Information, "Request {Request} of client {ClientId} expired before it was redeemed")]
    private partial void SawExpired(string clientId, string request);

    [LoggerMessage(2, LogLevel.Warning, "Client {ClientId} sent the auth_req_id of request {Request} again, which was redeemed before")]
    private partial void Replayed(string clientId, string request);
}
