namespace Ciba.AspNetCore.Clients;

/// <summary>RFC 7517 section 5: the keys that a client registers by value.</summary>
internal static partial class ClientRules
{
    /// <summary>What stands against a client whose JWK Set has more keys than the provider takes; null where it has not.</summary>
    public static string? HasTooManyKeys(CibaClient client, CibaOptions options) =>
        client.Jwks is { } jwks && ReadKeySets.Get(jwks, out _) is { } keys && keys.Count > options.ClientKeys.MaxKeys
            ? $"Client '{client.ClientId}': Jwks holds more than {options.ClientKeys.MaxKeys} keys; register fewer, or raise CibaOptions.ClientKeys.MaxKeys."
            : null;
}
