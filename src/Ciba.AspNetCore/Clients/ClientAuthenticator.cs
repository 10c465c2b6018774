using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Profiles;
using Ciba.AspNetCore.Token;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using static Ciba.AspNetCore.CibaClientAuthenticationMethods;

namespace Ciba.AspNetCore.Clients;

/// <summary>Tells who the client is: by its registered method and no other (section 7.1, section 10.1).</summary>
internal sealed partial class ClientAuthenticator(
    ClientAssertions assertions,
    ClientCertificates certificates,
    TrustedAuthorities authorities,
    IOptions<CibaOptions> options,
    ILogger<ClientAuthenticator> logger,
    JwtIssuerRules? issuerRules = null)
{
    private static readonly CibaError BadRegistration = CibaError.UnauthorizedClient.With("This client's registration does not allow CIBA: the provider's log says why.");

    private static readonly CibaError ForbiddenMethod = CibaError.InvalidClient.With($"The FAPI-CIBA profile takes clients that authenticate with {string.Join(", ", FapiCiba.AuthenticationMethods)}.");

    public async ValueTask<Outcome<RegisteredClient>> AuthenticateAsync(HttpContext context, FormParameters form)
    {
        if (ClientCredentials.Read(context.Request, form).Failed(out var error, out var credentials))
        {
            return error;
        }

        // A text that cannot be registered is not put before the host's store, whose database may choke on it.
        if (!ClientRules.IsClientId(credentials.ClientId)
            || await context.RequestServices.GetRequiredService<ICibaClientStore>().FindAsync(credentials.ClientId, context.RequestAborted) is not { } found
            || found.ClientId != credentials.ClientId)
        {
            // Databases like to compare without letter case or trailing spaces: that is no match here.
            return credentials.Kind == ClientCredentialsKind.Certificate ? ClientCredentials.None : CibaError.InvalidClient;
        }

        if (credentials.Kind == ClientCredentialsKind.Certificate && !ClientRules.UsesCertificate(found.TokenEndpointAuthMethod))
        {
            return ClientCredentials.None;
        }

        // Before a user is asked for what cannot be issued.
        var client = RegisteredClient.Of(found);
        var problems = Problems(client);
        if (problems.Count > 0)
        {
            Misregistered(string.Join(" ", problems));
            return IsForbidden(found) ? ForbiddenMethod : BadRegistration;
        }

        if (credentials.Kind != Kind(found.TokenEndpointAuthMethod))
        {
            return CibaError.InvalidClient.With($"This client authenticates with {found.TokenEndpointAuthMethod}: {Instruction(found.TokenEndpointAuthMethod)}.");
        }

        if (credentials.Assertion is { } assertion)
        {
            return await assertions.CheckAsync(assertion, client, context.RequestServices.GetRequiredService<CibaTenant>(), context.RequestAborted) is { } wrong ? wrong : client;
        }

        if (credentials.Kind == ClientCredentialsKind.Certificate)
        {
            return await certificates.CheckAsync(context, client) is { } wrong ? wrong : client;
        }

        return ClientSecret.Matches(credentials.Secret!, client.SecretDigests) ? client : CibaError.InvalidClient;
    }

    private IReadOnlyList<string> Problems(RegisteredClient client) =>
        client.Problems is { Count: > 0 } own ? own
        : ClientRules.MutualTlsIsMissing(client.Client, options.Value, authorities) is { } missing ? [missing]
        : ClientRules.DpopIsOff(client.Client, options.Value) is { } off ? [off]
        : FapiCiba.AppliesTo(client.Client, options.Value) && client.FapiProblems is { Count: > 0 } forbidden ? forbidden
        : issuerRules?.Check(client.Client) ?? [];

    private bool IsForbidden(CibaClient client) =>
        FapiCiba.AppliesTo(client, options.Value) && !FapiCiba.AuthenticationMethods.Contains(client.TokenEndpointAuthMethod);

    private static ClientCredentialsKind Kind(string method) => method switch
    {
        ClientSecretBasic => ClientCredentialsKind.Basic,
        ClientSecretPost => ClientCredentialsKind.Post,
        TlsClientAuth or SelfSignedTlsClientAuth => ClientCredentialsKind.Certificate,
        _ => ClientCredentialsKind.Assertion,
    };

    private static string Instruction(string method) => method switch
    {
        ClientSecretBasic => "send an Authorization: Basic header with client_id:client_secret, both form-encoded, and no secret in the form",
        ClientSecretPost => "send client_id and client_secret in the form, and no Authorization header",
        ClientSecretJwt => "send client_assertion, a JWT with an HMAC by the secret, and client_assertion_type",
        TlsClientAuth or SelfSignedTlsClientAuth => "show its certificate in the TLS handshake, and send client_id in the form and no secret, assertion or Authorization header",
        _ => "send client_assertion, a JWT signed with the client's private key, and client_assertion_type",
    };

    [LoggerMessage(1, LogLevel.Error, "A client was refused because of its registration. {Problems}")]
    private partial void Misregistered(string problems);
}
