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
    private readonly bool _concealsUsers;

    // StartupCheck sees to it that only a store in memory goes without a key of the host's.
    public AuthReqIds(IOptions<CibaOptions> options)
    {
        _concealsUsers = options.Value.ConcealUnknownUsers;
        _key = options.Value is { ConcealmentKey: { } key } ? Encoding.UTF8.GetBytes(key)
            : _concealsUsers ? RandomNumberGenerator.GetBytes(32)
            : null;
    }

    public string New(string userKey) => CibaRequestId.NewAuthReqId(userKey, _key);

    public string? HandleOf(string? authReqId) => CibaRequestId.FromAuthReqId(authReqId, _key);

    /// <summary>Whether this is whom a hint names that names nobody.</summary>
    public bool IsDecoy(string subject) => _concealsUsers && subject.StartsWith(DecoyPrefix, StringComparison.Ordinal);

    /// <summary>Whom a hint names that names nobody: the same on every node, and nobody without the key can work it out.</summary>
    public string Decoy(string hint)
    {
        var key = _key ?? throw new InvalidOperationException("Unknown users are not concealed.");
        return $"{DecoyPrefix}{Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"decoy:{hint}")))}";
    }
}
