using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Issuers;
using Ciba.AspNetCore.Jose;
using Ciba.AspNetCore.Profiles;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Clients;

/// <summary>RFC 7523 section 3: whether a JWT is what the client that it names has signed, for us, just now, and once.</summary>
internal sealed class ClientAssertions(RemoteKeySets remoteKeys, ReplayGuard replay, IOptions<CibaOptions> options, TimeProvider time)
{
    private const string Type = "client-authentication+jwt";

    private static readonly ClientRefusal NoAlgorithm = Unproven("its alg does not go with the client's token_endpoint_auth_method");
    private static readonly ClientRefusal Unreadable = Unproven(RemoteKeySets.Unreadable);
    private static readonly ClientRefusal NoUsableKeys = Unproven(RemoteKeySets.NoUsableKeys);
    private static readonly ClientRefusal BadSignature = Unproven("no key of the client verifies its signature");
    private static readonly ClientRefusal ForbiddenAlgorithm = Wrong("the FAPI-CIBA profile takes PS256 and ES256");
    private static readonly ClientRefusal WrongType = Wrong($"its typ is neither absent nor JWT nor {Type}");
    private static readonly ClientRefusal WrongAudience = Wrong("its aud holds neither the issuer nor the URL of the token or backchannel authentication endpoint");
    private static readonly ClientRefusal NotStrictType = Wrong($"its typ must be {Type}");
    private static readonly ClientRefusal NotStrictAudience = Wrong("its aud must be a string, the issuer");
    private static readonly ClientRefusal NoExpiry = Wrong("exp is required and is a number of seconds");
    private static readonly ClientRefusal Expired = Wrong("it has expired");
    private static readonly ClientRefusal TooLong = Wrong("its exp is too far ahead");
    private static readonly ClientRefusal TooEarly = Wrong("its iat or nbf is in the future or not a number of seconds");
    private static readonly ClientRefusal NoId = Wrong($"jti is required, with {Jwt.MaxIdLength} characters at most");
    private static readonly ClientRefusal Replayed = Wrong("its jti was used before: sign a new one for every request");
    private static readonly ClientRefusal BeforeStart = Wrong("it was issued before this server started, which does not know whether it was used: sign a new one for every request, with iat");

    public async ValueTask<ClientRefusal?> CheckAsync(HttpContext context, Jwt assertion, RegisteredClient client)
    {
        if (assertion.Algorithm is not { } algorithm || !ClientRules.AllowedAlgorithms(client.Client.TokenEndpointAuthMethod).Contains(algorithm))
        {
            DecoyCredentials.Check(assertion);
            return NoAlgorithm;
        }

        var tenant = context.RequestServices.GetRequiredService<CibaTenant>();
        var isChecked = false;
        var match = await remoteKeys.FindAsync(
            client.Keys,
            client.Client,
            keys =>
            {
                if (keys.Verifies(assertion))
                {
                    return true;
                }

                isChecked |= keys.HasKeyFor(assertion);
                return false;
            },
            context.RequestAborted);
        if (match != KeyMatch.Found)
        {
            if (!isChecked)
            {
                DecoyCredentials.Check(assertion);
            }

            return match switch
            {
                KeyMatch.Unreadable => Unreadable,
                KeyMatch.NoUsableKeys => NoUsableKeys,
                _ => BadSignature,
            };
        }

        // From here on it is the client, which is told what to mend.
        if (CheckHeader(assertion, algorithm, client) is { } wrongHeader)
        {
            return wrongHeader;
        }

        if (CheckClaims(assertion, client.Client, tenant.Urls, out var expiresAt) is { } wrongClaim)
        {
            return wrongClaim;
        }

        // Last, so that nobody but the client uses up a jti.
        return await replay.TryUseAsync(context, ReplayKeys.OfAssertion(tenant.KeyOf(assertion.Subject!), assertion.Id!), assertion, expiresAt) switch
        {
            JwtUse.First => null,
            JwtUse.IssuedBeforeStart => BeforeStart,
            _ => Replayed,
        };
    }

    private ClientRefusal? CheckHeader(Jwt assertion, string algorithm, RegisteredClient client)
    {
        if (!client.AssertionAlgorithms.Contains(algorithm))
        {
            return Wrong($"the client signs with {string.Join(" or ", client.AssertionAlgorithms)}");
        }

        if (FapiCiba.AppliesTo(client.Client, options.Value) && !FapiCiba.Algorithms.Contains(algorithm))
        {
            return ForbiddenAlgorithm;
        }

        if (IsStrict(client.Client))
        {
            return assertion.IsOfType(Type) ? null : NotStrictType;
        }

        return assertion.IsUntyped || assertion.IsOfType(Type) ? null : WrongType;
    }

    private ClientRefusal? CheckClaims(Jwt assertion, CibaClient client, ProviderUrls urls, out DateTimeOffset expiresAt)
    {
        expiresAt = default;
        if (IsStrict(client) && assertion.Claim("aud") != urls.Issuer)
        {
            return NotStrictAudience;
        }

        if (!assertion.IsFor(urls.AssertionAudiences))
        {
            return WrongAudience;
        }

        if (assertion.FindMilliseconds() is { } name)
        {
            return Wrong(Jwt.NotMilliseconds(name));
        }

        if (!assertion.TryGetTime("exp", out var expires) || expires is null)
        {
            return NoExpiry;
        }

        var now = time.GetUtcNow();
        var latest = now + options.Value.ClockSkew;
        expiresAt = expires.Value;
        if (!assertion.TryGetTime("iat", out var issuedAt) || issuedAt > latest || !assertion.TryGetTime("nbf", out var notBefore) || notBefore > latest)
        {
            return TooEarly;
        }

        return expiresAt <= now ? Expired
            : expiresAt > latest + options.Value.MaxClientAssertionLifetime ? TooLong
            : assertion.Id is not { Length: > 0 and <= Jwt.MaxIdLength } ? NoId
            : null;
    }

    private bool IsStrict(CibaClient client) => options.Value.RequireStrictClientAssertions || client.RequireStrictClientAssertions;

    private static ClientRefusal Unproven(string reason) => ClientRefusal.Unproven(ClientAuthenticationOutcome.WrongCredentials, $"The client_assertion is refused: {reason}.");

    private static ClientRefusal Wrong(string reason) => ClientRefusal.Proven($"The client_assertion is refused: {reason}.");
}
