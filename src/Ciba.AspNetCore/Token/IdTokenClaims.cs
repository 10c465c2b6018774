using System.Text;
using Ciba.AspNetCore.Jose;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Token;

/// <summary>Section 10.3.1: the claims that bind an ID Token to what is sent with it.</summary>
internal static class IdTokenClaims
{
    public const string AuthReqId = "urn:openid:params:jwt:claim:auth_req_id";
    public const string AccessTokenHash = "at_hash";
    public const string RefreshTokenHash = "urn:openid:params:jwt:claim:rt_hash";

    public static string HashOf(string token, string algorithm) =>
        Base64Url.EncodeToString(JoseAlgorithms.LeftHalfOfHash(algorithm, Encoding.ASCII.GetBytes(token)));
}
