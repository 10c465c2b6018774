using System.Security.Cryptography;
using System.Text.Json;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Jose;
using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore.Binding;

/// <summary>
/// RFC 9449 section 4.2, <c>jwk</c>: the public key that a proof brings along, made for this one proof. It is taken in the one
/// writing that RFC 7518 section 6 has, for its thumbprint is the hash of a text: whoever checks the tokens must find the same.
/// </summary>
internal sealed class ProofKey : IDisposable
{
    private static readonly CibaError NoKey = Wrong("it has no jwk in its header, which is the public key as a JSON object");
    private static readonly CibaError PrivateKey = Wrong("the jwk in its header is not a public key alone: take that key out of use, and send no private member of the next one");
    private static readonly CibaError BadKey = Wrong("the jwk in its header is no EC key (P-256, P-384, P-521) and no RSA key, or not written as RFC 7518 section 6 has it, without padding and leading zeros");
    private static readonly CibaError WrongUse = Wrong("the jwk in its header is for something else: leave use, key_ops and alg out, or make them sig, verify and the alg of the proof");
    private static readonly CibaError WrongKey = Wrong("the jwk in its header does not go with its alg: ES256 needs P-256, ES384 P-384, ES512 P-521, the others RSA of 2048 to 8192 bits");

    private static readonly string[] PrivateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

    private readonly SecurityKey _key;
    private readonly string _algorithm;

    private ProofKey(SecurityKey key, string algorithm, string thumbprint)
    {
        _key = key;
        _algorithm = algorithm;
        Thumbprint = thumbprint;
    }

    /// <summary>RFC 9449 section 6.1: <c>jkt</c>.</summary>
    public string Thumbprint { get; }

    public static CibaError Wrong(string reason) => CibaError.InvalidDpopProof.With($"The DPoP proof is refused: {reason}.");

    public static Outcome<ProofKey> Read(Jwt proof, string algorithm)
    {
        if (proof.HeaderMember("jwk") is not { ValueKind: JsonValueKind.Object } jwk)
        {
            return NoKey;
        }

        if (PrivateMembers.Any(name => jwk.TryGetProperty(name, out _)))
        {
            return PrivateKey;
        }

        if (PublicKey.Read(jwk) is not { } publicKey || !IsWellWritten(publicKey))
        {
            return BadKey;
        }

        if (!publicKey.IsFor(algorithm))
        {
            return WrongUse;
        }

        if (publicKey.ToSecurityKey() is not { } key)
        {
            return BadKey;
        }

        var proofKey = new ProofKey(key, algorithm, publicKey.Thumbprint());
        if (JoseAlgorithms.WhyNot(algorithm, key) is null)
        {
            return proofKey;
        }

        proofKey.Dispose();
        return WrongKey;
    }

    public bool Verifies(Jwt proof)
    {
        var hash = new HashAlgorithmName($"SHA{_algorithm[2..]}");
        try
        {
            return JoseAlgorithms.Ecdsa(_key) is { } ecdsa
                ? ecdsa.VerifyData(proof.SigningInput, proof.Signature, hash)
                : JoseAlgorithms.Rsa(_key)!.VerifyData(proof.SigningInput, proof.Signature, hash, _algorithm[0] == 'P' ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
        }
        catch (CryptographicException)
        {
            // Numbers that no key has, an even modulus for one, are found out only here.
            return false;
        }
    }

    public void Dispose()
    {
        JoseAlgorithms.Ecdsa(_key)?.Dispose();
        JoseAlgorithms.Rsa(_key)?.Dispose();
    }

    private static bool IsWellWritten(PublicKey key) => key.KeyType switch
    {
        "EC" => CoordinateBytes(key.Curve) is var length && Bytes(key.X)?.Length == length && Bytes(key.Y)?.Length == length,
        "RSA" => IsNumber(key.Modulus) && IsNumber(key.Exponent),
        _ => false,
    };

    private static int CoordinateBytes(string? curve) => curve switch { "P-256" => 32, "P-384" => 48, "P-521" => 66, _ => 0 };

    private static bool IsNumber(string? text) => Bytes(text) is [not 0, ..];

    private static byte[]? Bytes(string? text) => string.IsNullOrEmpty(text) ? null : Jwt.Decode(text);
}
