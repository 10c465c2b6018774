using System.Net;
using Ciba.AspNetCore.Events;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Clients;

/// <summary>
/// Tells the operator how clients authenticate: each attempt is counted, each failure is logged with its reason, and once a minute and
/// client, as a warning and an event. What is no known client is told of together, so that nobody fills the log with names.
/// </summary>
internal sealed partial class ClientAuthenticationReports(Signals signals, TimeProvider time, ILogger<ClientAuthenticator> logger)
{
    private const int MaxClients = 10_000;

    private const string NotKnown = "(not known)";

    private static readonly TimeSpan BetweenWarnings = TimeSpan.FromMinutes(1);

    private readonly BoundedMemory<Failures> _failures = new(MaxClients);

    public void Succeeded() => signals.ClientAuthenticationEnded(ClientAuthenticationOutcome.Succeeded);

    /// <param name="tenant">The issuer that was asked.</param>
    /// <param name="clientId">The client that was named, where it is known.</param>
    /// <param name="address">Where the request came from.</param>
    /// <param name="refusal">Why it failed.</param>
    public void Failed(CibaTenant tenant, string? clientId, IPAddress? address, ClientRefusal refusal)
    {
        signals.ClientAuthenticationEnded(refusal.Outcome);
        var failures = _failures.GetOrAdd(tenant.KeyOf(clientId ?? ""), static () => new Failures());
        if (failures.Take(time) is not { } count)
        {
            Failed(clientId ?? NotKnown, refusal.Reason);
            return;
        }

        Warn(clientId ?? NotKnown, count, address?.ToString() ?? "an unknown address", refusal.Reason);
        signals.ClientAuthenticationFailed(tenant.Realm, clientId, count, address?.ToString(), refusal.Reason);
    }

    [LoggerMessage(2, LogLevel.Debug, "Client {ClientId} failed to authenticate: {Reason}")]
    private partial void Failed(string clientId, string reason);

    [LoggerMessage(3, LogLevel.Warning, "Client {ClientId} failed to authenticate from {RemoteAddress} ({Count} since the last warning): {Reason}")]
    private partial void Warn(string clientId, int count, string remoteAddress, string reason);

    private sealed class Failures
    {
        private readonly Lock _gate = new();

        private int _count;
        private long? _toldAt;

        /// <summary>Counts a failure; the number of those that nobody was told of, where it is time to tell.</summary>
        public int? Take(TimeProvider time)
        {
            lock (_gate)
            {
                _count++;
                if (_toldAt is { } at && time.GetElapsedTime(at) < BetweenWarnings)
                {
                    return null;
                }

                _toldAt = time.GetTimestamp();
                (var count, _count) = (_count, 0);
                return count;
            }
        }
    }
}
