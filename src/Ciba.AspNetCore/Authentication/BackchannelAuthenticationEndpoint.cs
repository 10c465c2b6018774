using System.Text.Json.Serialization;
using Ciba.AspNetCore.Binding;
using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Protocol;
using Ciba.AspNetCore.Store;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Authentication;

/// <summary>Section 7: <c>POST /bc-authorize</c>, from the client's request to its acknowledgement.</summary>
internal sealed partial class BackchannelAuthenticationEndpoint(
    ClientAuthenticator clients,
    SignedRequests signedRequests,
    TokenBindings bindings,
    AuthReqIds ids,
    ICibaRequestStore store,
    DeviceNotifications devices,
    Signals signals,
    IOptions<CibaOptions> options,
    TimeProvider time,
    ILogger<BackchannelAuthenticationEndpoint> logger)
{
    private static readonly CibaError DeviceNotReached = CibaError.TemporarilyUnavailable.With("The user's device could not be notified: try again later.");

    public async Task HandleAsync(HttpContext context)
    {
        var users = context.RequestServices.GetRequiredService<HintedUsers>();
        var tenant = context.RequestServices.GetRequiredService<CibaTenant>();
        RegisteredClient? client = null;
        if ((await FormParameters.ReadAsync(context.Request)).Failed(out var error, out var form)
            || (await clients.AuthenticateAsync(context, form)).Failed(out error, out client)
            || (await bindings.ReadProofAsync(context, client, tenant.Urls.BackchannelAuthenticationEndpoint)).Failed(out error, out var proven)
            || (await signedRequests.ReadAsync(context, form, client, tenant)).Failed(out error, out var parameters)
            || AuthenticationRequest.Read(parameters, client, options.Value).Failed(out error, out var asked)
            || FapiRequestRules.Failed(asked, client.Client, options.Value, out error)
            || (await bindings.ReadAtRequestAsync(context, parameters, client, proven)).Failed(out error, out var confirmation)
            || (await users.FindAsync(asked, client.Client, context.RequestAborted)).Failed(out error, out var user))
        {
            await RefuseAsync(context, error, client);
            return;
        }

        var authReqId = ids.New(tenant.KeyOf(user.Subject));
        var request = Accept(authReqId, tenant, client.Client, asked, user, confirmation);
        if (await ValidateAsync(context, request, client.Client) is { } refusal)
        {
            await RefuseAsync(context, refusal, client);
            return;
        }

        // Stored before the device is told, or a quick user could answer a request that is not there yet.
        var added = await store.AddAsync(request, options.Value.Limits.Requests, context.RequestAborted);
        if (LimitErrors.Of(added) is { } limit)
        {
            signals.LimitReached(request);
            await RefuseAsync(context, limit, client);
            return;
        }

        if (added.Existing is { Callback: { } known } existing)
        {
            Collapsed(client.Client.ClientId, CibaLog.Short(existing.Id));
            await AcknowledgeAsync(context, known.AuthReqId, existing, existing.ExpiresAt - request.CreatedAt, added.Interval);
            return;
        }

        if (added.IsConcealed && !request.IsConcealed)
        {
            signals.LimitReached(request);
        }
        else if (!request.IsConcealed && !await devices.NotifyAsync(request, context.RequestAborted))
        {
            await RefuseAsync(context, DeviceNotReached, client);
            return;
        }

        signals.Accepted(request);
        Accepted(client.Client.ClientId, CibaLog.Short(request.Id), request.ExpiresAt);
        await AcknowledgeAsync(context, authReqId, request, request.ExpiresAt - request.CreatedAt, request.Interval);
    }

    private static Task AcknowledgeAsync(HttpContext context, string authReqId, CibaRequest request, TimeSpan left, TimeSpan interval) => CibaResults.OkAsync(
        context,
        new Acknowledgement(authReqId, Math.Max(1, (int)left.TotalSeconds), request.TokenDeliveryMode == CibaTokenDeliveryModes.Push ? null : (int)interval.TotalSeconds),
        AuthenticationJson.Relaxed.Acknowledgement);

    private CibaRequest Accept(string authReqId, CibaTenant tenant, CibaClient client, AuthenticationRequest asked, HintedUser user, CibaConfirmation confirmation)
    {
        var now = time.GetUtcNow();
        var expiresAt = now + (asked.RequestedExpiry ?? options.Value.RequestLifetime);
        return new CibaRequest
        {
            Id = ids.HandleOf(authReqId)!,
            Issuer = tenant.Realm,
            ClientId = client.ClientId,
            ClientName = client.ClientName,
            ClientLogoUri = client.LogoUri,
            Subject = user.Subject,
            Scopes = asked.Scopes,
            BindingMessage = asked.BindingMessage,
            BindingMessageChoices = options.Value.NumberMatching ? NumberMatching.ChoicesFor(asked.BindingMessage!) : [],
            AuthorizationDetails = asked.AuthorizationDetails,
            AcrValues = asked.AcrValues,
            RequiredAcrValues = FapiRequestRules.RequiredAcrValues(asked, client, options.Value),
            Resources = asked.Resources,
            RequestedIdTokenClaims = asked.Claims.IdToken,
            RequestContext = asked.RequestContext,
            Confirmation = confirmation.IsNone ? null : confirmation,
            Interval = options.Value.PollingInterval,
            TokenDeliveryMode = client.BackchannelTokenDeliveryMode!,
            Callback = options.Value.CollapseIdenticalRequests || asked.ClientNotificationToken is not null ? new CibaCallback(authReqId, asked.ClientNotificationToken) : null,
            Fingerprint = options.Value.CollapseIdenticalRequests ? asked.FingerprintWith(confirmation, user.LimitGroup) : null,
            LimitGroup = user.LimitGroup,
            IsConcealed = user.IsConcealed,
            DueAt = devices.DueAt(user.IsConcealed, client.BackchannelTokenDeliveryMode!, now, expiresAt),
            CreatedAt = now,
            ExpiresAt = expiresAt,
            RetainedUntil = expiresAt + options.Value.ExpiredRequestRetention,
        };
    }

    private static async ValueTask<CibaError?> ValidateAsync(HttpContext context, CibaRequest request, CibaClient client)
    {
        if (request.AuthorizationDetails.Count > 0
            && await AuthorizationDetailsRules.ValidateAsync(context.RequestServices, request, client, context.RequestAborted) is { } refusal)
        {
            return refusal;
        }

        foreach (var validator in context.RequestServices.GetServices<ICibaRequestValidator>())
        {
            if (await validator.ValidateAsync(request, client, context.RequestAborted) is { } error)
            {
                return error;
            }
        }

        return null;
    }

    private Task RefuseAsync(HttpContext context, CibaError error, RegisteredClient? client)
    {
        Refused(client?.Client.ClientId ?? "not authenticated", error.Error, error.Description);
        return CibaResults.RefuseAsync(context, error);
    }

    [LoggerMessage(1, LogLevel.Information, "Authentication request {Request} of client {ClientId} accepted until {ExpiresAt:O}")]
    private partial void Accepted(string clientId, string request, DateTimeOffset expiresAt);

    [LoggerMessage(3, LogLevel.Information, "Client {ClientId} made the same request again, which is {Request} still")]
    private partial void Collapsed(string clientId, string request);

    [LoggerMessage(2, LogLevel.Debug, "Authentication request of client {ClientId} refused: {Error}, {Description}")]
    private partial void Refused(string clientId, string error, string description);
}

/// <summary>Section 7.3: the successful answer.</summary>
internal sealed record Acknowledgement(
    [property: JsonPropertyName("auth_req_id")] string AuthReqId,
    [property: JsonPropertyName("expires_in")] int ExpiresIn,
    [property: JsonPropertyName("interval")] int? Interval = null);
