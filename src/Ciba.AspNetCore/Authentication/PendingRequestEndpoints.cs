using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Device;
using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Store;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Authentication;

/// <summary>
/// Beyond CIBA Core: <c>POST /bc-authorize/cancel</c> and <c>/resend</c>, by which a client withdraws its request that waits, or
/// has the device told again.
/// </summary>
internal sealed partial class PendingRequestEndpoints(
    ClientAuthenticator clients,
    AuthReqIds ids,
    ICibaRequestStore store,
    Resends resends,
    Signals signals,
    TimeProvider time,
    ILogger<PendingRequestEndpoints> logger)
{
    private static readonly CibaError NoAuthReqId = CibaError.InvalidRequest.With("auth_req_id is required: send the one from the authentication response.");
    private static readonly CibaError Answered = new("invalid_request", "The request is answered already: poll for its outcome.", StatusCodes.Status409Conflict);
    private static readonly CibaError TooOften = new("slow_down", Resends.ToldOften, StatusCodes.Status429TooManyRequests);

    public Task CancelAsync(HttpContext context) => ForPendingAsync(context, async request =>
    {
        if (!await store.RemoveAsync(request.Id, request.UserKey, context.RequestAborted))
        {
            return Answered;
        }

        signals.Cancelled(request);
        Cancelled(CibaLog.Short(request.Id), request.ClientId);
        return null;
    });

    public Task ResendAsync(HttpContext context) => ForPendingAsync(context, async request =>
    {
        var (status, wait) = await resends.TryAsync(request, byClient: true, context.RequestServices.GetService<ICibaClientBlocks>(), context.RequestAborted);
        return status switch
        {
            CibaResendStatus.Success => null,
            CibaResendStatus.TooSoon => new CibaError("slow_down", Resends.WaitFirst(wait), StatusCodes.Status429TooManyRequests).WithRetryAfter(wait),
            CibaResendStatus.NotificationLimitReached => LimitErrors.Notifications(wait),
            CibaResendStatus.ClientInCooldown => LimitErrors.InCooldown(wait),
            CibaResendStatus.ClientBlocked => LimitErrors.UserBlocksClient,
            _ => TooOften,
        };
    });

    private async Task ForPendingAsync(HttpContext context, Func<CibaRequest, ValueTask<CibaError?>> handle)
    {
        if ((await FormParameters.ReadAsync(context.Request)).Failed(out var error, out var form)
            || (await clients.AuthenticateAsync(context, form)).Failed(out error, out var client)
            || (await FindAsync(context, form["auth_req_id"], client)).Failed(out error, out var request))
        {
            await CibaResults.RefuseAsync(context, error);
            return;
        }

        if (await handle(request) is { } refusal)
        {
            await CibaResults.RefuseAsync(context, refusal);
            return;
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
        CibaResults.StoreNowhere(context.Response);
    }

    private async ValueTask<Outcome<CibaRequest>> FindAsync(HttpContext context, string? authReqId, RegisteredClient client)
    {
        if (authReqId is null)
        {
            return NoAuthReqId;
        }

        var clientKey = context.RequestServices.GetRequiredService<CibaTenant>().KeyOf(client.Client.ClientId);
        var found = ids.HandleOf(authReqId) is { } id ? await store.GetForClientAsync(id, clientKey, time.GetUtcNow(), context.RequestAborted) : null;
        return found?.Status switch
        {
            null => CibaError.InvalidGrant,
            CibaRequestStatus.Pending => found.Request,
            CibaRequestStatus.Expired => CibaError.ExpiredToken,
            _ => Answered,
        };
    }

    [LoggerMessage(1, LogLevel.Information, "Request {Request} withdrawn by client {ClientId}")]
    private partial void Cancelled(string request, string clientId);
}
