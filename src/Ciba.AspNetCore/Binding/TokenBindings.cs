using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Binding;

/// <summary>
/// What the client's tokens are bound to: the certificate and the key that it shows. Who must show one and does not is refused
/// before anything is looked at.
/// </summary>
internal sealed class TokenBindings(ClientCertificates certificates, DpopProofs proofs, IOptions<CibaOptions> options)
{
    private static readonly CibaError NoCertificate = CibaError.InvalidRequest.With("The tokens of this client are bound to its TLS certificate: show it.");
    private static readonly CibaError NoProof = CibaError.InvalidDpopProof.With("The tokens of this client are bound to a key: send a DPoP proof.");
    private static readonly CibaError DpopIsOff = CibaError.UnauthorizedClient.With("The tokens of this client are bound to a key by DPoP, which this provider has switched off.");
    private static readonly CibaError OtherKey = CibaError.InvalidDpopProof.With("The DPoP proof is of another key than dpop_jkt.");
    private static readonly CibaError BadThumbprint = CibaError.InvalidRequest.With("dpop_jkt is the SHA-256 thumbprint of a JWK: 43 characters of base64url.");
    private static readonly CibaError NoKeyForPush = CibaError.InvalidRequest.With("The tokens of this client are bound to a key and will be pushed: send dpop_jkt or a DPoP proof with this request.");

    private bool DpopIsOn => options.Value.DpopAlgorithms.Count > 0;

    /// <summary>At the token endpoint: what is shown there.</summary>
    public ValueTask<Outcome<CibaConfirmation>> ReadAsync(HttpContext context, RegisteredClient client, string tokenEndpoint) =>
        client.Client.HasBoundAccessTokens || HasProof(context) ? ReadShownAsync(context, client, tokenEndpoint) : new(CibaConfirmation.None);

    /// <summary>
    /// At the backchannel authentication endpoint, first: the key of a proof (RFC 9449 section 10). A client that must send it once
    /// more, for the nonce, has not used up the JWT of a signed request then.
    /// </summary>
    public ValueTask<Outcome<CibaConfirmation>> ReadProofAsync(HttpContext context, RegisteredClient client, string authenticationEndpoint) =>
        client.Client.HasBoundAccessTokens || HasProof(context) ? ProofAsync(context, client, authenticationEndpoint) : new(CibaConfirmation.None);

    /// <summary>
    /// At the backchannel authentication endpoint: the key of the proof or the one that the client names by <c>dpop_jkt</c>, and where
    /// the tokens will be pushed the certificate too, because nothing is shown when they are.
    /// </summary>
    public ValueTask<Outcome<CibaConfirmation>> ReadAtRequestAsync(HttpContext context, FormParameters parameters, RegisteredClient client, CibaConfirmation proven)
    {
        var named = DpopIsOn ? parameters["dpop_jkt"] : null;
        return named is not null || client.Client.HasBoundAccessTokens ? ReadNamedAsync(context, named, client, proven) : new(proven);
    }

    private async ValueTask<Outcome<CibaConfirmation>> ReadShownAsync(HttpContext context, RegisteredClient client, string tokenEndpoint)
    {
        string? certificate = null;
        if (client.Client.TlsClientCertificateBoundAccessTokens)
        {
            certificate = await certificates.ThumbprintAsync(context);
            if (certificate is null)
            {
                return NoCertificate;
            }
        }

        if ((await ProofAsync(context, client, tokenEndpoint)).Failed(out var error, out var proof))
        {
            return error;
        }

        return proof.DpopKeyThumbprint is null && client.Client.DpopBoundAccessTokens ? NoProof
            : certificate is null ? proof
            : proof with { CertificateThumbprint = certificate };
    }

    private async ValueTask<Outcome<CibaConfirmation>> ReadNamedAsync(HttpContext context, string? named, RegisteredClient client, CibaConfirmation found)
    {
        if (named is not null && !DpopProofs.IsThumbprint(named))
        {
            return BadThumbprint;
        }

        if (named is not null)
        {
            if (found.DpopKeyThumbprint is { } proven && proven != named)
            {
                return OtherKey;
            }

            found = found with { DpopKeyThumbprint = named };
        }

        return client.TokenDeliveryMode == CibaTokenDeliveryModes.Push ? await ForPushAsync(context, client.Client, found) : found;
    }

    private async ValueTask<Outcome<CibaConfirmation>> ForPushAsync(HttpContext context, CibaClient client, CibaConfirmation found)
    {
        if (found.DpopKeyThumbprint is null && client.DpopBoundAccessTokens)
        {
            return NoKeyForPush;
        }

        if (!client.TlsClientCertificateBoundAccessTokens)
        {
            return found;
        }

        return await certificates.ThumbprintAsync(context) is { } thumbprint ? found with { CertificateThumbprint = thumbprint } : NoCertificate;
    }

    private bool HasProof(HttpContext context) => DpopIsOn && context.Request.Headers[DpopProofs.Header].Count > 0;

    private async ValueTask<Outcome<CibaConfirmation>> ProofAsync(HttpContext context, RegisteredClient client, string url) =>
        HasProof(context) ? await proofs.CheckAsync(context, client, url)
        : client.Client.DpopBoundAccessTokens && !DpopIsOn ? DpopIsOff
        : CibaConfirmation.None;
}
