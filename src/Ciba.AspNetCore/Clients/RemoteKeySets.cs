using System.Net;
using Ciba.AspNetCore.Callbacks;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Clients;

/// <summary>
/// The keys behind <c>jwks_uri</c>: fetched once for all who wait, kept, and fetched again when they are old or a JWT names
/// a key that is not there; the latter at most twice a minute, whatever junk arrives.
/// </summary>
internal sealed partial class RemoteKeySets(IHttpClientFactory clients, TimeProvider time, ILogger<RemoteKeySets> logger)
{
    public const string HttpClientName = "Ciba.JwksUri";
    public const int MaxBytes = 64 * 1024;

    private const int MaxSets = 10_000;

    private static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FreshFor = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan UsableFor = TimeSpan.FromHours(1);
    private static readonly TimeSpan BetweenFetches = TimeSpan.FromSeconds(30);

    private readonly BoundedMemory<RemoteKeySet> _sets = new(MaxSets);

    /// <summary>The best known keys; null where there are none, or none recent enough to be trusted.</summary>
    public ValueTask<ClientKeySet?> GetAsync(string jwksUri, string algorithm, string? keyId, CancellationToken cancellationToken) =>
        GetAsync(jwksUri, new WantedKey(algorithm, keyId, default), cancellationToken);

    /// <summary>The best known keys, fetched again where this certificate is not among them.</summary>
    public ValueTask<ClientKeySet?> GetAsync(string jwksUri, ReadOnlyMemory<byte> certificate, CancellationToken cancellationToken) =>
        GetAsync(jwksUri, new WantedKey(null, null, certificate), cancellationToken);

    private async ValueTask<ClientKeySet?> GetAsync(string jwksUri, WantedKey wanted, CancellationToken cancellationToken)
    {
        var set = _sets.GetOrAdd(jwksUri, static () => new RemoteKeySet());
        if (!set.NeedsFetch(time.GetUtcNow(), wanted))
        {
            return set.Usable(time.GetUtcNow());
        }

        // One call fetches; others wait for it only where they cannot do without.
        var known = set.Usable(time.GetUtcNow());
        var patience = known is not null && wanted.IsIn(known) ? TimeSpan.Zero : Timeout.InfiniteTimeSpan;
        if (!await set.Gate.WaitAsync(patience, cancellationToken))
        {
            return known;
        }

        try
        {
            if (set.NeedsFetch(time.GetUtcNow(), wanted))
            {
                set.Fetched(await FetchAsync(jwksUri), time.GetUtcNow());
            }
        }
        finally
        {
            set.Gate.Release();
        }

        return set.Usable(time.GetUtcNow());
    }

    // Not the caller's token: others wait for the same answer.
    private async Task<ClientKeySet?> FetchAsync(string jwksUri)
    {
        using var timeout = new CancellationTokenSource(FetchTimeout, time);
        try
        {
            using var client = clients.CreateClient(HttpClientName);
            using var response = await client.GetAsync(jwksUri, timeout.Token);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                NotFetched(Address(jwksUri), $"it answered with status {(int)response.StatusCode}");
                return null;
            }

            var keys = ClientKeySet.Read(await response.Content.ReadAsByteArrayAsync(timeout.Token), out var problem);
            if (keys is null)
            {
                NotFetched(Address(jwksUri), $"it {problem}");
            }

            return keys;
        }
        catch (Exception exception)
        {
            // Of any type: the host may have put handlers of its own, such as for retries, into this client.
            NotFetched(Address(jwksUri), exception is OperationCanceledException ? "it took too long" : OutgoingConnections.Reason(exception));
            return null;
        }
    }

    // Whatever stands in a query is not for the log.
    private static string Address(string jwksUri) => new Uri(jwksUri).GetLeftPart(UriPartial.Path);

    [LoggerMessage(1, LogLevel.Warning, "The client keys at {JwksUri} could not be read: {Reason}")]
    private partial void NotFetched(string jwksUri, string reason);

    /// <summary>What the caller looks for: a key for a signature, or a certificate.</summary>
    private readonly record struct WantedKey(string? Algorithm, string? KeyId, ReadOnlyMemory<byte> Certificate)
    {
        public bool IsIn(ClientKeySet keys) => Algorithm is null ? keys.HasCertificate(Certificate.Span) : keys.Find(Algorithm, KeyId).Any();
    }

    private sealed class RemoteKeySet
    {
        private volatile State _state = new(null, default, default);

        public SemaphoreSlim Gate { get; } = new(1, 1);

        public bool NeedsFetch(DateTimeOffset now, WantedKey wanted)
        {
            var state = _state;
            var needed = state.Keys is null || now - state.FetchedAt >= FreshFor || !wanted.IsIn(state.Keys);
            return needed && now - state.TriedAt >= BetweenFetches;
        }

        public void Fetched(ClientKeySet? keys, DateTimeOffset now) =>
            _state = keys is null ? _state with { TriedAt = now } : new State(keys, now, now);

        public ClientKeySet? Usable(DateTimeOffset now) => now - _state.FetchedAt < UsableFor ? _state.Keys : null;

        private sealed record State(ClientKeySet? Keys, DateTimeOffset FetchedAt, DateTimeOffset TriedAt);
    }
}
