using Ciba.AspNetCore.Callbacks;
using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Token;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Startup;

/// <summary>Looks at everything before the first request, and says all that is wrong in one exception.</summary>
internal sealed class StartupCheck(IServiceProvider services, IServiceProviderIsService registered, IOptions<CibaOptions> options) : IHostedLifecycleService
{
    private static readonly (Type Interface, string Method)[] Required =
    [
        (typeof(ICibaClientStore), "AddClients(...) or AddClientStore<T>()"),
        (typeof(ICibaUserLookup), "AddUserLookup<T>()"),
        (typeof(ICibaDeviceNotifier), "AddDeviceNotifier<T>()"),
        (typeof(ICibaTokenIssuer), "AddTokenIssuer<T>() or AddJwtTokenIssuer(...)"),
    ];

    private IReadOnlyList<CibaClient> Clients => services.GetService<ConfiguredClients>()?.All ?? [];

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        ThrowIfWrong();
        services.GetRequiredService<TokenEndpointUse>().IsChecked = true;
        return Task.CompletedTask;
    }

    public void ThrowIfWrong()
    {
        List<string> problems =
        [
            .. Required.Where(required => !registered.IsService(required.Interface) && IsNeeded(required.Interface))
                .Select(required => $"{required.Interface.Name} is missing: add it with {required.Method} behind AddCiba()."),
            .. OptionRules.Check(options.Value, registered.IsService(typeof(ICibaTenants))),
            .. ConcealmentProblems(),
            .. services.GetService<ConfiguredClients>()?.Problems ?? [],
            .. Clients.Select(client => ClientRules.ModeIsOff(client, options.Value)).OfType<string>(),
            .. Clients.SelectMany(client => ClientRules.UnknownDetailsTypes(client, options.Value)),
            .. ClosedAddresses(),
            .. IssuerProblems(),
            .. IdentityModelVersions.Check(),
            .. services.GetServices<ICibaStartupCheck>().SelectMany(check => check.FindProblems(Clients)),
        ];
        if (problems.Count > 0)
        {
            throw new CibaConfigurationException(problems);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Who redeems by ICibaGrants issues its tokens itself.
    private bool IsNeeded(Type required) =>
        required != typeof(ICibaTokenIssuer)
        || services.GetRequiredService<TokenEndpointUse>().IsMapped
        || Clients.Any(client => client.BackchannelTokenDeliveryMode == CibaTokenDeliveryModes.Push);

    private string[] ConcealmentProblems() =>
        options.Value is { ConcealUnknownUsers: true, ConcealmentKey: null } && services.GetService<ICibaRequestStore>() is not MemoryCibaRequestStore
            ? ["CibaOptions: ConcealUnknownUsers needs a ConcealmentKey, the same on every node, where the store is not in memory."]
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

    private IEnumerable<string> IssuerProblems()
    {
        if (services.GetService<SigningKeys>() is not { } keys)
        {
            return [];
        }

        var rules = services.GetRequiredService<JwtIssuerRules>();
        return
        [
            .. keys.Problems,
            .. services.GetService<ICibaSigningKeys>() is SigningKeys or null ? Array.Empty<string>()
                : ["AddSigningKeys is for a token issuer of the host's own: leave it out, and give the keys to AddJwtTokenIssuer."],
            .. OptionRules.Check(services.GetRequiredService<IOptions<CibaJwtTokenIssuerOptions>>().Value),
            .. Clients.SelectMany(rules.Check),
        ];
    }
}
