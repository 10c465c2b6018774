using System.Security.Cryptography;
using System.Text;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Jose;

/// <summary>
/// What the replay cache knows a JWT by: a digest of the client or its key and the <c>jti</c>, for each use of JWTs another one, so that the
/// <c>jti</c> of an assertion does not use up that of a request.
/// </summary>
internal static class ReplayKeys
{
    public static string OfAssertion(string clientKey, string id) => Digest($"{clientKey.Length}:{clientKey}{id}");

    public static string OfRequest(string clientKey, string id) => Digest($"request:{clientKey.Length}:{clientKey}{id}");

    /// <summary>Thumbprints are all of one length.</summary>
    public static string OfProof(string thumbprint, string id) => Digest($"dpop:{thumbprint}{id}");

    private static string Digest(string text) => Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
