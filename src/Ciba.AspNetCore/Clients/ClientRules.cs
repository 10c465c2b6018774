using System.Text;
using Ciba.AspNetCore.Jose;
using Ciba.AspNetCore.Protocol;
using Microsoft.IdentityModel.Tokens;
using static Ciba.AspNetCore.CibaClientAuthenticationMethods;

namespace Ciba.AspNetCore.Clients;

/// <summary>Section 4: what a client's registration must hold. Every rule has a sentence that names the field and the cure.</summary>
internal static partial class ClientRules
{
    private const int MaxClientIdLength = 256;

    private const string AllModes = $"{CibaTokenDeliveryModes.Poll}, {CibaTokenDeliveryModes.Ping} or {CibaTokenDeliveryModes.Push}";

    private static readonly string[] KnownMethods = [ClientSecretBasic, ClientSecretPost, ClientSecretJwt, PrivateKeyJwt, TlsClientAuth, SelfSignedTlsClientAuth];

    public static bool IsClientId(string? text) => text is { Length: > 0 and <= MaxClientIdLength } && text.All(c => c is >= ' ' and <= '~');

    public static bool UsesSecret(string method) => method is ClientSecretBasic or ClientSecretPost or ClientSecretJwt;

    public static bool MayUseCiba(CibaClient client) => client.GrantTypes?.Contains(CibaGrantTypes.Ciba) ?? true;

    /// <summary>What stands against a client whose token delivery mode is switched off; null where it is on.</summary>
    public static string? ModeIsOff(CibaClient client, CibaOptions options) =>
        client.BackchannelTokenDeliveryMode is { } mode && CibaTokenDeliveryModes.All.Contains(mode) && options.DeliveryModes.Count > 0 && !options.DeliveryModes.Contains(mode)
            ? $"Client '{client.ClientId}': BackchannelTokenDeliveryMode '{mode}' "
                + (mode == CibaTokenDeliveryModes.Push && options.TokenSource == TokenSource.TokenEndpointOfTheHost
                    ? "needs an ICibaTokenIssuer; add it with AddTokenIssuer<T>() or AddJwtTokenIssuer(...)"
                    : "is switched off; add it to CibaOptions.BackchannelTokenDeliveryModesSupported")
                + $", or use {string.Join(", ", options.DeliveryModes)}."
            : null;

    /// <summary>The sentence about each type of authorization details that the client may ask for and the provider does not know.</summary>
    public static IEnumerable<string> UnknownDetailsTypes(CibaClient client, CibaOptions options) =>
        (client.AuthorizationDetailsTypes ?? []).Except(options.AuthorizationDetailsTypesSupported ?? [])
            .Select(type => $"Client '{client.ClientId}': AuthorizationDetailsTypes holds '{type}'; add it to CibaOptions.AuthorizationDetailsTypesSupported, or leave it out.");

    /// <summary>The algorithms of a method's assertions.</summary>
    public static string[] AllowedAlgorithms(string method) => method switch
    {
        ClientSecretJwt => JoseAlgorithms.Symmetric,
        PrivateKeyJwt => JoseAlgorithms.Asymmetric,
        _ => [],
    };

    public static IReadOnlyList<string> AssertionAlgorithms(CibaClient client)
    {
        var allowed = AllowedAlgorithms(client.TokenEndpointAuthMethod);
        return client.TokenEndpointAuthSigningAlg is { } algorithm ? [.. allowed.Where(algorithm.Equals)] : allowed;
    }

    public static IReadOnlyList<string> Check(CibaClient client) =>
        [.. Problems(client).Select(problem => $"Client '{client.ClientId}': {problem}.")];

    private static IEnumerable<string?> Each(CibaClient client) =>
        [Identifier(client), DisplayName(client), Method(client), Secrets(client), SigningAlgorithm(client), Mode(client), NotificationEndpoint(client),
            RequestSigning(client), IdTokenAlgorithm(client), Subjects(client), ScopeValues(client), Logo(client), DetailsTypes(client), Resources(client), RegisteredName(client), .. Keys(client)];

    private static IEnumerable<string> Problems(CibaClient client) => Each(client).OfType<string>();

    private static string? Identifier(CibaClient client) =>
        IsClientId(client.ClientId)
            ? null
            : $"ClientId is missing, longer than {MaxClientIdLength} characters or not printable ASCII";

    private static string? Method(CibaClient client) => client.TokenEndpointAuthMethod switch
    {
        var method when KnownMethods.Contains(method) => null,
        "none" => "TokenEndpointAuthMethod 'none': a public client cannot use CIBA (section 7.1); give it a secret or a key",
        _ => $"TokenEndpointAuthMethod '{client.TokenEndpointAuthMethod}' is unknown; use one of {string.Join(", ", KnownMethods)}",
    };

    private static string? Secrets(CibaClient client)
    {
        if (client.ClientSecrets is null)
        {
            return "ClientSecrets is null; leave it out, or give it a list";
        }

        if (!UsesSecret(client.TokenEndpointAuthMethod))
        {
            return null;
        }

        if (client.ClientSecrets.Count == 0 || client.ClientSecrets.Any(string.IsNullOrEmpty))
        {
            return $"ClientSecrets is empty, or has an empty entry; {client.TokenEndpointAuthMethod} needs at least one secret";
        }

        if (client.ClientSecrets.Any(ClientSecret.IsBrokenHash))
        {
            return "ClientSecrets has an entry that looks like a hash and is none that is known here; write the secret itself, or sha256: and exactly 64 hexadecimal digits (CibaClient.HashSecret)";
        }

        if (client.TokenEndpointAuthMethod != ClientSecretJwt)
        {
            return null;
        }

        if (client.ClientSecrets.Any(ClientSecret.IsHash))
        {
            return $"ClientSecrets holds a hash; {ClientSecretJwt} computes with the secret itself";
        }

        // Without a registered algorithm the shortest one decides: HS256.
        return AssertionAlgorithms(client) is [var weakest, ..]
            && client.ClientSecrets
                .Select(secret => JoseAlgorithms.WhyNot(weakest, new SymmetricSecurityKey(Encoding.UTF8.GetBytes(secret))))
                .FirstOrDefault(reason => reason is not null) is { } reason ? $"ClientSecrets: {reason}" : null;
    }

    private static string? SigningAlgorithm(CibaClient client) =>
        client.TokenEndpointAuthSigningAlg is { } algorithm
        && client.TokenEndpointAuthMethod is ClientSecretJwt or PrivateKeyJwt
        && AssertionAlgorithms(client).Count == 0
            ? $"TokenEndpointAuthSigningAlg '{algorithm}' does not go with {client.TokenEndpointAuthMethod}; use one of "
                + string.Join(", ", client.TokenEndpointAuthMethod == ClientSecretJwt ? JoseAlgorithms.Symmetric : JoseAlgorithms.Asymmetric)
            : null;

    private static string? Mode(CibaClient client) => client.BackchannelTokenDeliveryMode switch
    {
        null => MayUseCiba(client) ? $"BackchannelTokenDeliveryMode is missing; a client with the CIBA grant has one: {AllModes}" : null,
        var mode when CibaTokenDeliveryModes.All.Contains(mode) => null,
        var mode => $"BackchannelTokenDeliveryMode '{mode}' is unknown; use {AllModes}",
    };

    private static string? NotificationEndpoint(CibaClient client) => client switch
    {
        { BackchannelClientNotificationEndpoint: { } endpoint } =>
            Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttps && uri.Fragment.Length == 0 && uri.UserInfo.Length == 0
                ? null
                : "BackchannelClientNotificationEndpoint must be an absolute https URL without fragment and user information",
        { BackchannelTokenDeliveryMode: CibaTokenDeliveryModes.Ping or CibaTokenDeliveryModes.Push } =>
            $"BackchannelClientNotificationEndpoint is missing; a client in {client.BackchannelTokenDeliveryMode} mode is told there",
        _ => null,
    };

    private static string? IdTokenAlgorithm(CibaClient client) =>
        client.IdTokenSignedResponseAlg is { } algorithm && !JoseAlgorithms.Asymmetric.Contains(algorithm)
            ? $"IdTokenSignedResponseAlg '{algorithm}' is unknown or not asymmetric; use one of {string.Join(", ", JoseAlgorithms.Asymmetric)}"
            : null;

    private static string? Subjects(CibaClient client) => client switch
    {
        { SubjectType: CibaSubjectTypes.Public } => null,
        { SubjectType: CibaSubjectTypes.Pairwise, SectorIdentifier: null } => client.BackchannelTokenDeliveryMode == CibaTokenDeliveryModes.Push
            ? "SubjectType 'pairwise' needs BackchannelClientNotificationEndpoint, whose host is the sector identifier (section 4)"
            : "SubjectType 'pairwise' needs JwksUri, whose host is the sector identifier (section 4)",
        { SubjectType: CibaSubjectTypes.Pairwise, BackchannelTokenDeliveryMode: CibaTokenDeliveryModes.Poll or CibaTokenDeliveryModes.Ping } when !ProvesItsKeys(client) =>
            "SubjectType 'pairwise' needs proof that the keys at JwksUri are the client's (section 4): "
                + $"use {PrivateKeyJwt}, {SelfSignedTlsClientAuth}, or signed requests (BackchannelAuthenticationRequestSigningAlg)",
        { SubjectType: CibaSubjectTypes.Pairwise } => null,
        _ => $"SubjectType '{client.SubjectType}' is unknown; use public or pairwise",
    };

    // Section 4: anybody may name another client's jwks_uri, whose host would give it the other's subject identifiers.
    private static bool ProvesItsKeys(CibaClient client) =>
        client.BackchannelAuthenticationRequestSigningAlg is not null || client.TokenEndpointAuthMethod is PrivateKeyJwt or SelfSignedTlsClientAuth;

    private static string? ScopeValues(CibaClient client) =>
        client.Scopes is null ? "Scopes is null; leave it out, or give it a list"
        : client.Scopes.All(SpaceSeparated.IsValue) ? null
        : "Scopes holds a value that is no scope (RFC 6749 section 3.3)";

    private static string? Logo(CibaClient client) =>
        client.LogoUri is { } logo && !IsSafeUrl(logo) ? "LogoUri must be an absolute https URL (http only for loopback)" : null;

    private static string? DetailsTypes(CibaClient client) =>
        client.AuthorizationDetailsTypes is null || client.AuthorizationDetailsTypes.Any(string.IsNullOrEmpty)
            ? "AuthorizationDetailsTypes is null or has an empty entry; leave it out, or give it a list of types" : null;

    private static IEnumerable<string> Keys(CibaClient client)
    {
        if (client.JwksUri is { } jwksUri && !IsSafeUrl(jwksUri))
        {
            yield return "JwksUri must be an absolute https URL (http only for loopback)";
        }

        if (client.Jwks is { } jwks)
        {
            var keys = ReadKeySets.Get(jwks, out var problem);
            if (problem is not null)
            {
                yield return $"Jwks {problem}";
            }
            else if (client.TokenEndpointAuthSigningAlg is { } algorithm && JoseAlgorithms.Asymmetric.Contains(algorithm) && !keys!.Has(algorithm))
            {
                yield return $"Jwks holds no key for {algorithm}";
            }
            else if (client.TokenEndpointAuthMethod == PrivateKeyJwt && !keys!.HasKeys)
            {
                yield return $"Jwks {ClientKeySet.NoKey}";
            }
            else if (RegisteredCertificate(client, keys!) is { } missing)
            {
                yield return missing;
            }
        }

        if (client is { Jwks: not null, JwksUri: not null })
        {
            yield return "Jwks and JwksUri exclude each other";
        }
        else if (client is { TokenEndpointAuthMethod: PrivateKeyJwt, Jwks: null, JwksUri: null })
        {
            yield return $"{PrivateKeyJwt} needs the client's public keys: Jwks or JwksUri";
        }
        else if (client is { TokenEndpointAuthMethod: SelfSignedTlsClientAuth, Jwks: null, JwksUri: null })
        {
            yield return $"TokenEndpointAuthMethod '{SelfSignedTlsClientAuth}' needs the client's certificates, as x5c of keys: Jwks or JwksUri";
        }
    }

    private static bool IsSafeUrl(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri)
        && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback))
        && uri.UserInfo.Length == 0;
}
