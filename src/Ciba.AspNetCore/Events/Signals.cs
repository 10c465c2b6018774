namespace Ciba.AspNetCore.Events;

/// <summary>Tells listeners and metrics what happened, in one line where it happens. Never waits and never fails.</summary>
internal sealed class Signals(EventQueue events, CibaMetrics metrics, TimeProvider time)
{
    /// <summary>Whether anybody listens: what only a listener wants to know need not be watched for nobody.</summary>
    public bool IsHeard => events.IsHeard;

    public void ClientAuthenticationEnded(ClientAuthenticationOutcome outcome) => metrics.ClientAuthenticationEnded(outcome);

    /// <param name="issuer">The issuer, in a host with several.</param>
    /// <param name="clientId">The client, where it is known.</param>
    /// <param name="count">How many failures are told of at once.</param>
    /// <param name="remoteAddress">Where the last of them came from.</param>
    /// <param name="reason">A sentence about the last of them, without a secret.</param>
    public void ClientAuthenticationFailed(string? issuer, string? clientId, int count, string? remoteAddress, string reason)
    {
        if (IsHeard)
        {
            events.Raise(new CibaEvent
            {
                Kind = CibaEventKind.ClientAuthenticationFailed,
                OccurredAt = time.GetUtcNow(),
                Issuer = issuer,
                ClientId = clientId,
                Count = count,
                RemoteAddress = remoteAddress,
                Reason = reason,
            });
        }
    }

    public void UserCodeFailed(string? issuer, string clientId, string subject, string reason)
    {
        if (IsHeard)
        {
            events.Raise(new CibaEvent
            {
                Kind = CibaEventKind.UserCodeFailed,
                OccurredAt = time.GetUtcNow(),
                Issuer = issuer,
                ClientId = clientId,
                Subject = subject,
                Reason = reason,
            });
        }
    }

    public void Accepted(CibaRequest request)
    {
        metrics.Accepted();
        Raise(CibaEventKind.Accepted, request);
    }

    public void LimitReached(CibaRequest request)
    {
        metrics.LimitReached();
        if (IsHeard)
        {
            events.Raise(new CibaEvent
            {
                Kind = CibaEventKind.LimitReached,
                OccurredAt = time.GetUtcNow(),
                Issuer = request.Issuer,
                ClientId = request.ClientId,
                Subject = request.Subject,
            });
        }
    }

    /// <param name="id">The request's handle.</param>
    /// <param name="issuer">The issuer, in a host with several.</param>
    /// <param name="clientId">The client, where it is known.</param>
    /// <param name="subject">The user, whose request it is.</param>
    /// <param name="decision">The answer.</param>
    public void Decided(string id, string? issuer, string? clientId, string subject, CibaDecision decision)
    {
        metrics.Decided(decision.Outcome);
        if (IsHeard)
        {
            events.Raise(new CibaEvent
            {
                Kind = CibaEventKind.Decided,
                OccurredAt = decision.DecidedAt,
                RequestId = id,
                Issuer = issuer,
                ClientId = clientId,
                Subject = subject,
                Outcome = decision.Outcome,
            });
        }
    }

    public void Redeemed(CibaRequest request)
    {
        metrics.Redeemed();
        Raise(CibaEventKind.Redeemed, request);
    }

    public void Cancelled(CibaRequest request) => Raise(CibaEventKind.Cancelled, request);

    public void Blocked(CibaRequest request) => Raise(CibaEventKind.ClientBlocked, request);

    public void Replayed(string id, string? issuer, string clientId)
    {
        if (IsHeard)
        {
            events.Raise(new CibaEvent { Kind = CibaEventKind.Replayed, OccurredAt = time.GetUtcNow(), RequestId = id, Issuer = issuer, ClientId = clientId });
        }
    }

    /// <param name="request">The request that the callback is about.</param>
    /// <param name="mode"><c>ping</c> or <c>push</c>.</param>
    /// <param name="duration">How long the call took that the client's endpoint answered well.</param>
    public void Delivered(CibaRequest request, string mode, TimeSpan duration)
    {
        metrics.CallbackDelivered(mode, duration);
        Raise(CibaEventKind.Delivered, request, mode);
    }

    public void Retried(string mode) => metrics.CallbackRetried(mode);

    /// <param name="request">The request that the callback is about.</param>
    /// <param name="mode"><c>ping</c> or <c>push</c>.</param>
    /// <param name="reason">A sentence for the operator, without a secret.</param>
    public void Undelivered(CibaRequest request, string mode, string reason)
    {
        metrics.CallbackUndelivered(mode);
        Raise(CibaEventKind.Undelivered, request, mode, reason);
    }

    /// <summary>However late it is noticed, it happened when the request's time was over.</summary>
    public void Expired(CibaRequest request) => Raise(CibaEventKind.Expired, request, at: request.ExpiresAt);

    private void Raise(CibaEventKind kind, CibaRequest request, string? mode = null, string? reason = null, DateTimeOffset? at = null)
    {
        if (IsHeard)
        {
            events.Raise(new CibaEvent
            {
                Kind = kind,
                OccurredAt = at ?? time.GetUtcNow(),
                RequestId = request.Id,
                Issuer = request.Issuer,
                ClientId = request.ClientId,
                Subject = request.Subject,
                TokenDeliveryMode = mode,
                Reason = reason,
            });
        }
    }
}
