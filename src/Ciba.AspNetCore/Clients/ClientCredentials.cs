using System.Net;
using System.Text;
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

    public static readonly CibaError None = CibaError.InvalidClient.With("The client must authenticate: HTTP Basic, client_id with client_secret, or client_assertion.");

    private const string BasicPrefix = "Basic ";

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly CibaError TwoMethods = CibaError.InvalidRequest.With("The client authenticates in two ways at once: use only the registered one.");
    private static readonly CibaError TwoClients = CibaError.InvalidRequest.With("The client_id in the form is not that of the client that authenticates.");
    private static readonly CibaError NotBasic = CibaError.InvalidClient.With("The Authorization header is not HTTP Basic with client_id:client_secret, both form-encoded.");
    private static readonly CibaError NotJwtBearer = CibaError.InvalidClient.With($"client_assertion goes with client_assertion_type={JwtBearer}.");
    private static readonly CibaError NotJwt = CibaError.InvalidClient.With("The client_assertion is not a signed JWT with the client_id as iss and sub.");

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

    public static Outcome<ClientCredentials> Read(HttpRequest request, FormParameters form)
    {
        var header = request.Headers.Authorization;
        var clientId = form["client_id"];
        var secret = form["client_secret"];
        var assertion = form["client_assertion"];

        if (header.Count > 1 || (header.Count == 1 ? 1 : 0) + (secret is null ? 0 : 1) + (assertion is null ? 0 : 1) > 1)
        {
            return TwoMethods;
        }

        var credentials = header.Count == 1 ? Basic(header[0])
            : assertion is not null ? FromAssertion(assertion, form["client_assertion_type"])
            : secret is not null && clientId is not null ? new ClientCredentials(ClientCredentialsKind.Post, clientId, secret, null)
            : secret is null && clientId is not null ? new ClientCredentials(ClientCredentialsKind.Certificate, clientId, null, null)
            : None;

        return clientId is not null && !credentials.Failed(out _, out var found) && found.ClientId != clientId ? TwoClients : credentials;
    }

    private static Outcome<ClientCredentials> Basic(string? header)
    {
        if (header is null || !header.StartsWith(BasicPrefix, StringComparison.OrdinalIgnoreCase))
        {
            return NotBasic;
        }

        string pair;
        try
        {
            pair = StrictUtf8.GetString(Convert.FromBase64String(header[BasicPrefix.Length..].Trim()));
        }
        catch (Exception exception) when (exception is FormatException or DecoderFallbackException)
        {
            return NotBasic;
        }

        var colon = pair.IndexOf(':');
        if (colon <= 0 || colon == pair.Length - 1)
        {
            return NotBasic;
        }

        // RFC 6749 section 2.3.1: each half is form-encoded before the two are joined.
        return new ClientCredentials(ClientCredentialsKind.Basic, WebUtility.UrlDecode(pair[..colon]), WebUtility.UrlDecode(pair[(colon + 1)..]), null);
    }

    private static Outcome<ClientCredentials> FromAssertion(string assertion, string? type)
    {
        if (type != JwtBearer)
        {
            return NotJwtBearer;
        }

        return Jwt.Read(assertion) is { Subject: { Length: > 0 } subject } jwt && jwt.Issuer == subject
            ? new ClientCredentials(ClientCredentialsKind.Assertion, subject, null, jwt)
            : NotJwt;
    }
}
