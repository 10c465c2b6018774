using System.Diagnostics.Metrics;

namespace Ciba.AspNetCore.Events;

/// <summary>What an operator counts. No tag names a client or a user.</summary>
internal sealed class CibaMetrics
{
    public const string MeterName = "Ciba.AspNetCore";

    private readonly Counter<long> _authentications;
    private readonly Counter<long> _requests;
    private readonly Counter<long> _decisions;
    private readonly Counter<long> _redemptions;
    private readonly Counter<long> _callbacks;
    private readonly Histogram<double> _callbackDuration;

    public CibaMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _authentications = meter.CreateCounter<long>("ciba.client.authentications", "{authentication}", "Client authentications, by what they came to.");
        _requests = meter.CreateCounter<long>("ciba.requests", "{request}", "Authentication requests that were accepted, or refused by a limit.");
        _decisions = meter.CreateCounter<long>("ciba.decisions", "{decision}", "Answers to authentication requests.");
        _redemptions = meter.CreateCounter<long>("ciba.redemptions", "{redemption}", "Approved requests whose tokens a client got from the token endpoint.");
        _callbacks = meter.CreateCounter<long>("ciba.callbacks", "{callback}", "Calls to clients' notification endpoints, by what they came to.");
        _callbackDuration = meter.CreateHistogram<double>("ciba.callback.duration", "s", "How long a delivered call to a client's notification endpoint took.");
    }

    public void ClientAuthenticationEnded(ClientAuthenticationOutcome outcome) => _authentications.Add(1, new KeyValuePair<string, object?>("ciba.outcome", outcome switch
    {
        ClientAuthenticationOutcome.Succeeded => "succeeded",
        ClientAuthenticationOutcome.Malformed => "malformed",
        ClientAuthenticationOutcome.UnknownClient => "unknown_client",
        ClientAuthenticationOutcome.WrongMethod => "wrong_method",
        ClientAuthenticationOutcome.WrongCredentials => "wrong_credentials",
        ClientAuthenticationOutcome.Refused => "refused",
        ClientAuthenticationOutcome.Misregistered => "misregistered",
        _ => "limited",
    }));

    public void Accepted() => _requests.Add(1, Outcome("accepted"));

    public void LimitReached() => _requests.Add(1, Outcome("limit_reached"));

    public void Decided(CibaRequestStatus outcome) => _decisions.Add(1, Outcome(outcome switch
    {
        CibaRequestStatus.Approved => "approved",
        CibaRequestStatus.Denied => "denied",
        _ => "failed",
    }));

    public void Redeemed() => _redemptions.Add(1);

    public void CallbackDelivered(string mode, TimeSpan duration)
    {
        _callbacks.Add(1, Mode(mode), Outcome("delivered"));
        _callbackDuration.Record(duration.TotalSeconds, Mode(mode));
    }

    public void CallbackRetried(string mode) => _callbacks.Add(1, Mode(mode), Outcome("retried"));

    public void CallbackUndelivered(string mode) => _callbacks.Add(1, Mode(mode), Outcome("undelivered"));

    private static KeyValuePair<string, object?> Outcome(string outcome) => new("outcome", outcome);

    private static KeyValuePair<string, object?> Mode(string mode) => new("mode", mode);
}
