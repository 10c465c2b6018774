using System.Globalization;
using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Profiles;
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
    FailedAuthentications failures,
    ClientAuthenticationReports reports,
    IOptions<CibaOptions> options,
    ILogger<ClientAuthenticator> logger,
    IIssuerRules? issuerRules = null)
{
    private const int MaxSaid = 1000;

    private static readonly ClientRefusal NotKnown = Unproven(ClientAuthenticationOutcome.UnknownClient, "There is no such client.");

    private static readonly ClientRefusal WrongSecret = Unproven(ClientAuthenticationOutcome.WrongCredentials, "The secret is wrong, or not form-encoded in a Basic header.");

    private static readonly ClientRefusal TooManyFailures = Unproven(
        ClientAuthenticationOutcome.Limited,
        "It failed too often from this address within a minute, and its credentials were not looked at (Limits.FailedAuthentications). Behind a proxy, UseForwardedHeaders tells callers apart.");

    private static readonly ClientRefusal StrangerToBadRegistration = Unproven(ClientAuthenticationOutcome.Misregistered, "The registration does not allow CIBA, and the caller has not proved to be the client.");

    private static readonly ClientRefusal BadRegistration = new(
        ClientAuthenticationOutcome.Misregistered,
        "The registration does not allow CIBA.",
        CibaError.UnauthorizedClient.With("This client's registration does not allow CIBA: the provider's log says why."));

    private static readonly ClientRefusal ForbiddenMethod = new(
        ClientAuthenticationOutcome.Misregistered,
        "The registered token_endpoint_auth_method is forbidden by the FAPI-CIBA profile.",
        CibaError.InvalidClient.With($"The FAPI-CIBA profile takes clients that authenticate with {string.Join(", ", FapiCiba.AuthenticationMethods)}."));

    // Once for each registration, however often somebody names the client, and though a store may make the client anew each time.
    private readonly BoundedMemory<bool> _said = new(MaxSaid);

    public async ValueTask<Outcome<RegisteredClient>> AuthenticateAsync(HttpContext context, FormParameters form)
    {
        if (!ClientCredentials.TryRead(context.Request, form, out var credentials, out var unreadable))
        {
            return Refuse(context, null, unreadable);
        }

        var found = await FindAsync(context, credentials.ClientId);
        var tenant = context.RequestServices.GetRequiredService<CibaTenant>();
        var caller = new FailedAuthentications.Caller(tenant.KeyOf(credentials.ClientId), context.Connection.RemoteIpAddress);

        // Not before the client is found, or many calls that wait for the store together would all be looked at.
        if (failures.WaitOf(caller) is { } wait)
        {
            return RefuseFor(context, wait, found);
        }

        if (await CheckAsync(context, credentials, found) is not { } refusal)
        {
            reports.Succeeded();
            return RegisteredClient.Of(found!);
        }

        // A name that no client can have is not kept.
        return refusal.IsUnproven && ClientRules.IsClientId(credentials.ClientId) && failures.Add(caller) is { } left
            ? RefuseFor(context, left, found)
            : Refuse(context, found?.ClientId, refusal);
    }

    private CibaError RefuseFor(HttpContext context, TimeSpan wait, CibaClient? found)
    {
        context.Response.Headers.RetryAfter = ((int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return Refuse(context, found?.ClientId, TooManyFailures);
    }

    private CibaError Refuse(HttpContext context, string? clientId, ClientRefusal refusal)
    {
        reports.Failed(context.RequestServices.GetRequiredService<CibaTenant>(), clientId, context.Connection.RemoteIpAddress, refusal);
        return refusal.Error;
    }

    // A text that cannot be registered is not put before the host's store, whose database may choke on it. Databases like to compare
    // without letter case or trailing spaces: that is no match here.
    private static async ValueTask<CibaClient?> FindAsync(HttpContext context, string clientId) =>
        ClientRules.IsClientId(clientId)
        && await context.RequestServices.GetRequiredService<ICibaClientStore>().FindAsync(clientId, context.RequestAborted) is { } found
        && found.ClientId == clientId ? found : null;

    private async ValueTask<ClientRefusal?> CheckAsync(HttpContext context, ClientCredentials credentials, CibaClient? found)
    {
        if (found is null)
        {
            DecoyCredentials.Check(credentials);
            return NotKnown;
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
            DecoyCredentials.Check(credentials);
            return Unproven(ClientAuthenticationOutcome.WrongMethod, $"The client is registered with {found.TokenEndpointAuthMethod} and used {Used(credentials.Kind)}.");
        }

        return await ProveAsync(context, credentials, client);
    }

    private async ValueTask<ClientRefusal?> ProveAsync(HttpContext context, ClientCredentials credentials, RegisteredClient client)
    {
        if (credentials.Assertion is { } assertion)
        {
            return await assertions.CheckAsync(context, assertion, client);
        }

        if (credentials.Kind == ClientCredentialsKind.Certificate)
        {
            return await certificates.CheckAsync(context, client);
        }

        return ClientSecret.Matches(credentials.Secret!, client.SecretDigests) ? null : WrongSecret;
    }

    // Whoever is not the client, or cannot be known for it, is told no more than of a client that is not there.
    private async ValueTask<ClientRefusal> RefuseAsync(HttpContext context, ClientCredentials credentials, RegisteredClient client, IReadOnlyList<string> problems)
    {
        var said = string.Join(" ", problems);
        if (!_said.TryGet(said, out _))
        {
            _said.Set(said, true);
            Misregistered(said);
        }

        if (credentials.Kind != Kind(client.Client.TokenEndpointAuthMethod) || (credentials.Secret is null && client.Problems.Count > 0))
        {
            DecoyCredentials.Check(credentials);
            return StrangerToBadRegistration;
        }

        return await ProveAsync(context, credentials, client) is not null ? StrangerToBadRegistration
            : IsForbidden(client.Client) ? ForbiddenMethod
            : BadRegistration;
    }

    private static ClientRefusal Unproven(ClientAuthenticationOutcome outcome, string reason) => ClientRefusal.Unproven(outcome, reason);

    private IReadOnlyList<string> Problems(RegisteredClient client) =>
        client.Problems is { Count: > 0 } own ? own
        : ClientRules.HasTooManyKeys(client.Client, options.Value) is { } tooMany ? [tooMany]
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

    private static string Used(ClientCredentialsKind kind) => kind switch
    {
        ClientCredentialsKind.Basic => ClientSecretBasic,
        ClientCredentialsKind.Post => ClientSecretPost,
        ClientCredentialsKind.Assertion => "client_assertion",
        _ => "client_id alone",
    };

    [LoggerMessage(1, LogLevel.Error, "A client was refused because of its registration. {Problems}")]
    private partial void Misregistered(string problems);
}
