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
    private const int MaxSaid = 1000;

    private static readonly CibaError BadRegistration = CibaError.UnauthorizedClient.With("This client's registration does not allow CIBA: the provider's log says why.");

    private static readonly CibaError ForbiddenMethod = CibaError.InvalidClient.With($"The FAPI-CIBA profile takes clients that authenticate with {string.Join(", ", FapiCiba.AuthenticationMethods)}.");

    // Once for each registration, however often somebody names the client, and though a store may make the client anew each time.
    private readonly BoundedMemory<bool> _said = new(MaxSaid);

    public async ValueTask<Outcome<RegisteredClient>> AuthenticateAsync(HttpContext context, FormParameters form)
    {
        if (ClientCredentials.Read(context.Request, form).Failed(out var error, out var credentials))
        {
            return error;
        }

        if (await FindAsync(context, credentials.ClientId) is not { } found
            || (credentials.Kind == ClientCredentialsKind.Certificate && !ClientRules.UsesCertificate(found.TokenEndpointAuthMethod)))
        {
            return Unknown(credentials);
        }

        // Before a user is asked for what cannot be issued.
        var client = RegisteredClient.Of(found);
        var problems = Problems(client);
        if (problems.Count > 0)
        {
            return await RefuseAsync(context, credentials, client, problems);
        }

        if (credentials.Kind != Kind(found.TokenEndpointAuthMethod))
        {
            return CibaError.InvalidClient.With($"This client authenticates with {found.TokenEndpointAuthMethod}: {Instruction(found.TokenEndpointAuthMethod)}.");
        }

        return await CheckAsync(context, credentials, client) is { } wrong ? wrong : client;
    }

    // A text that cannot be registered is not put before the host's store, whose database may choke on it. Databases like to compare
    // without letter case or trailing spaces: that is no match here.
    private static async ValueTask<CibaClient?> FindAsync(HttpContext context, string clientId) =>
        ClientRules.IsClientId(clientId)
        && await context.RequestServices.GetRequiredService<ICibaClientStore>().FindAsync(clientId, context.RequestAborted) is { } found
        && found.ClientId == clientId ? found : null;

    private static CibaError Unknown(ClientCredentials credentials) =>
        credentials.Kind == ClientCredentialsKind.Certificate ? ClientCredentials.None : CibaError.InvalidClient;

    private async ValueTask<CibaError?> CheckAsync(HttpContext context, ClientCredentials credentials, RegisteredClient client)
    {
        if (credentials.Assertion is { } assertion)
        {
            return await assertions.CheckAsync(assertion, client, context.RequestServices.GetRequiredService<CibaTenant>(), context.RequestAborted);
        }

        if (credentials.Kind == ClientCredentialsKind.Certificate)
        {
            return await certificates.CheckAsync(context, client);
        }

        return ClientSecret.Matches(credentials.Secret!, client.SecretDigests) ? null : CibaError.InvalidClient;
    }

    // Whoever is not the client, or cannot be known for it, is told no more than of a client that is not there.
    private async ValueTask<CibaError> RefuseAsync(HttpContext context, ClientCredentials credentials, RegisteredClient client, IReadOnlyList<string> problems)
    {
        var said = string.Join(" ", problems);
        if (!_said.TryGet(said, out _))
        {
            _said.Set(said, true);
            Misregistered(said);
        }

        var isKnowable = credentials.Kind == Kind(client.Client.TokenEndpointAuthMethod) && (credentials.Secret is not null || client.Problems.Count == 0);
        return !isKnowable || await CheckAsync(context, credentials, client) is not null ? Unknown(credentials)
            : IsForbidden(client.Client) ? ForbiddenMethod
            : BadRegistration;
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
