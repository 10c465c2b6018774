using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Binding;

/// <summary>RFC 9449 section 4.3: whether the header holds a proof of possession for this very call.</summary>
internal sealed class DpopProofs(IOptions<CibaOptions> options)
{
    /// <summary>The thumbprint of the key, or what is wrong with the proof.</summary>
    public ValueTask<Outcome<CibaConfirmation>> CheckAsync(HttpContext context, RegisteredClient client, string url) =>
        new(options.Value.Dpop.RequireNonce ? CibaError.UseDpopNonce : CibaError.InvalidDpopProof);

    public static bool IsThumbprint(string text) => text.Length == 43;
}
