using System.Security.Claims;
using Microsoft.AspNetCore.Http;

namespace Ciba.AspNetCore;

/// <summary>Settings of the API of the user's authentication device: who may call it.</summary>
public sealed class CibaDeviceApiOptions
{
    /// <summary>
    /// Gets the clients whose tokens may call the device API although they have the CIBA grant, such as an app that is both. The
    /// default is empty.
    /// </summary>
    /// <remarks>
    /// A client that gets an access token of a user could otherwise approve its own next request. A token was issued to the client
    /// that its claim <c>client_id</c> or <c>azp</c> names; without either, to those that <c>aud</c> names, as in an ID Token. A
    /// token of a client that the <see cref="ICibaClientStore"/> does not know, or knows without the CIBA grant, needs no entry.
    /// </remarks>
    public IList<string> AllowedClients { get; } = [];

    /// <summary>
    /// Gets or sets a function that returns the issuer to which the user of an identity belongs, in a host with several issuers. The
    /// default is null: the claim <c>iss</c>, or without one the issuer of the claim with the subject (<see cref="Claim.Issuer"/>).
    /// </summary>
    /// <remarks>
    /// A user of one issuer is unknown at every other, even if both call their users the same. So a cookie of a host with several
    /// issuers needs the claim <c>iss</c>, or a function here that knows better.
    /// </remarks>
    public Func<HttpContext, ClaimsIdentity, string?>? UserIssuerSelector { get; set; }
}
