using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;

namespace Ciba.AspNetCore;

/// <summary>
/// The CIBA grant for a token endpoint of the host's own, which has authenticated the client and issues the tokens
/// (CIBA Core section 10.1).
/// </summary>
public interface ICibaGrants
{
    /// <summary>
    /// One poll. Without <see cref="CibaGrant.Error"/> the approved request is the caller's alone until the grant is
    /// completed or disposed of, for <see cref="CibaOptions.RedemptionLease"/> at most. For callers that have no token request at hand,
    /// as behind a service of another protocol: it does not see a certificate, a DPoP proof, <c>resource</c> and <c>authorization_details</c>. So a client whose
    /// tokens must be bound gets <c>invalid_request</c>, a request that named a DPoP key <c>invalid_grant</c>, and the tokens are for
    /// all that the authentication request named. A token endpoint calls the overload with the <see cref="HttpContext"/>.
    /// </summary>
    /// <param name="authReqId">The <c>auth_req_id</c> as the client sent it. Null or empty is <c>invalid_request</c>.</param>
    /// <param name="clientId">The client, authenticated by the host; one that the <see cref="ICibaClientStore"/> knows.</param>
    /// <param name="cancellationToken">Fires when the client has gone.</param>
    /// <exception cref="CibaStoreUnavailableException">Answer <see cref="CibaError.TemporarilyUnavailable"/> (503).</exception>
    ValueTask<CibaGrant> RedeemAsync(string? authReqId, string clientId, CancellationToken cancellationToken);

    /// <summary>
    /// One poll, with the client's certificate and DPoP proof in <paramref name="context"/> checked, to which its tokens are bound
    /// (<see cref="CibaTokenRequest.Confirmation"/>): what clients with <see cref="CibaClient.TlsClientCertificateBoundAccessTokens"/>
    /// or <see cref="CibaClient.DpopBoundAccessTokens"/> need. A proof names the URL of <see cref="CibaOptions.TokenPath"/>. A
    /// <c>resource</c> in the form narrows what the tokens are for (RFC 8707), and <c>authorization_details</c> what they allow (RFC 9396
    /// section 6).
    /// </summary>
    /// <param name="authReqId">The <c>auth_req_id</c> as the client sent it. Null or empty is <c>invalid_request</c>.</param>
    /// <param name="clientId">The client, authenticated by the host; one that the <see cref="ICibaClientStore"/> knows.</param>
    /// <param name="context">The token request.</param>
    /// <exception cref="CibaStoreUnavailableException">Answer <see cref="CibaError.TemporarilyUnavailable"/> (503).</exception>
    ValueTask<CibaGrant> RedeemAsync(string? authReqId, string clientId, HttpContext context);
}

/// <summary>
/// An approved request, leased to the caller, or the error to answer. Disposing of it without
/// <see cref="CompleteAsync"/> gives the approval back, and a later poll may redeem it.
/// </summary>
public sealed class CibaGrant : IAsyncDisposable
{
    private readonly Token.Redemption? _redemption;

    internal CibaGrant(CibaError error) => Error = error;

    internal CibaGrant(CibaTokenRequest request, Token.Redemption redemption)
    {
        Request = request;
        _redemption = redemption;
    }

    /// <summary>The error to answer, with status 400: sections 10.1 and 11. Null where tokens are to be issued.</summary>
    public CibaError? Error { get; }

    /// <summary>
    /// Gets how long the client waits before its next poll, after <c>slow_down</c>: answer it as <c>Retry-After</c> in whole seconds.
    /// The default is null: nothing is said.
    /// </summary>
    public TimeSpan? RetryAfter { get; internal init; }

    /// <summary>What tokens to issue; null where there is an <see cref="Error"/>.</summary>
    public CibaTokenRequest? Request { get; }

    /// <summary>
    /// Ends the lease: from here on the <c>auth_req_id</c> is used. Call it when the tokens are there and before they are sent.
    /// False where the lease had run out and another poll took it: throw the tokens away and answer
    /// <see cref="CibaError.AuthorizationPending"/>. Where it throws, throw them away too: the approval stands.
    /// </summary>
    /// <exception cref="CibaStoreUnavailableException">Answer <see cref="CibaError.TemporarilyUnavailable"/> (503).</exception>
    public ValueTask<bool> CompleteAsync(CancellationToken cancellationToken) =>
        _redemption is null
            ? throw new InvalidOperationException("There is nothing to complete: the grant has an error.")
            : _redemption.CompleteAsync(cancellationToken);

    /// <summary>Gives the approval back unless it was completed.</summary>
    public ValueTask DisposeAsync() => _redemption is null ? ValueTask.CompletedTask : _redemption.GiveBackAsync();

    internal bool Failed([NotNullWhen(true)] out CibaError? error, [NotNullWhen(false)] out CibaTokenRequest? request)
    {
        error = Error;
        request = Request;
        return error is not null;
    }
}
