using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Signing keys of a host, made for one test.</summary>
public static class TestKeys
{
    public static SigningCredentials Make(string algorithm, string? keyId = null)
    {
        SecurityKey key = algorithm switch
        {
            "ES256" => new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)),
            "ES384" => new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP384)),
            "ES512" => new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP521)),
            _ => new RsaSecurityKey(RSA.Create(2048)),
        };
        key.KeyId = keyId;
        return new SigningCredentials(key, algorithm);
    }
}
