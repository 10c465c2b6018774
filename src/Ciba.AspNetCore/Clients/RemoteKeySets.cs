using System.Net;
using Ciba.AspNetCore.Callbacks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Clients;

/// <summary>Whether a client has the key that is looked for.</summary>
internal enum KeyMatch
{
    Found,
    NotFound,

    /// <summary>What its <c>jwks_uri</c> answers is a JWK Set without a usable key.</summary>
    NoUsableKeys,

    /// <summary>Its <c>jwks_uri</c> answers no JWK Set, or nothing.</summary>
    Unreadable,
}

/// <summary>
/// The keys behind <c>jwks_uri</c>: fetched once for all who wait, kept, and fetched again when they are old or none of them fits;
/// the latter at most twice a minute, whatever junk arrives.
/// </summary>
internal sealed partial class RemoteKeySets(IHttpClientFactory clients, IOptions<CibaOptions> options, TimeProvider time, ILogger<RemoteKeySets> logger)
{
    /// <summary>What <see cref="KeyMatch.Unreadable"/> means, in the words of an error.</summary>
    public const string Unreadable = "the keys at the client's jwks_uri cannot be read";

    /// <summary>What <see cref="KeyMatch.NoUsableKeys"/> means, in the words of an error.</summary>
    public const string NoUsableKeys = "the JWK Set at the client's jwks_uri holds no usable key";

    private const string Identity = "identity";
    private const int MaxSets = 10_000;
    private const int MaxCodingLength = 20;

    private static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MinFreshFor = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MaxFreshFor = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan UsableFor = TimeSpan.FromHours(1);
    private static readonly TimeSpan BetweenFetches = TimeSpan.FromSeconds(30);

    private readonly BoundedMemory<RemoteKeySet> _sets = new(MaxSets);

    /// <summary>Looks for a key among those that are registered by value, or, without any, at the client's <c>jwks_uri</c>.</summary>
    public ValueTask<KeyMatch> FindAsync(ClientKeySet? registered, CibaClient client, Func<ClientKeySet, bool> fits, CancellationToken cancellationToken) =>
        registered is null ? FindAsync(client.JwksUri!, fits, cancellationToken) : new(fits(registered) ? KeyMatch.Found : KeyMatch.NotFound);

    private async ValueTask<KeyMatch> FindAsync(string jwksUri, Func<ClientKeySet, bool> fits, CancellationToken cancellationToken)
    {
        var set = _sets.GetOrAdd(jwksUri, static () => new RemoteKeySet());
        var known = set.State.Usable(time.GetUtcNow());
        var match = Match(known, fits);
        if (!set.State.NeedsFetch(time.GetUtcNow(), match))
        {
            return match;
        }

        // One call fetches; others wait for it only where they cannot do without.
        if (!await set.Gate.WaitAsync(match == KeyMatch.Found ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, cancellationToken))
        {
            return match;
        }

        try
        {
            // Another call may have fetched meanwhile, and its answer may fit or not.
            MatchAgain();
            if (set.State.NeedsFetch(time.GetUtcNow(), match))
            {
                set.State = set.State.After(await FetchAsync(jwksUri), time.GetUtcNow());
                MatchAgain();
            }
        }
        finally
        {
            set.Gate.Release();
        }

        return match;

        void MatchAgain()
        {
            // A signature is checked with the same keys once.
            if (set.State.Usable(time.GetUtcNow()) is var usable && !ReferenceEquals(usable, known))
            {
                known = usable;
                match = Match(known, fits);
            }
        }
    }

    private static KeyMatch Match(ClientKeySet? keys, Func<ClientKeySet, bool> fits) =>
        keys is null ? KeyMatch.Unreadable
        : ReferenceEquals(keys, ClientKeySet.Empty) ? KeyMatch.NoUsableKeys
        : fits(keys) ? KeyMatch.Found
        : KeyMatch.NotFound;

    // Not the caller's token: others wait for the same answer.
    private async Task<Fetched> FetchAsync(string jwksUri)
    {
        using var timeout = new CancellationTokenSource(FetchTimeout, time);
        try
        {
            using var client = clients.CreateClient(CibaCallbackOptions.JwksUriHttpClientName);
            using var request = new HttpRequestMessage(HttpMethod.Get, jwksUri);
            request.Headers.AcceptEncoding.Add(new(Identity));
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token);
            return await ReadAsync(jwksUri, response, timeout.Token);
        }
        catch (Exception exception)
        {
            // Of any type: the host may have put handlers of its own, such as for retries, into this client.
            NotFetched(Address(jwksUri), exception is OperationCanceledException ? "it took too long" : OutgoingConnections.Reason(exception));
            return Fetched.Silence;
        }
    }

    // A whole answer is the client's word, be it that there are no keys any longer; one that its server could not give is not.
    private async Task<Fetched> ReadAsync(string jwksUri, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.StatusCode != HttpStatusCode.OK)
        {
            NotFetched(Address(jwksUri), $"it answered with status {(int)response.StatusCode}");
            return response.StatusCode is >= HttpStatusCode.InternalServerError or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
                ? Fetched.Silence
                : new Fetched(null, MaxFreshFor);
        }

        var (keys, problem) = await ReadKeysAsync(response.Content, cancellationToken);
        if (problem is not null)
        {
            NotFetched(Address(jwksUri), $"it {problem}");
        }

        return new Fetched(keys, FreshFor(response));
    }

    private async Task<(ClientKeySet? Keys, string? Problem)> ReadKeysAsync(HttpContent content, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentEncoding.FirstOrDefault(coding => !coding.Equals(Identity, StringComparison.OrdinalIgnoreCase)) is { } coding)
        {
            return (null, $"is encoded with {coding[..Math.Min(coding.Length, MaxCodingLength)]}: only identity is taken, which the request asks for in Accept-Encoding");
        }

        var limits = options.Value.ClientKeys;
        try
        {
            await content.LoadIntoBufferAsync(limits.MaxSetSize, cancellationToken);
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            return (null, $"is larger than {limits.MaxSetSize} bytes (see CibaOptions.ClientKeys.MaxSetSize)");
        }

        var keys = ClientKeySet.Read(await content.ReadAsByteArrayAsync(cancellationToken), limits.MaxKeys, out var problem);
        return (problem == ClientKeySet.NoKey ? ClientKeySet.Empty : keys, problem);
    }

    /// <summary>RFC 9111 section 4.2.1, within bounds: a key that was taken out is used for no longer.</summary>
    private static TimeSpan FreshFor(HttpResponseMessage response)
    {
        var stated = response.Headers.CacheControl switch
        {
            { NoCache: true } or { NoStore: true } => TimeSpan.Zero,
            { MaxAge: { } maxAge } => maxAge - (response.Headers.Age ?? TimeSpan.Zero),
            _ => MaxFreshFor,
        };
        return stated < MinFreshFor ? MinFreshFor : stated > MaxFreshFor ? MaxFreshFor : stated;
    }

    // Whatever stands in a query is not for the log.
    private static string Address(string jwksUri) => new Uri(jwksUri).GetLeftPart(UriPartial.Path);

    [LoggerMessage(1, LogLevel.Warning, "The client keys at {JwksUri} could not be read: {Reason}")]
    private partial void NotFetched(string jwksUri, string reason);

    /// <summary>What a fetch came to.</summary>
    private sealed record Fetched(ClientKeySet? Keys, TimeSpan FreshFor)
    {
        /// <summary>Nothing was heard of the client.</summary>
        public static readonly Fetched Silence = new(null, TimeSpan.Zero);
    }

    private sealed class RemoteKeySet
    {
        private volatile KeyState _state = new(null, default, default, default);

        public SemaphoreSlim Gate { get; } = new(1, 1);

        public KeyState State
        {
            get => _state;
            set => _state = value;
        }
    }

    /// <param name="Keys">The last that the client has said, or null where that was nothing.</param>
    /// <param name="FetchedAt">When it said so.</param>
    /// <param name="FreshFor">How long it is taken without asking again.</param>
    /// <param name="TriedAt">When it was asked last.</param>
    private sealed record KeyState(ClientKeySet? Keys, DateTimeOffset FetchedAt, TimeSpan FreshFor, DateTimeOffset TriedAt)
    {
        public bool NeedsFetch(DateTimeOffset now, KeyMatch match) =>
            (match != KeyMatch.Found || now - FetchedAt >= FreshFor) && now - TriedAt >= BetweenFetches;

        public KeyState After(Fetched fetched, DateTimeOffset now) =>
            ReferenceEquals(fetched, Fetched.Silence) ? this with { TriedAt = now } : new KeyState(fetched.Keys, now, fetched.FreshFor, now);

        public ClientKeySet? Usable(DateTimeOffset now) => now - FetchedAt < UsableFor ? Keys : null;
    }
}
