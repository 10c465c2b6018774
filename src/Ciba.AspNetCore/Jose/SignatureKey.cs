using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore.Jose;

/// <summary>A key bound to the one algorithm it is used with; IdentityModel does the arithmetic.</summary>
internal sealed class SignatureKey
{
    // Providers are made once and kept here: IdentityModel's own cache is shared by the whole process.
    private static readonly CryptoProviderFactory Crypto = new() { CacheSignatureProviders = false };

    private readonly SignatureProvider _provider;

    private SignatureKey(string algorithm, string? keyId, SignatureProvider provider)
    {
        Algorithm = algorithm;
        KeyId = keyId;
        _provider = provider;
    }

    public string Algorithm { get; }

    public string? KeyId { get; }

    /// <summary>A key that checks signatures. The caller has asked <see cref="JoseAlgorithms.WhyNot"/> before.</summary>
    public static SignatureKey ForVerifying(SecurityKey key, string algorithm) =>
        new(algorithm, key.KeyId, Crypto.CreateForVerifying(key, algorithm));

    public bool Verifies(Jwt jwt)
    {
        try
        {
            return _provider.Verify(jwt.SigningInput, jwt.Signature);
        }
        catch (Exception exception) when (exception is ArgumentException or System.Security.Cryptography.CryptographicException or SecurityTokenException)
        {
            // What a signature of a wrong length throws differs by key type and version.
            return false;
        }
    }
}
