using System.Text.Json;
using System.Text.Json.Serialization;
using Ciba.AspNetCore.Binding;
using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Token;

/// <summary>Section 10.1: <c>POST /token</c> with the CIBA grant, from the poll to the tokens.</summary>
internal sealed partial class TokenEndpoint(
    ClientAuthenticator clients,
    TokenBindings bindings,
    IOptions<CibaOptions> options,
    TimeProvider time,
    ILogger<TokenEndpoint> logger)
{

    public static readonly CibaError NoAuthReqId = CibaError.InvalidRequest.With("auth_req_id is required: send the one from the authentication response.");

    // Drafts and blog posts have it; no specification does.
    private const string WrongGrantType = "urn:ietf:params:oauth:grant-type:ciba";

    private static readonly CibaError NoGrantType = CibaError.InvalidRequest.With($"grant_type is required: send grant_type={CibaGrantTypes.Ciba}.");
    private static readonly CibaError NotThatUrn = CibaError.UnsupportedGrantType.With($"{WrongGrantType} is not the grant type of CIBA: send grant_type={CibaGrantTypes.Ciba}.");

    public async Task HandleAsync(HttpContext context)
    {
        RegisteredClient? client = null;
        if ((await FormParameters.ReadAsync(context.Request)).Failed(out var error, out var form)
            || ReadGrantType(form).Failed(out error, out _)
            || (await clients.AuthenticateAsync(context, form)).Failed(out error, out client)
            || (await bindings.ReadAsync(context, client, context.RequestServices.GetRequiredService<CibaTenant>().Urls.TokenEndpoint)).Failed(out error, out var shown)
            || ReadAuthReqId(form, client).Failed(out error, out var authReqId)
            || TokenTerms.Read(form, shown).Failed(out error, out var terms))
        {
            await RefuseAsync(context, error, client);
            return;
        }

        // A poll that waits keeps no form: a client assertion in it takes as much memory as all the rest.
        form = null;
        await using var grant = await context.RequestServices.GetRequiredService<CibaGrants>().RedeemAsync(authReqId, client.Client, terms, context.RequestAborted);
        if (grant.Failed(out error, out var request))
        {
            await RefuseAsync(context, grant.RetryAfter is { } wait ? error.WithRetryAfter(wait) : error, client);
            return;
        }

        var tokens = await IssueAsync(context, request);

        // Used from here on, whether the answer arrives or not: one that is sent twice is worse than one that is lost.
        if (!await grant.CompleteAsync(CancellationToken.None))
        {
            await RefuseAsync(context, CibaError.AuthorizationPending, client);
            return;
        }

        await CibaResults.OkAsync(context, TokenResponse.Of(tokens, request), TokenJson.Relaxed.TokenResponse);
    }

    private static Outcome<string> ReadGrantType(FormParameters form) => form["grant_type"] switch
    {
        CibaGrantTypes.Ciba => CibaGrantTypes.Ciba,
        WrongGrantType => NotThatUrn,
        null => NoGrantType,
        _ => CibaError.UnsupportedGrantType,
    };

    private static Outcome<string> ReadAuthReqId(FormParameters form, RegisteredClient client) =>
        !client.MayUseCiba ? CibaError.UnauthorizedClient
        : client.TokenDeliveryMode == CibaTokenDeliveryModes.Push ? CibaError.PushClient
        : form["auth_req_id"] is { } authReqId ? authReqId
        : NoAuthReqId;

    private async ValueTask<CibaTokens> IssueAsync(HttpContext context, CibaTokenRequest request)
    {
        using var leaseEnds = new CancellationTokenSource(options.Value.RedemptionLease, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(leaseEnds.Token, context.RequestAborted);
        var issuer = context.RequestServices.GetRequiredService<ICibaTokenIssuer>();

        // An issuer that does not look at its token is left behind when the lease is over.
        var tokens = await issuer.IssueAsync(request, either.Token).AsTask().WaitAsync(either.Token);
        either.Token.ThrowIfCancellationRequested();
        return IssuedTokenRules.Check(tokens, request, issuer);
    }

    private Task RefuseAsync(HttpContext context, CibaError error, RegisteredClient? client)
    {
        // A poll that finds the user still thinking is the normal case.
        if (!ReferenceEquals(error, CibaError.AuthorizationPending))
        {
            Refused(client?.Client.ClientId ?? "not authenticated", error.Error, error.Description);
        }

        return CibaResults.RefuseAsync(context, error);
    }

    [LoggerMessage(1, LogLevel.Debug, "Token request of client {ClientId} refused: {Error}, {Description}")]
    private partial void Refused(string clientId, string error, string description);
}

/// <summary>Whether the host has the token endpoint mapped, and so needs somebody who issues tokens.</summary>
internal sealed class TokenEndpointUse
{
    public bool IsMapped { get; set; }

    /// <summary>Whether the start has been checked: who maps later asks for the check again.</summary>
    public bool IsChecked { get; set; }
}

/// <summary>Section 10.1.1: the successful answer.</summary>
internal sealed record TokenResponse(
    [property: JsonPropertyName("access_token")] string AccessToken,
    [property: JsonPropertyName("token_type")] string TokenType,
    [property: JsonPropertyName("expires_in")] long ExpiresIn,
    [property: JsonPropertyName("id_token")] string IdToken,
    [property: JsonPropertyName("refresh_token")] string? RefreshToken = null,
    [property: JsonPropertyName("scope")] string? Scope = null,
    [property: JsonPropertyName("authorization_details")] IReadOnlyList<JsonElement>? AuthorizationDetails = null)
{
    public static TokenResponse Of(CibaTokens tokens, CibaTokenRequest request) => new(
        tokens.AccessToken,
        tokens.TokenType,
        (long)tokens.ExpiresIn.TotalSeconds,
        tokens.IdToken,
        tokens.RefreshToken,
        ScopeWhereItDiffers(request),
        DetailsIfAny(request));

    /// <summary>RFC 9396 section 7: what was granted, where anything was asked.</summary>
    public static IReadOnlyList<JsonElement>? DetailsIfAny(CibaTokenRequest request) => request.RequestedAuthorizationDetails.Count > 0 ? request.AuthorizationDetails : null;

    public static string? ScopeWhereItDiffers(CibaTokenRequest request) =>
        request.Scopes.ToHashSet().SetEquals(request.RequestedScopes) ? null : string.Join(' ', request.Scopes);
}
