using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Jose;
using Microsoft.AspNetCore.Http;

namespace Ciba.AspNetCore.Clients;

/// <summary>How a client identified itself: as yet only a claim.</summary>
internal enum ClientCredentialsKind
{
    Basic,
    Post,
    Assertion,

    /// <summary>Nothing but a <c>client_id</c>: the certificate that may go with it is in TLS.</summary>
    Certificate,
}

/// <summary>RFC 6749 section 2.3, RFC 7523 section 2.2: the credentials in a request, of exactly one kind.</summary>
internal sealed class ClientCredentials
{
    public const string JwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    private const string BasicPrefix = "Basic ";

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly ClientRefusal TwoMethods = Malformed("The client authenticates in two ways at once: use only the registered one.");
    private static readonly ClientRefusal TwoClients = Malformed("The client_id in the form is not that of the client that authenticates.");
    private static readonly ClientRefusal None = Unreadable("The request has no credentials.");
    private static readonly ClientRefusal NotBasic = Unreadable("The Authorization header is not HTTP Basic with client_id:client_secret.");
    private static readonly ClientRefusal NotJwtBearer = Unreadable($"The client_assertion is not accompanied by client_assertion_type={JwtBearer}.");
    private static readonly ClientRefusal NotJwt = Unreadable("The client_assertion is not a signed JWT with the client_id as iss and sub.");

    private ClientCredentials(ClientCredentialsKind kind, string clientId, string? secret, Jwt? assertion)
    {
        Kind = kind;
        ClientId = clientId;
        Secret = secret;
        Assertion = assertion;
    }

    public ClientCredentialsKind Kind { get; }

    public string ClientId { get; }

    public string? Secret { get; }

    public Jwt? Assertion { get; }

    /// <summary>The credentials, or why there are none; what is said of that depends on the request alone.</summary>
    public static bool TryRead(HttpRequest request, FormParameters form, [NotNullWhen(true)] out ClientCredentials? credentials, [NotNullWhen(false)] out ClientRefusal? refusal)
    {
        var header = request.Headers.Authorization;
        var clientId = form["client_id"];
        var secret = form["client_secret"];
        var assertion = form["client_assertion"];
        (credentials, refusal) = (header.Count, secret, assertion) switch
        {
            (1, null, null) => (ReadBasic(header[0]), NotBasic),
            (0, null, not null) => form["client_assertion_type"] == JwtBearer ? (ReadAssertion(assertion), NotJwt) : (null, NotJwtBearer),
            (0, not null, null) => (clientId is null ? null : new ClientCredentials(ClientCredentialsKind.Post, clientId, secret, null), None),
            (0, null, null) => (clientId is null ? null : new ClientCredentials(ClientCredentialsKind.Certificate, clientId, null, null), None),
            _ => ((ClientCredentials?)null, TwoMethods),
        };
        if (credentials is null)
        {
            return false;
        }

        refusal = clientId is null || clientId == credentials.ClientId ? null : TwoClients;
        return refusal is null;
    }

    private static ClientCredentials? ReadBasic(string? header)
    {
        if (header is null || !header.StartsWith(BasicPrefix, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        string pair;
        try
        {
            pair = StrictUtf8.GetString(Convert.FromBase64String(header[BasicPrefix.Length..].Trim()));
        }
        catch (Exception exception) when (exception is FormatException or DecoderFallbackException)
        {
            return null;
        }

        // RFC 6749 section 2.3.1: each half is form-encoded before the two are joined.
        var colon = pair.IndexOf(':');
        return colon <= 0 || colon == pair.Length - 1 ? null
            : new ClientCredentials(ClientCredentialsKind.Basic, WebUtility.UrlDecode(pair[..colon]), WebUtility.UrlDecode(pair[(colon + 1)..]), null);
    }

    private static ClientCredentials? ReadAssertion(string assertion) =>
        Jwt.Read(assertion) is { Subject: { Length: > 0 } subject } jwt && jwt.Issuer == subject
            ? new ClientCredentials(ClientCredentialsKind.Assertion, subject, null, jwt)
            : null;

    private static ClientRefusal Malformed(string description) => new(ClientAuthenticationOutcome.Malformed, description, CibaError.InvalidRequest.With(description));

    private static ClientRefusal Unreadable(string reason) => ClientRefusal.Unproven(ClientAuthenticationOutcome.Malformed, reason);
}
