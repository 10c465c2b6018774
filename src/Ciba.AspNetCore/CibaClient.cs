using System.Diagnostics.CodeAnalysis;

namespace Ciba.AspNetCore;

/// <summary>
/// A client as it is registered, in the words of CIBA Core section 4, OpenID Connect Registration and RFC 7591. Not to be
/// changed once the library has seen it. An optional text that is empty counts as absent.
/// </summary>
public sealed class CibaClient
{
    /// <summary>The <c>client_id</c>. Required.</summary>
    public string ClientId { get; set; } = "";

    /// <summary>
    /// Gets or sets the name that the user sees (<c>client_name</c>): 1 to 100 characters, at least one of them visible, without
    /// control, line separating, text direction and format characters. The default is the client identifier.
    /// </summary>
    [AllowNull]
    public string ClientName { get => field ?? ClientId; set; }

    /// <summary>Where the logo is that the user sees (<c>logo_uri</c>): an absolute https URL.</summary>
    public string? LogoUri { get; set => field = NullIfEmpty(value); }

    /// <summary>
    /// The secrets, several while one replaces another: the secret itself, or its hash as <c>sha256:</c> and 64 hexadecimal
    /// digits (see <see cref="HashSecret"/>). <c>client_secret_jwt</c> computes with the secret and so needs it in the clear.
    /// </summary>
    public IList<string> ClientSecrets { get; set; } = [];

    /// <summary>
    /// The one way the client authenticates (<c>token_endpoint_auth_method</c>), of
    /// <see cref="CibaClientAuthenticationMethods"/>. Default <c>client_secret_basic</c>.
    /// </summary>
    public string TokenEndpointAuthMethod { get; set; } = CibaClientAuthenticationMethods.ClientSecretBasic;

    /// <summary>
    /// The algorithm of the client's assertions (<c>token_endpoint_auth_signing_alg</c>). Without it every algorithm that
    /// the method allows and the key fits.
    /// </summary>
    public string? TokenEndpointAuthSigningAlg { get; set => field = NullIfEmpty(value); }

    /// <summary>
    /// Gets or sets a value indicating whether the client's assertions must have the strict form of RFC 7523bis, though other clients' need
    /// not (<see cref="CibaOptions.RequireStrictClientAssertions"/>). The default is <see langword="false"/>.
    /// </summary>
    public bool RequireStrictClientAssertions { get; set; }

    /// <summary>
    /// The grant types the client may use (<c>grant_types</c>). Without a value: CIBA. A list without
    /// <c>urn:openid:params:grant-type:ciba</c> makes every CIBA request of the client <c>unauthorized_client</c>.
    /// </summary>
    public string[]? GrantTypes { get; set; }

    /// <summary>
    /// How the client gets its tokens (<c>backchannel_token_delivery_mode</c>), of <see cref="CibaTokenDeliveryModes"/>.
    /// Required for CIBA.
    /// </summary>
    public string? BackchannelTokenDeliveryMode { get; set => field = NullIfEmpty(value); }

    /// <summary>
    /// Where pings and pushes go (<c>backchannel_client_notification_endpoint</c>): an absolute https URL. Required for ping and
    /// push, not used in poll mode.
    /// </summary>
    public string? BackchannelClientNotificationEndpoint { get; set => field = NullIfEmpty(value); }

    /// <summary>
    /// The algorithm of the client's signed authentication requests
    /// (<c>backchannel_authentication_request_signing_alg</c>), an asymmetric one. A client that has one must sign every request
    /// (CIBA Core section 7.1.1), and needs a key for it in <see cref="Jwks"/> or behind <see cref="JwksUri"/>.
    /// </summary>
    public string? BackchannelAuthenticationRequestSigningAlg { get; set => field = NullIfEmpty(value); }

    /// <summary>
    /// Whether the client asks for the user's code (<c>backchannel_user_code_parameter</c>): required then for users who
    /// have one. Default false.
    /// </summary>
    public bool BackchannelUserCodeParameter { get; set; }

    /// <summary>
    /// The algorithm of the client's ID Tokens (<c>id_token_signed_response_alg</c>). Without a value the issuer's default.
    /// </summary>
    public string? IdTokenSignedResponseAlg { get; set => field = NullIfEmpty(value); }

    /// <summary>The scope values the client may ask for; <c>openid</c> is always among them.</summary>
    public IList<string> Scopes { get; set; } = [];

    /// <summary>
    /// The types of authorization details that the client may ask for (<c>authorization_details_types</c>, RFC 9396), of
    /// <see cref="CibaOptions.AuthorizationDetailsTypesSupported"/>.
    /// </summary>
    public IList<string> AuthorizationDetailsTypes { get; set; } = [];

    /// <summary>
    /// The addresses of the resource servers that the client may ask access tokens for (RFC 8707, <c>resource</c>). Default empty:
    /// none can be asked for.
    /// </summary>
    public IList<string> Resources { get; set; } = [];

    /// <summary>
    /// With <c>tls_client_auth</c>, the subject that the client's certificate must have (<c>tls_client_auth_subject_dn</c>, RFC 8705
    /// section 2.1.2): a distinguished name by RFC 4514, for instance <c>CN=shop,O=Example,C=DE</c>. Exactly one of this and the
    /// four properties that follow is required.
    /// </summary>
    /// <remarks>
    /// Compared part by part, in the order of RFC 4514, which begins with the last part of the certificate's name, as
    /// <c>openssl x509 -noout -subject -nameopt RFC2253</c> prints it: the types whatever their letter case and whether by name or by
    /// object identifier, the values character by character, letter case included, whatever string type the certificate has them in.
    /// The attributes of one part (<c>CN=shop+UID=7</c>) have no order. Spaces around commas, plus and equals signs do not count.
    /// </remarks>
    public string? TlsClientAuthSubjectDn { get; set => field = NullIfEmpty(value); }

    /// <summary>
    /// The DNS name that must be among the certificate's subject alternative names (<c>tls_client_auth_san_dns</c>), whatever its letter
    /// case. An asterisk stands for itself.
    /// </summary>
    public string? TlsClientAuthSanDns { get; set => field = NullIfEmpty(value); }

    /// <summary>The URI that must be among the certificate's subject alternative names (<c>tls_client_auth_san_uri</c>), character by character.</summary>
    public string? TlsClientAuthSanUri { get; set => field = NullIfEmpty(value); }

    /// <summary>
    /// The IP address that must be among the certificate's subject alternative names (<c>tls_client_auth_san_ip</c>), compared by its
    /// bytes: <c>192.0.2.1</c> or <c>2001:db8::1</c>.
    /// </summary>
    public string? TlsClientAuthSanIp { get; set => field = NullIfEmpty(value); }

    /// <summary>
    /// The e-mail address that must be among the certificate's subject alternative names (<c>tls_client_auth_san_email</c>), letter case
    /// counting before the at sign alone.
    /// </summary>
    public string? TlsClientAuthSanEmail { get; set => field = NullIfEmpty(value); }

    /// <summary>
    /// Whether the client's access tokens are bound to its TLS certificate (<c>tls_client_certificate_bound_access_tokens</c>,
    /// RFC 8705 section 3.4): it must show one then, however it authenticates. Default false.
    /// </summary>
    public bool TlsClientCertificateBoundAccessTokens { get; set; }

    /// <summary>
    /// Whether the client must use DPoP (<c>dpop_bound_access_tokens</c>, RFC 9449 section 5.2). Default false: it may,
    /// where DPoP is on (<see cref="CibaDpopOptions.SigningAlgValuesSupported"/>).
    /// </summary>
    public bool DpopBoundAccessTokens { get; set; }

    /// <summary>Whether the client must show a certificate or a key, or gets no tokens.</summary>
    internal bool HasBoundAccessTokens => TlsClientCertificateBoundAccessTokens || DpopBoundAccessTokens;

    /// <summary>A profile that this client keeps beyond that of <see cref="CibaOptions.Profile"/>. Default <see cref="CibaProfile.Core"/>: no more.</summary>
    public CibaProfile Profile { get; set; }

    /// <summary>The client's public keys by value: the JSON text of a JWK Set (<c>jwks</c>).</summary>
    [StringSyntax(StringSyntaxAttribute.Json)]
    public string? Jwks { get; set => field = NullIfEmpty(value); }

    /// <summary>The client's public keys by reference: an https URL of a JWK Set (<c>jwks_uri</c>).</summary>
    public string? JwksUri { get; set => field = NullIfEmpty(value); }

    /// <summary>
    /// <c>public</c>, the default, or <c>pairwise</c> (<c>subject_type</c>, OpenID Connect Core section 8).
    /// </summary>
    /// <remarks>
    /// In poll and ping mode <c>pairwise</c> needs proof that the keys at <see cref="JwksUri"/> are the client's (CIBA Core section 4):
    /// <c>private_key_jwt</c>, <c>self_signed_tls_client_auth</c>, or a <see cref="BackchannelAuthenticationRequestSigningAlg"/>.
    /// </remarks>
    public string SubjectType { get; set; } = CibaSubjectTypes.Public;

    /// <summary>
    /// The host whose clients share a user's pairwise identifier (CIBA Core section 4): that of <c>jwks_uri</c> in poll and
    /// ping mode, that of the notification endpoint in push mode. Null where that URL is missing.
    /// </summary>
    public string? SectorIdentifier
    {
        get
        {
            var source = BackchannelTokenDeliveryMode == CibaTokenDeliveryModes.Push
                ? BackchannelClientNotificationEndpoint
                : JwksUri;
            return Uri.TryCreate(source, UriKind.Absolute, out var uri) ? uri.Host : null;
        }
    }

    /// <summary>The form in which a secret can stand in a configuration file: <c>sha256:</c> and its hash in hexadecimal.</summary>
    public static string HashSecret(string secret)
    {
        ArgumentException.ThrowIfNullOrEmpty(secret);
        return Clients.ClientSecret.Hash(secret);
    }

    private static string? NullIfEmpty(string? value) => string.IsNullOrEmpty(value) ? null : value;
}

/// <summary>Values of <c>token_endpoint_auth_method</c> (OpenID Connect Core section 9).</summary>
public static class CibaClientAuthenticationMethods
{
    /// <summary>HTTP Basic with the form-encoded client identifier and secret (RFC 6749 section 2.3.1).</summary>
    public const string ClientSecretBasic = "client_secret_basic";

    /// <summary><c>client_id</c> and <c>client_secret</c> in the form (RFC 6749 section 2.3.1).</summary>
    public const string ClientSecretPost = "client_secret_post";

    /// <summary>A JWT assertion with an HMAC keyed by the secret (RFC 7523).</summary>
    public const string ClientSecretJwt = "client_secret_jwt";

    /// <summary>A JWT assertion signed with the client's private key (RFC 7523).</summary>
    public const string PrivateKeyJwt = "private_key_jwt";

    /// <summary>Mutual TLS with a certificate of a trusted authority, which names the client (RFC 8705 section 2.1).</summary>
    public const string TlsClientAuth = "tls_client_auth";

    /// <summary>Mutual TLS with a certificate that the client has registered among its keys (RFC 8705 section 2.2).</summary>
    public const string SelfSignedTlsClientAuth = "self_signed_tls_client_auth";
}

/// <summary>Values of <c>backchannel_token_delivery_mode</c> (CIBA Core section 5).</summary>
public static class CibaTokenDeliveryModes
{
    /// <summary>The client polls the token endpoint.</summary>
    public const string Poll = "poll";

    /// <summary>The client is told at its notification endpoint that there is something to fetch.</summary>
    public const string Ping = "ping";

    /// <summary>The tokens are sent to the client's notification endpoint.</summary>
    public const string Push = "push";

    internal static readonly string[] All = [Poll, Ping, Push];

    internal static readonly string[] WithoutPush = [Poll, Ping];
}
