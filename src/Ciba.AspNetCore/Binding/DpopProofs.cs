using System.Security.Cryptography;
using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Issuers;
using Ciba.AspNetCore.Jose;
using Ciba.AspNetCore.Profiles;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Binding;

/// <summary>RFC 9449 section 4.3: whether the header holds a proof of possession for this very call.</summary>
internal sealed class DpopProofs(DpopNonces nonces, ReplayGuard replay, IOptions<CibaOptions> options, TimeProvider time)
{
    public const string Header = "DPoP";

    private const string Type = "dpop+jwt";
    private const int ThumbprintLength = 43;

    private static readonly CibaError NotOne = CibaError.InvalidDpopProof.With("Send one DPoP header with one proof in it.");
    private static readonly CibaError NotAJwt = ProofKey.Wrong($"it is not a signed JWT, has a member twice, a crit or a kid that is not a string, or is longer than {Jwt.MaxLength} characters");
    private static readonly CibaError WrongType = ProofKey.Wrong($"its typ is not {Type}");
    private static readonly CibaError WrongAlgorithm = ProofKey.Wrong("its alg is none that is taken here: the discovery document has dpop_signing_alg_values_supported");
    private static readonly CibaError BadSignature = ProofKey.Wrong("the jwk in its header does not verify its signature");
    private static readonly CibaError NoId = ProofKey.Wrong($"jti is required, with {Jwt.MaxIdLength} characters at most");
    private static readonly CibaError WrongMethod = ProofKey.Wrong("its htm is not POST");
    private static readonly CibaError WrongUrl = ProofKey.Wrong("its htu is not the URL of this endpoint, as the discovery document has it");
    private static readonly CibaError NoTime = ProofKey.Wrong("iat is required and is a number of seconds");
    private static readonly CibaError TooOld = ProofKey.Wrong("its iat is too long ago: make a new one for every request");
    private static readonly CibaError TooEarly = ProofKey.Wrong("its iat is in the future");
    private static readonly CibaError NotNow = ProofKey.Wrong("its exp is past, its nbf in the future, or one of them no number of seconds: it needs neither");
    private static readonly CibaError Replayed = ProofKey.Wrong("its jti was used before: make a new one for every request");
    private static readonly CibaError BeforeStart = ProofKey.Wrong("it was issued before this server started, which does not know whether it was used: make a new one for every request");

    /// <summary>The thumbprint of the key, or what is wrong with the proof.</summary>
    public async ValueTask<Outcome<CibaConfirmation>> CheckAsync(HttpContext context, RegisteredClient client, string url)
    {
        if (context.Request.Headers[Header] is not [{ Length: > 0 } header])
        {
            return NotOne;
        }

        if (Jwt.Read(header) is not { } proof)
        {
            return NotAJwt;
        }

        if (CheckSignature(proof, AlgorithmsOf(client)).Failed(out var error, out var thumbprint)
            || CheckClaims(proof, url, out var expiresAt).Failed(out error, out var id))
        {
            return error;
        }

        if (options.Value.Dpop.RequireNonce)
        {
            if (!nonces.IsGood(proof.Claim("nonce")))
            {
                nonces.Send(context);
                return CibaError.UseDpopNonce;
            }

            nonces.SendWithAnswer(context);
        }

        // Last, so that nobody but the key's owner uses up a jti, and not where only the nonce was wrong.
        var clientKey = context.RequestServices.GetRequiredService<CibaTenant>().KeyOf(client.Client.ClientId);
        return await replay.TryUseAsync(context, ReplayKeys.OfProof(clientKey, thumbprint, id), proof, expiresAt) switch
        {
            JwtUse.First => new CibaConfirmation { DpopKeyThumbprint = thumbprint },
            JwtUse.IssuedBeforeStart => BeforeStart,
            _ => Replayed,
        };
    }

    /// <summary>Whether a text is a SHA-256 thumbprint, in the one writing that base64url has for it.</summary>
    public static bool IsThumbprint(string text) => text.Length == ThumbprintLength && Jwt.Decode(text) is { Length: SHA256.HashSizeInBytes };

    private IEnumerable<string> AlgorithmsOf(RegisteredClient client) => FapiCiba.AppliesTo(client.Client, options.Value)
        ? options.Value.DpopAlgorithms.Where(FapiCiba.Algorithms.Contains)
        : options.Value.DpopAlgorithms;

    private static Outcome<string> CheckSignature(Jwt proof, IEnumerable<string> algorithms)
    {
        if (!proof.IsOfType(Type))
        {
            return WrongType;
        }

        if (proof.Algorithm is not { } algorithm || !algorithms.Contains(algorithm))
        {
            return WrongAlgorithm;
        }

        if (ProofKey.Read(proof, algorithm).Failed(out var error, out var found))
        {
            return error;
        }

        using var key = found;
        return key.Verifies(proof) ? key.Thumbprint : BadSignature;
    }

    private Outcome<string> CheckClaims(Jwt proof, string url, out DateTimeOffset expiresAt)
    {
        expiresAt = default;
        if (proof.Id is not { Length: > 0 and <= Jwt.MaxIdLength } id)
        {
            return NoId;
        }

        if (proof.Claim("htm") != HttpMethods.Post)
        {
            return WrongMethod;
        }

        var htu = proof.Claim("htu");
        if (!TargetUrl.IsSame(htu, url) && !(options.Value.MutualTls.BaseAddress is { } alias && TargetUrl.IsSame(htu, ProviderUrls.At(alias, url))))
        {
            return WrongUrl;
        }

        if (proof.FindMilliseconds() is { } name)
        {
            return ProofKey.Wrong(Jwt.NotMilliseconds(name));
        }

        if (!proof.TryGetTime("iat", out var issuedAt) || issuedAt is null)
        {
            return NoTime;
        }

        var now = time.GetUtcNow();
        if (issuedAt > now + options.Value.ClockSkew)
        {
            return TooEarly;
        }

        // Too old at the instant at which the jti is forgotten.
        expiresAt = issuedAt.Value + options.Value.Dpop.ProofLifetime;
        return expiresAt <= now ? TooOld
            : IsNow(proof, now) ? id
            : NotNow;
    }

    // RFC 7519 sections 4.1.4 and 4.1.5, where a client adds what a proof need not have.
    private bool IsNow(Jwt proof, DateTimeOffset now) =>
        proof.TryGetTime("exp", out var expires) && !(expires <= now)
        && proof.TryGetTime("nbf", out var notBefore) && !(notBefore > now + options.Value.ClockSkew);
}
