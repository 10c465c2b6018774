using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Hosting;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Token;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>Sections 10.2, 10.3 and 12: tells the client of an outcome, by a ping or with all that belongs to it.</summary>
internal sealed partial class CallbackDelivery(
    ICibaRequestStore store,
    HostCalls host,
    Receivers receivers,
    CallbackSender sender,
    PushTokens pushTokens,
    Signals signals,
    IOptions<CibaOptions> options,
    TimeProvider time,
    ILogger<CallbackDelivery> logger)
{
    private static readonly TimeSpan ShortestLife = TimeSpan.FromSeconds(1);

    private ConfiguredClients? _configured;

    private TimeSpan Timeout => options.Value.Callbacks.Timeout;

    /// <summary>One try: what the host is asked for takes one time-out at most, the call another, and there may be a wait before.</summary>
    public async Task<WorkResult> DeliverAsync(CibaOutboxEntry entry, OutboxAttempt attempt)
    {
        if (entry.Request.Callback is not { ClientNotificationToken: { } notificationToken } callback)
        {
            return WorkResult.GivenUp("the store does not give back what a callback needs");
        }

        if (await FindClientAsync(entry.Request) is not { } client)
        {
            // A node that learns of clients sooner or later than others does not speak for them.
            return WorkResult.LeftToOthers($"the client is not registered any more for {entry.Request.TokenDeliveryMode}");
        }

        // What is begun later might not have ended when the next node may begin, by its own clock.
        var authority = new Uri(client.BackchannelClientNotificationEndpoint!).Authority;
        var (place, wait) = await receivers.EnterAsync(entry.Request.ClientKey, authority, entry.HeldUntil - options.Value.OutboxLease - (Timeout * 2));
        if (place is null)
        {
            return WorkResult.NotTriedFor(wait);
        }

        bool? answered = null;
        try
        {
            var (json, problem) = await ContentAsync(entry, attempt, client, callback);
            if (json is null)
            {
                return problem;
            }

            var began = time.GetTimestamp();
            var answer = await sender.PostAsync(client.BackchannelClientNotificationEndpoint!, notificationToken, json);
            answered = answer.Kind != CallbackAnswerKind.Unreachable;
            return Judge(entry.Request, attempt, answer, time.GetElapsedTime(began));
        }
        finally
        {
            receivers.Leave(place, answered);
        }
    }

    private WorkResult Judge(CibaRequest request, OutboxAttempt attempt, CallbackAnswer answer, TimeSpan duration)
    {
        switch (answer.Kind)
        {
            case CallbackAnswerKind.Delivered:
                Delivered(request.TokenDeliveryMode, CibaLog.Short(request.Id), request.ClientId);
                signals.Delivered(request, request.TokenDeliveryMode, duration);
                return attempt.Push is null ? WorkResult.Done : WorkResult.TokensSent;

            case CallbackAnswerKind.Refused:
                return WorkResult.GivenUp(answer.Reason);

            default:
                return WorkResult.Failed(answer.Reason, answer.RetryAfter);
        }
    }

    private async Task<CibaClient?> FindClientAsync(CibaRequest request)
    {
        using var timeout = new CancellationTokenSource(Timeout, time);
        var token = timeout.Token;
        var client = _configured is null
            ? await host.AskAsync(request, services => FindClientAsync(services, request.ClientId, token), token)
            : await _configured.FindAsync(request.ClientId, token);
        return client is not null
            && RegisteredClient.Of(client).MayUseCiba
            && client.BackchannelTokenDeliveryMode == request.TokenDeliveryMode
            && options.Value.DeliveryModes.Contains(request.TokenDeliveryMode) ? client : null;
    }

    // The configured clients, of which there is one object for all scopes, never block: the next callback asks them at once.
    private ValueTask<CibaClient?> FindClientAsync(IServiceProvider services, string clientId, CancellationToken cancellationToken)
    {
        var store = services.GetRequiredService<ICibaClientStore>();
        _configured = store as ConfiguredClients;
        return store.FindAsync(clientId, cancellationToken);
    }

    private async Task<(byte[]? Json, WorkResult Problem)> ContentAsync(CibaOutboxEntry entry, OutboxAttempt attempt, CibaClient client, CibaCallback callback)
    {
        if (entry.Request.TokenDeliveryMode == CibaTokenDeliveryModes.Ping)
        {
            return (Ping.Of(callback.AuthReqId), default);
        }

        using var timeout = new CancellationTokenSource(Timeout, time);
        if (await ErrorAsync(entry, timeout.Token) is { } error)
        {
            attempt.Push = null;
            return (PushError.Of(callback.AuthReqId, error), default);
        }

        if (!attempt.IsPushKept && MintedPush.Read(entry.Tokens) is { } kept)
        {
            (attempt.Push, attempt.IsPushKept) = (kept, true);
        }

        if (attempt.Push is null)
        {
            var issued = await pushTokens.IssueAsync(entry, client, timeout.Token);
            if (PushTokens.WhyNot(issued) is { } problem)
            {
                return (null, WorkResult.GivenUp(problem));
            }

            attempt.Push = MintedPush.Create(callback.AuthReqId, issued);
        }

        // An approval is worth one set of tokens, however often it is tried to deliver them.
        if (attempt.Push.TimeLeft(time.GetUtcNow()) < ShortestLife)
        {
            return (null, WorkResult.GivenUp("the tokens expired before the client took them"));
        }

        // Before they are sent: another node that makes the next try is to send these.
        try
        {
            attempt.IsPushKept = attempt.IsPushKept || await store.KeepTokensAsync(entry.Request.Id, entry.HeldUntil, attempt.Push.Write(), timeout.Token);
        }
        catch (CibaStoreUnavailableException exception)
        {
            return (null, WorkResult.Failed(exception.Message));
        }

        return attempt.IsPushKept ? (attempt.Push.Body(time.GetUtcNow()), default) : (null, WorkResult.NotTried);
    }

    /// <summary>Section 12: what there is to say instead of tokens. The user is asked for at every try, as at every redemption.</summary>
    private async Task<CibaError?> ErrorAsync(CibaOutboxEntry entry, CancellationToken cancellationToken) => entry.Status switch
    {
        CibaRequestStatus.Denied => CibaError.AuthorizationDenied,
        CibaRequestStatus.Failed => CibaError.TransactionFailed,
        CibaRequestStatus.Expired => CibaError.ExpiredToken,
        _ when entry.Request.ExpiresAt <= time.GetUtcNow() => CibaError.ExpiredToken,
        _ when CibaGrants.WhyNotApproved(entry.Request, entry.Decision!) is { } problem => problem,
        _ => await IsActiveAsync(entry.Request, cancellationToken) ? null : CibaGrants.UserNotActive,
    };

    private Task<bool> IsActiveAsync(CibaRequest request, CancellationToken cancellationToken) =>
        host.AskAsync(request, services => services.GetRequiredService<ICibaUserLookup>().IsActiveAsync(request.Subject, cancellationToken), cancellationToken);

    [LoggerMessage(1, LogLevel.Information, "The {Mode} for request {Request} of client {ClientId} is delivered")]
    private partial void Delivered(string mode, string request, string clientId);
}
