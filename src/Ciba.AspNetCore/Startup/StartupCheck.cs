using Ciba.AspNetCore.Callbacks;
using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Device;
using Ciba.AspNetCore.Discovery;
using Ciba.AspNetCore.Jose;
using Ciba.AspNetCore.Notifiers;
using Ciba.AspNetCore.Profiles;
using Ciba.AspNetCore.Token;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Startup;

/// <summary>Looks at everything before the first request, and says all that is wrong in one exception.</summary>
internal sealed partial class StartupCheck(IServiceProvider services, IServiceProviderIsService registered, IOptions<CibaOptions> options) : IHostedLifecycleService
{
    private static readonly (Type Interface, string Method)[] Required =
    [
        (typeof(ICibaClientStore), "AddClients(...) or AddClientStore<T>()"),
        (typeof(ICibaUserLookup), "AddUserLookup<T>()"),
        (typeof(ICibaDeviceNotifier), "AddDeviceNotifier<T>()"),
        (typeof(ICibaTokenIssuer), "AddTokenIssuer<T>() or AddJwtTokenIssuer(...)"),
    ];

    private IReadOnlyList<AddedNotifier> Notifiers => services.GetRequiredService<AddedNotifiers>().InOrder;

    private TrustedAuthorities Authorities => services.GetRequiredService<TrustedAuthorities>();

    private IReadOnlyList<CibaClient> Clients => services.GetService<ConfiguredClients>()?.All ?? [];

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        ThrowIfWrong(await SigningKeyProblemsAsync(cancellationToken));
        services.GetRequiredService<TokenEndpointUse>().IsChecked = true;
        services.GetService<ConfiguredClients>()?.WarnOfWeakSecrets(services.GetRequiredService<ILogger<ConfiguredClients>>());

        // Made now: a cache in memory takes what was issued before it was made for used.
        services.GetRequiredService<ICibaReplayCache>();
    }

    /// <param name="more">What has been found wrong by others.</param>
    public void ThrowIfWrong(params IEnumerable<string> more)
    {
        List<string> problems =
        [
            .. Required.Where(required => !IsThere(required.Interface) && IsNeeded(required.Interface))
                .Select(required => $"{required.Interface.Name} is missing: add it with {required.Method} behind AddCiba()."),
            .. services.GetRequiredService<CibaConfiguration>().Problems,
            .. OptionProblems(),
            .. ConcealmentProblems(),
            .. services.GetService<ConfiguredClients>()?.Problems ?? [],
            .. Clients.Select(client => ClientRules.ModeIsOff(client, options.Value)).OfType<string>(),
            .. Clients.Select(client => ClientRules.RequestSigningIsOff(client, options.Value)).OfType<string>(),
            .. Clients.Select(client => ClientRules.HasTooManyKeys(client, options.Value)).OfType<string>(),
            .. Clients.SelectMany(client => ClientRules.UnknownDetailsTypes(client, options.Value)),
            .. Clients.Where(client => FapiCiba.AppliesTo(client, options.Value)).SelectMany(client => RegisteredClient.Of(client).FapiProblems),
            .. Clients.Select(client => ClientRules.DpopIsOff(client, options.Value)).OfType<string>(),
            .. NonceProblems(),
            .. Authorities.Problems,
            .. Clients.Select(client => ClientRules.MutualTlsIsMissing(client, options.Value, Authorities)).OfType<string>(),
            .. ClosedAddresses(),
            .. NotifierProblems(),
            .. IssuerProblems(),
            .. more,
            .. IdentityModelVersions.Check(),
            .. services.GetServices<ICibaStartupCheck>().SelectMany(check => check.FindProblems(Clients)),
        ];
        if (problems.Count > 0 && services.GetRequiredService<CibaConfiguration>().Section is { } section && !section.Exists())
        {
            problems.Insert(0, $"The section {section.Path} given to AddCiba is empty or missing.");
        }

        if (problems.Count > 0)
        {
            throw new CibaConfigurationException(problems);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // A generic host maps its endpoints when its server starts, which is behind StartingAsync.
    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        EndpointCheck.WarnIfUnmapped(services);
        FapiCipherSuites.WarnIfUnsupported(services, options.Value);
        WarnOutsideDevelopment();
        await ForgedRequests.WarnAsync(services);
        await DeviceAccess.WarnAsync(services);
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void WarnOutsideDevelopment()
    {
        if (services.GetService<IHostEnvironment>()?.IsDevelopment() is true)
        {
            return;
        }

        var logger = services.GetRequiredService<ILogger<StartupCheck>>();
        OutgoingHttp.WarnOfRisks(options.Value.Callbacks, logger);
        if (!options.Value.RequireHttps)
        {
            HttpIsAllowed(logger);
        }
    }

    // Who redeems by ICibaGrants issues its tokens itself.
    private bool IsNeeded(Type required) =>
        required != typeof(ICibaTokenIssuer) || services.GetRequiredService<TokenEndpointUse>().IsMapped;

    // A notifier that the host has put among its services itself has no place in the order.
    private bool IsThere(Type required) => required == typeof(ICibaDeviceNotifier) ? Notifiers.Count > 0 : registered.IsService(required);

    private IEnumerable<string> OptionProblems()
    {
        var hasTenants = registered.IsService(typeof(ICibaTenants));
        var problems = OptionRules.Check(options.Value, hasTenants).ToList();

        // Only right options have a document.
        return problems.Count > 0 ? problems : AdditionalMetadata.Check(options, hasTenants);
    }

    private IEnumerable<string> NotifierProblems() =>
    [
        .. Notifiers.Select(notifier => OptionRules.CheckTimeout(notifier.TimeoutName, notifier.Timeout(services))).OfType<string>(),
        .. Notifiers.Any(notifier => notifier.Type == typeof(WebhookNotifier))
            ? OptionRules.Check(services.GetRequiredService<IOptions<CibaWebhookOptions>>().Value) : [],
    ];

    private string[] ConcealmentProblems() =>
        options.Value is { ConcealUnknownUsers: true, ConcealmentKey: null } && services.GetService<ICibaRequestStore>() is not MemoryCibaRequestStore
            ? ["CibaOptions: ConcealUnknownUsers needs a ConcealmentKey, the same on every node, where the store is not in memory."]
            : [];

    // AddCiba() adds none, because AddDataProtection() makes a key ring when the host starts, needed or not.
    private string[] NonceProblems() =>
        options.Value is { Dpop.RequireNonce: true, DpopAlgorithms.Count: > 0 } && !registered.IsService(typeof(IDataProtectionProvider))
            ? ["CibaOptions: Dpop.RequireNonce needs services.AddDataProtection(), with keys that all nodes share where there are several."]
            : [];

    private IEnumerable<string> ClosedAddresses() =>
        from client in Clients
        from called in Called(client)
        let problem = WhyNot(called.Url)
        where problem is not null
        select $"Client '{client.ClientId}': {called.Field} {problem}.";

    private string? WhyNot(string? url) => Uri.TryCreate(url, UriKind.Absolute, out var parsed) ? services.GetRequiredService<AddressRules>().WhyNot(parsed) : null;

    private static IEnumerable<(string Field, string? Url)> Called(CibaClient client)
    {
        yield return (nameof(client.JwksUri), client.JwksUri);
        if (client.BackchannelTokenDeliveryMode is CibaTokenDeliveryModes.Ping or CibaTokenDeliveryModes.Push)
        {
            yield return (nameof(client.BackchannelClientNotificationEndpoint), client.BackchannelClientNotificationEndpoint);
        }
    }

    // The ready issuer's are looked at with its options.
    private async Task<IEnumerable<string>> SigningKeyProblemsAsync(CancellationToken cancellationToken)
    {
        if (services.GetService<SigningKeys>() is not null || services.GetService<ICibaSigningKeys>() is not { } signingKeys)
        {
            return [];
        }

        try
        {
            return ProviderKeys.Check(await signingKeys.GetAsync(cancellationToken));
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Where they lie may not be there yet: what is wrong with them is in the log when they are asked for.
            return [];
        }
    }

    private IEnumerable<string> IssuerProblems()
    {
        if (services.GetService<SigningKeys>() is not { } keys)
        {
            return [];
        }

        var rules = services.GetRequiredService<IIssuerRules>();
        return
        [
            .. keys.Problems,
            .. services.GetService<ICibaSigningKeys>() is SigningKeys or null ? Array.Empty<string>()
                : ["AddSigningKeys is for a token issuer of the host's own: leave it out, and give the keys to AddJwtTokenIssuer."],
            .. OptionRules.Check(services.GetRequiredService<IOptions<CibaJwtTokenIssuerOptions>>().Value),
            .. Clients.SelectMany(rules.Check),
        ];
    }

    [LoggerMessage(2, LogLevel.Warning, "CibaOptions: RequireHttps is switched off, so secrets, tokens and approvals may travel in plain text: leave it on, and let a proxy that ends TLS forward the scheme (UseForwardedHeaders)")]
    private static partial void HttpIsAllowed(ILogger logger);
}
