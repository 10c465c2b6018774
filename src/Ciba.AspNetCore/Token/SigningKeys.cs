using System.Security.Cryptography;
using Ciba.AspNetCore.Jose;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Token;

/// <summary>
/// The keys of the ready token issuer: the host's, or made at start-up and gone with the process. The first key of an
/// algorithm signs; the others are there so that what they signed can still be checked.
/// </summary>
internal sealed partial class SigningKeys : ICibaSigningKeys
{
    public const string DefaultAlgorithm = "ES256";

    private readonly Dictionary<string, Lazy<TokenSigner>> _signers;
    private readonly Lazy<IReadOnlyList<SigningCredentials>> _all;

    public SigningKeys(IOptions<CibaJwtTokenIssuerOptions> options, ILogger<SigningKeys> logger)
    {
        var given = options.Value.SigningCredentials;
        Problems = [.. given.Select(Problem).OfType<string>()];
        if (Problems.Count == 0)
        {
            Problems = [.. ProviderKeys.SharedKeyIds(given.Select(credentials => PublicKey.From(credentials.Key, credentials.Algorithm))).Select(problem => $"AddJwtTokenIssuer: {problem}.")];
        }

        Default = given.Count > 0 ? given[0].Algorithm : DefaultAlgorithm;
        Algorithms = given.Count > 0 ? [.. given.Select(credentials => credentials.Algorithm).Distinct()] : [DefaultAlgorithm, "PS256", "RS256"];
        IsEphemeral = given.Count == 0;
        if (IsEphemeral)
        {
            Ephemeral(logger);
        }

        // RSA keys take their time to make: not before somebody needs one.
        var first = Algorithms.ToDictionary(
            algorithm => algorithm,
            algorithm => new Lazy<SigningCredentials>(() => IsEphemeral ? Make(algorithm) : given.First(credentials => credentials.Algorithm == algorithm)));
        _signers = Algorithms.ToDictionary(algorithm => algorithm, algorithm => new Lazy<TokenSigner>(() => new TokenSigner(first[algorithm].Value)));
        _all = new(() => IsEphemeral ? [.. Algorithms.Select(algorithm => first[algorithm].Value)] : [.. given]);
    }

    /// <summary>What is wrong with the host's keys.</summary>
    public IReadOnlyList<string> Problems { get; }

    /// <summary>What ID Tokens are signed with where the client does not say.</summary>
    public string Default { get; }

    public IReadOnlyList<string> Algorithms { get; }

    public bool IsEphemeral { get; }

    public TokenSigner Signer(string algorithm) => _signers[algorithm].Value;

    public ValueTask<IReadOnlyList<SigningCredentials>> GetAsync(CancellationToken cancellationToken) => new(_all.Value);

    private static SigningCredentials Make(string algorithm)
    {
        SecurityKey key = algorithm == DefaultAlgorithm
            ? new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256))
            : new RsaSecurityKey(RSA.Create(2048));
        key.KeyId = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(12));
        return new SigningCredentials(key, algorithm);
    }

    private static string? Problem(SigningCredentials credentials)
    {
        if (JoseAlgorithms.WhyNotAsymmetric(credentials.Algorithm, credentials.Key) is { } reason)
        {
            return $"AddJwtTokenIssuer: {reason}.";
        }

        return Signs(credentials) ? null : $"AddJwtTokenIssuer: the key for {credentials.Algorithm} does not sign: it has no private half, or is on another curve.";
    }

    // What a key says of itself differs by its type and version: what counts is that its published half verifies what it signs.
    private static bool Signs(SigningCredentials credentials)
    {
        try
        {
            var token = new TokenSigner(credentials).SignIdToken(new Dictionary<string, object>());
            return PublicKey.From(credentials.Key, credentials.Algorithm).ToSecurityKey() is { } published
                && SignatureKey.ForVerifying(published, credentials.Algorithm).Verifies(Jwt.Read(token)!);
        }
        catch (Exception)
        {
            return false;
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Tokens are signed with keys that were made just now and are gone with this process: no other node, and no later start, has them. Give AddJwtTokenIssuer signing credentials")]
    private static partial void Ephemeral(ILogger logger);
}

/// <summary>A key that signs the tokens of the built-in issuer.</summary>
internal sealed class TokenSigner
{
    private static readonly JsonWebTokenHandler Handler = new() { SetDefaultTimesOnTokenCreation = false };

    // RFC 9068 section 2.1; an ID Token has the handler's own: JWT.
    private static readonly Dictionary<string, object> AccessTokenHeader = new() { ["typ"] = "at+jwt" };

    private readonly SigningCredentials _credentials;

    public TokenSigner(SigningCredentials credentials)
    {
        // The handler writes the kid that the key has: without one of its own, the one that /jwks lists.
        credentials.Key.KeyId = PublicKey.From(credentials.Key, credentials.Algorithm).KeyId;
        _credentials = credentials;
    }

    public string Algorithm => _credentials.Algorithm;

    public string SignIdToken(IDictionary<string, object> claims) => Handler.CreateToken(ClaimsJson.Write(claims), _credentials);

    public string SignAccessToken(IDictionary<string, object> claims) => Handler.CreateToken(ClaimsJson.Write(claims), _credentials, AccessTokenHeader);
}
