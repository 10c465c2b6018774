using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore.Jose;

/// <summary>
/// The keys of <see cref="ICibaSigningKeys"/>, as far as they can be shown and used. One of the host's that cannot is left out and said
/// once: it must not take the others from everybody.
/// </summary>
internal sealed partial class ProviderKeys(ILogger<ProviderKeys> logger)
{
    private static readonly ConditionalWeakTable<SigningCredentials, ProviderKey> Known = [];

    private readonly ConcurrentDictionary<string, bool> _said = new(StringComparer.Ordinal);

    public async ValueTask<IReadOnlyList<ProviderKey>> GetAsync(ICibaSigningKeys signingKeys, CancellationToken cancellationToken)
    {
        var usable = new List<ProviderKey>();
        foreach (var credentials in await signingKeys.GetAsync(cancellationToken))
        {
            var key = Of(credentials);
            if (key.Problem is null)
            {
                usable.Add(key);
            }
            else if (_said.TryAdd(key.Problem, true))
            {
                LeftOut(key.Problem);
            }
        }

        // They sign already: to leave one out would be worse.
        foreach (var problem in SharedKeyIds(usable.Select(key => key.Published)))
        {
            if (_said.TryAdd(problem, true))
            {
                Ambiguous(problem);
            }
        }

        return usable;
    }

    /// <summary>What is wrong with the keys: each that cannot be used, and each <c>kid</c> that is not one key's alone.</summary>
    public static IEnumerable<string> Check(IEnumerable<SigningCredentials> all)
    {
        var keys = all.Select(Of).ToList();
        return keys.Select(key => key.Problem).OfType<string>()
            .Concat(SharedKeyIds(keys.Where(key => key.Problem is null).Select(key => key.Published)).Select(problem => $"AddSigningKeys: {problem}."));
    }

    /// <summary>RFC 7517 section 4.5: a sentence for each <c>kid</c> that different keys have. One key may stand there for several algorithms.</summary>
    public static IEnumerable<string> SharedKeyIds(IEnumerable<PublicKey> keys) =>
        from key in keys
        group key.Thumbprint() by key.KeyId into same
        where same.Distinct().Count() > 1
        select $"different keys have the kid '{same.Key}': give each a KeyId of its own (RFC 7517 section 4.5)";

    private static ProviderKey Of(SigningCredentials credentials) => Known.GetValue(credentials, static credentials => new ProviderKey(credentials));

    [LoggerMessage(1, LogLevel.Error, "A signing key is left out of the JWK Set, and no id_token_hint is checked with it. {Problem}")]
    private partial void LeftOut(string problem);

    [LoggerMessage(2, LogLevel.Error, "The JWK Set is ambiguous: {Problem}")]
    private partial void Ambiguous(string problem);
}

/// <summary>A signing key, worked out once.</summary>
internal sealed class ProviderKey
{
    private readonly Lazy<SignatureKey> _verifier;
    private readonly PublicKey? _published;

    public ProviderKey(SigningCredentials credentials)
    {
        Algorithm = credentials.Algorithm;
        _verifier = new(() => SignatureKey.ForVerifying(credentials.Key, credentials.Algorithm));
        try
        {
            Problem = JoseAlgorithms.WhyNotAsymmetric(credentials.Algorithm, credentials.Key) is { } reason ? $"AddSigningKeys: {reason}." : null;
            _published = Problem is null ? PublicKey.From(credentials.Key, credentials.Algorithm) : null;
        }
        catch (Exception exception)
        {
            // Of any type: keys may be the host's own, or lie with a service or a device.
            Problem = $"AddSigningKeys: the public half of a key for {credentials.Algorithm} cannot be read ({exception.GetType().Name}).";
        }
    }

    public string Algorithm { get; }

    /// <summary>Null where the key can be used, else why not, in a sentence for the operator.</summary>
    public string? Problem { get; }

    public PublicKey Published => _published ?? throw new InvalidOperationException(Problem);

    public bool Verifies(Jwt jwt) => Algorithm == jwt.Algorithm && _verifier.Value.Verifies(jwt);
}
