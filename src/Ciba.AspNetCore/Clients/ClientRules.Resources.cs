using Ciba.AspNetCore.Protocol;

namespace Ciba.AspNetCore.Clients;

/// <summary>RFC 8707: the resource servers that a client may ask access tokens for.</summary>
internal static partial class ClientRules
{
    private static string? Resources(CibaClient client) =>
        client.Resources is null ? "Resources is null; leave it out, or give it a list"
        : client.Resources.FirstOrDefault(resource => !ResourceIndicators.IsResource(resource)) is { } wrong
            ? $"Resources holds '{wrong}', which is no absolute URI without fragment (RFC 8707 section 2); write for instance https://api.example.com"
        : client.Resources.Contains(null!) ? "Resources has an empty entry; leave it out"
        : null;
}
