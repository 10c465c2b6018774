using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Events;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>Sections 10.2, 10.3 and 12: tells the client of an outcome, by a ping or with all that belongs to it.</summary>
internal sealed class CallbackDelivery(
    IServiceScopeFactory scopes,
    Receivers receivers,
    CallbackSender sender,
    PushTokens pushTokens,
    Signals signals,
    IOptions<CibaOptions> options,
    TimeProvider time)
{
    private static readonly CibaError UserNotActive = CibaError.AuthorizationDenied.With("This user cannot authenticate at present.");

    public async Task<WorkResult> DeliverAsync(CibaOutboxEntry entry, OutboxAttempt attempt, CancellationToken stopping)
    {
        var request = entry.Request;
        await using var scope = scopes.CreateAsyncScope();
        var client = await scope.ServiceProvider.GetRequiredService<ICibaClientStore>().FindAsync(request.ClientId, stopping);
        if (client is null || RegisteredClient.Of(client).Problems.Count > 0 || client.BackchannelTokenDeliveryMode != request.TokenDeliveryMode)
        {
            return WorkResult.GivenUp($"the client is not registered any more for {request.TokenDeliveryMode}");
        }

        if (request.Callback is not { } callback)
        {
            return WorkResult.GivenUp("the store does not give back what a callback needs");
        }

        var endpoint = client.BackchannelClientNotificationEndpoint!;
        var receiver = new Uri(endpoint).Authority;
        if (!await receivers.EnterAsync(receiver))
        {
            return WorkResult.NotTried;
        }

        var answered = true;
        try
        {
            // Nobody else shall have begun before this one ends.
            if (entry.HeldUntil - time.GetUtcNow() <= options.Value.Callbacks.Timeout * 2)
            {
                return WorkResult.NotTried;
            }

            var (json, problem) = request.TokenDeliveryMode == CibaTokenDeliveryModes.Ping
                ? (Ping.Of(callback.AuthReqId), default)
                : await PushAsync(scope.ServiceProvider, entry, attempt, client, callback);
            if (json is null)
            {
                return problem;
            }

            var began = time.GetTimestamp();
            var answer = await sender.PostAsync(endpoint, callback.ClientNotificationToken, json, stopping);
            answered = answer.Kind != CallbackAnswerKind.Unreachable;
            switch (answer.Kind)
            {
                case CallbackAnswerKind.Delivered:
                    signals.Delivered(request, request.TokenDeliveryMode, time.GetElapsedTime(began));
                    return attempt.Tokens is null ? WorkResult.Done : WorkResult.TokensSent;

                case CallbackAnswerKind.Refused:
                    return WorkResult.GivenUp(answer.Reason);

                default:
                    return WorkResult.Failed(answer.Reason, answer.RetryAfter);
            }
        }
        finally
        {
            receivers.Leave(receiver, answered);
        }
    }

    private async Task<(byte[]? Json, WorkResult Problem)> PushAsync(IServiceProvider services, CibaOutboxEntry entry, OutboxAttempt attempt, CibaClient client, CibaCallback callback)
    {
        var error = entry.Status switch
        {
            CibaRequestStatus.Denied => CibaError.AuthorizationDenied,
            CibaRequestStatus.Failed => CibaError.TransactionFailed,
            CibaRequestStatus.Expired => CibaError.ExpiredToken,
            _ => attempt.Tokens is null && !await services.GetRequiredService<ICibaUserLookup>().IsActiveAsync(entry.Request.Subject, CancellationToken.None) ? UserNotActive : null,
        };
        if (error is not null)
        {
            return (PushError.Of(callback.AuthReqId, error), default);
        }

        var issued = attempt.Tokens ?? await pushTokens.IssueAsync(services, entry, client);
        if (PushTokens.WhyNot(issued) is { } problem)
        {
            return (null, WorkResult.GivenUp(problem));
        }

        attempt.Tokens = issued;
        return (Push.Of(callback.AuthReqId, issued, time.GetUtcNow()), default);
    }
}
