using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Jose;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Authentication;

/// <summary>Section 7.1.1: the parameters of a request, from the form or from the JWT that the client has signed.</summary>
internal sealed class SignedRequests(RemoteKeySets remoteKeys, ReplayGuard replay, IOptions<CibaOptions> options, TimeProvider time)
{
    private const string Type = "oauth-authz-req+jwt";

    // FAPI-CIBA section 5.2.2; taken for every client, because a signature that is good for longer is good for whoever finds it.
    private static readonly TimeSpan MaxLifetime = TimeSpan.FromMinutes(60);

    // Times with fractions are not exact.
    private static readonly TimeSpan Inexactness = TimeSpan.FromMilliseconds(1);

    private static readonly CibaError Off = CibaError.InvalidRequest.With("Signed authentication requests are off here: send the parameters in the form instead of request.");
    private static readonly CibaError AlgorithmIsOff = CibaError.UnauthorizedClient.With("The client is registered to sign its authentication requests with an algorithm that is switched off here: register another one.");
    private static readonly CibaError NotRegistered = CibaError.InvalidRequest.With("The client has no backchannel_authentication_request_signing_alg: register one to send request, or send the parameters in the form.");
    private static readonly CibaError Unsigned = CibaError.InvalidRequest.With("The client is registered to sign its authentication requests: send the parameters as claims of a JWT in request.");
    private static readonly CibaError ByReference = CibaError.InvalidRequest.With("request_uri is not supported: send the JWT itself as request.");
    private static readonly CibaError Encrypted = CibaError.InvalidRequest.With("The request is encrypted, which is not supported: sign it and leave it unencrypted.");
    private static readonly CibaError NotJwt = CibaError.InvalidRequest.With("The request is not a signed JWT: three parts of base64url, the first two JSON objects without a name twice or a crit, and kid a string if it is there.");

    private static readonly CibaError WrongType = Wrong($"its typ is neither absent nor JWT nor {Type}");
    private static readonly CibaError Unreadable = Wrong(RemoteKeySets.Unreadable);
    private static readonly CibaError NoUsableKeys = Wrong(RemoteKeySets.NoUsableKeys);
    private static readonly CibaError BadSignature = Wrong("no key of the client verifies its signature");
    private static readonly CibaError WrongClient = Wrong("its client_id is not that of the client that sends it (RFC 9101 section 6.3)");
    private static readonly CibaError WrongIssuer = Wrong("its iss is not the client_id");
    private static readonly CibaError IsAssertion = Wrong("its sub is the client_id, as in a client_assertion: leave sub out");
    private static readonly CibaError WrongAudience = Wrong("its aud does not hold the issuer");
    private static readonly CibaError NoExpiry = Wrong("exp is required and is a number of seconds");
    private static readonly CibaError NoIssuedAt = Wrong("iat is required and is a number of seconds");
    private static readonly CibaError NoNotBefore = Wrong("nbf is required and is a number of seconds");
    private static readonly CibaError TooEarly = Wrong("its iat or nbf is in the future");
    private static readonly CibaError Expired = Wrong("it has expired");
    private static readonly CibaError TooLong = Wrong("its exp is more than 60 minutes after its nbf");
    private static readonly CibaError NoId = Wrong($"jti is required, with {Jwt.MaxIdLength} characters at most");
    private static readonly CibaError Replayed = Wrong("its jti was used before: sign a new one for every request");
    private static readonly CibaError BeforeStart = Wrong("it was issued before this server started, which does not know whether it was used: sign a new one for every request");

    public ValueTask<Outcome<FormParameters>> ReadAsync(HttpContext context, FormParameters form, RegisteredClient client, CibaTenant tenant)
    {
        var algorithm = client.Client.BackchannelAuthenticationRequestSigningAlg;
        if (form["request"] is not { } request)
        {
            return new(algorithm is null ? form : !IsOn(algorithm) ? AlgorithmIsOff : form["request_uri"] is null ? Unsigned : ByReference);
        }

        return algorithm is null ? new(options.Value.RequestSigningAlgorithms.Count == 0 ? Off : NotRegistered)
            : !IsOn(algorithm) ? new(AlgorithmIsOff)
            : SignedParameters.FindBeside(form) is { } stray ? new(stray)
            : ReadAsync(context, request, algorithm, client, tenant);
    }

    private async ValueTask<Outcome<FormParameters>> ReadAsync(HttpContext context, string request, string algorithm, RegisteredClient client, CibaTenant tenant)
    {
        if (request.AsSpan().Count('.') == 4)
        {
            return Encrypted;
        }

        if (Jwt.ReadRequest(request) is not { } jwt)
        {
            return NotJwt;
        }

        if (await CheckSignatureAsync(jwt, algorithm, client, context.RequestAborted) is { } unsigned)
        {
            return unsigned;
        }

        if (CheckClaims(jwt, client.Client.ClientId, tenant.Urls.Issuer, out var expiresAt) is { } wrong)
        {
            return wrong;
        }

        if (SignedParameters.Read(jwt).Failed(out var error, out var parameters))
        {
            return error;
        }

        // Last, so that nobody but the client uses up a jti.
        return await replay.TryUseAsync(context, ReplayKeys.OfRequest(tenant.KeyOf(client.Client.ClientId), jwt.Id!), jwt, expiresAt) switch
        {
            JwtUse.First => parameters,
            JwtUse.IssuedBeforeStart => BeforeStart,
            _ => Replayed,
        };
    }

    private async ValueTask<CibaError?> CheckSignatureAsync(Jwt jwt, string algorithm, RegisteredClient client, CancellationToken cancellationToken)
    {
        if (jwt.Algorithm != algorithm)
        {
            return Wrong($"the client signs with {algorithm}");
        }

        // The usual libraries set JWT where they are told nothing.
        if (!jwt.IsUntyped && !jwt.IsOfType(Type))
        {
            return WrongType;
        }

        return await remoteKeys.FindAsync(client.RequestKeys, client.Client, keys => keys.Verifies(jwt), cancellationToken) switch
        {
            KeyMatch.Found => null,
            KeyMatch.Unreadable => Unreadable,
            KeyMatch.NoUsableKeys => NoUsableKeys,
            _ => BadSignature,
        };
    }

    // RFC 9101 section 10.8: what is an assertion cannot be taken for a request.
    private static CibaError? CheckParties(Jwt jwt, string clientId, string issuer) =>
        jwt.Issuer != clientId ? WrongIssuer
        : jwt.TryGetClaim("client_id", out var named) && Jwt.Text(named) != clientId ? WrongClient
        : jwt.Subject == clientId ? IsAssertion
        : !jwt.IsFor([issuer]) ? WrongAudience
        : null;

    private CibaError? CheckClaims(Jwt jwt, string clientId, string issuer, out DateTimeOffset expiresAt)
    {
        expiresAt = default;
        if (CheckParties(jwt, clientId, issuer) is { } wrong)
        {
            return wrong;
        }

        if (jwt.FindMilliseconds() is { } name)
        {
            return Wrong(Jwt.NotMilliseconds(name));
        }

        if (!jwt.TryGetTime("exp", out var expires) || expires is null)
        {
            return NoExpiry;
        }

        if (!jwt.TryGetTime("iat", out var issuedAt) || issuedAt is null)
        {
            return NoIssuedAt;
        }

        if (!jwt.TryGetTime("nbf", out var notBefore) || notBefore is null)
        {
            return NoNotBefore;
        }

        var now = time.GetUtcNow();
        var latest = now + options.Value.ClockSkew;
        expiresAt = expires.Value;

        // What has not expired and lasts for 60 minutes cannot have begun more than 60 minutes ago.
        return issuedAt > latest || notBefore > latest ? TooEarly
            : expiresAt <= now ? Expired
            : expiresAt - notBefore > MaxLifetime + Inexactness ? TooLong
            : jwt.Id is not { Length: > 0 and <= Jwt.MaxIdLength } ? NoId
            : null;
    }

    private bool IsOn(string algorithm) => options.Value.RequestSigningAlgorithms.Contains(algorithm);

    private static CibaError Wrong(string reason) => CibaError.InvalidRequest.With($"The request is refused: {reason}.");
}
