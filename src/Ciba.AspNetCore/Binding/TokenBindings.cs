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
    private static readonly CibaError OtherKey = CibaError.InvalidDpopProof.With("The DPoP proof is of another key than dpop_jkt.");
    private static readonly CibaError BadThumbprint = CibaError.InvalidRequest.With("dpop_jkt is the SHA-256 thumbprint of a JWK: 43 characters of base64url.");
    private static readonly CibaError NoKeyForPush = CibaError.InvalidRequest.With("The tokens of this client are bound to a key and will be pushed: send dpop_jkt or a DPoP proof with this request.");

    /// <summary>At the token endpoint: what is shown there.</summary>
    public async ValueTask<Outcome<CibaConfirmation>> ReadAsync(HttpContext context, RegisteredClient client, string tokenEndpoint)
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

    /// <summary>
    /// At the backchannel authentication endpoint: the key that the client names by <c>dpop_jkt</c> (RFC 9449 section 10) or a proof,
    /// and where the tokens will be pushed the certificate too, because nothing is shown when they are.
    /// </summary>
    public async ValueTask<Outcome<CibaConfirmation>> ReadAtRequestAsync(HttpContext context, FormParameters parameters, RegisteredClient client, string authenticationEndpoint)
    {
        if (options.Value.DpopAlgorithms.Count == 0 && !client.Client.TlsClientCertificateBoundAccessTokens)
        {
            return CibaConfirmation.None;
        }

        if ((await ProofAsync(context, client, authenticationEndpoint)).Failed(out var error, out var found))
        {
            return error;
        }

        if (parameters["dpop_jkt"] is { } named && options.Value.DpopAlgorithms.Count > 0)
        {
            if (!DpopProofs.IsThumbprint(named))
            {
                return BadThumbprint;
            }

            if (found.DpopKeyThumbprint is { } proven && proven != named)
            {
                return OtherKey;
            }

            found = found with { DpopKeyThumbprint = named };
        }

        if (client.TokenDeliveryMode != CibaTokenDeliveryModes.Push)
        {
            return found;
        }

        if (found.DpopKeyThumbprint is null && client.Client.DpopBoundAccessTokens)
        {
            return NoKeyForPush;
        }

        if (client.Client.TlsClientCertificateBoundAccessTokens)
        {
            return await certificates.ThumbprintAsync(context) is { } thumbprint ? found with { CertificateThumbprint = thumbprint } : NoCertificate;
        }

        return found;
    }

    private async ValueTask<Outcome<CibaConfirmation>> ProofAsync(HttpContext context, RegisteredClient client, string url) =>
        options.Value.DpopAlgorithms.Count == 0 || context.Request.Headers["DPoP"] is [] ? CibaConfirmation.None : await proofs.CheckAsync(context, client, url);
}
