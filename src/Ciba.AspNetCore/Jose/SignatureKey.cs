using Microsoft.IdentityModel.Tokens;
using Base64Url = System.Buffers.Text.Base64Url;

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

    /// <summary>A key that signs. The caller has asked <see cref="JoseAlgorithms.WhyNot"/> before.</summary>
    public static SignatureKey ForSigning(SecurityKey key, string algorithm, string keyId) =>
        new(algorithm, keyId, Crypto.CreateForSigning(key, algorithm));

    /// <summary>The compact form of a JWS (RFC 7515 section 7.1) over a header and a payload in JSON.</summary>
    public string Sign(string encodedHeader, ReadOnlySpan<byte> payload)
    {
        var input = $"{encodedHeader}.{Base64Url.EncodeToString(payload)}";
        var signature = _provider.Sign(System.Text.Encoding.ASCII.GetBytes(input));
        return $"{input}.{Base64Url.EncodeToString(signature)}";
    }

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
