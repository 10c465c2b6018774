using System.Security.Cryptography;
using System.Text;

namespace ExistingIdentityServer;

/// <summary>SHA-256 with its name before it, for secrets that nobody can guess.</summary>
public static class Hash
{
    public static string Of(string secret) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)))}";

    public static bool Matches(string hash, string secret) =>
        CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(hash), Encoding.ASCII.GetBytes(Of(secret)));
}
