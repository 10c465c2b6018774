using System.Security.Cryptography;
using System.Text;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Jose;

/// <summary>
/// What the replay cache knows a JWT by: a digest of the client and, behind it, one of the client or its key and the <c>jti</c>, for each
/// use of JWTs another one, so that the <c>jti</c> of an assertion does not use up that of a request.
/// </summary>
internal static class ReplayKeys
{
    /// <summary>How many characters at the beginning of a key are the client's: the same in all of its keys, and in no other client's.</summary>
    public const int ClientLength = 12;

    private const int ClientBytes = ClientLength / 4 * 3;

    public static string OfAssertion(string clientKey, string id) => Of(clientKey, $"{clientKey.Length}:{clientKey}{id}");

    public static string OfRequest(string clientKey, string id) => Of(clientKey, $"request:{clientKey.Length}:{clientKey}{id}");

    /// <summary>Thumbprints are all of one length. A client makes as many keys as it likes, so it is the client that is counted.</summary>
    public static string OfProof(string clientKey, string thumbprint, string id) => Of(clientKey, $"dpop:{thumbprint}{id}");

    private static string Of(string clientKey, string text)
    {
        Span<byte> key = stackalloc byte[SHA256.HashSizeInBytes];
        Span<byte> client = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), key);
        SHA256.HashData(Encoding.UTF8.GetBytes(clientKey), client);
        client[..ClientBytes].CopyTo(key);
        return Base64Url.EncodeToString(key);
    }
}
