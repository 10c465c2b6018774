using System.Security.Cryptography;
using Ciba.AspNetCore.Jose;
using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore.Clients;

/// <summary>
/// A secret and keys of nobody. What cannot be right is checked against them, so that the time that a refusal takes does not tell
/// which clients there are.
/// </summary>
internal static class DecoyCredentials
{
    private const int RsaBytes = 256;

    private static readonly byte[][] Digests = [RandomNumberGenerator.GetBytes(SHA256.HashSizeInBytes)];
    private static readonly Lazy<ClientKeySet> Keys = new(MakeKeys);

    public static void Check(ClientCredentials credentials)
    {
        if (credentials.Secret is { } secret)
        {
            ClientSecret.Matches(secret, Digests);
        }
        else if (credentials.Assertion is { } assertion)
        {
            Check(assertion);
        }
    }

    public static void Check(Jwt assertion)
    {
        if (assertion.Algorithm is not null)
        {
            Keys.Value.Verifies(assertion);
        }
    }

    private static ClientKeySet MakeKeys()
    {
        // To verify takes as long whether the modulus has two prime factors or not.
        var modulus = RandomNumberGenerator.GetBytes(RsaBytes);
        modulus[0] |= 0x80;
        modulus[^1] |= 1;
        SecurityKey[] keys =
        [
            new RsaSecurityKey(new RSAParameters { Modulus = modulus, Exponent = [1, 0, 1] }),
            .. new[] { ECCurve.NamedCurves.nistP256, ECCurve.NamedCurves.nistP384, ECCurve.NamedCurves.nistP521 }.Select(curve => new ECDsaSecurityKey(ECDsa.Create(curve))),
        ];
        return new ClientKeySet([
            .. from key in keys
               from algorithm in JoseAlgorithms.Asymmetric
               where JoseAlgorithms.WhyNot(algorithm, key) is null
               select SignatureKey.ForVerifying(key, algorithm)]);
    }
}
