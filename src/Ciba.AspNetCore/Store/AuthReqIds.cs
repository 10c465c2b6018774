using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Store;

/// <summary>Makes <c>auth_req_id</c>s and finds their handles, under the host's key where unknown users are concealed.</summary>
internal sealed class AuthReqIds
{
    private const string DecoyPrefix = "nobody:";

    private readonly byte[]? _key;

    // StartupCheck sees to it that only a store in memory goes without a key of the host's.
    public AuthReqIds(IOptions<CibaOptions> options)
    {
        _key = options.Value is { ConcealmentKey: { } key } ? Encoding.UTF8.GetBytes(key)
            : options.Value.ConcealUnknownUsers ? RandomNumberGenerator.GetBytes(32)
            : null;
    }

    public string New(string userKey) => CibaRequestId.NewAuthReqId(userKey, _key);

    public string? HandleOf(string? authReqId) => CibaRequestId.FromAuthReqId(authReqId, _key);

    /// <summary>Whom a hint names that names nobody: the same on every node, and nobody without the key can work it out.</summary>
    public string Decoy(CibaHint hint)
    {
        var key = _key ?? throw new InvalidOperationException("Unknown users are not concealed.");
        return $"{DecoyPrefix}{Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"decoy:{hint.Kind}:{hint.Value}")))}";
    }
}
