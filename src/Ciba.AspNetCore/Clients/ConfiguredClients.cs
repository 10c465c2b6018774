using System.Collections.Frozen;
using Ciba.AspNetCore.Settings;
using Microsoft.Extensions.Configuration;

namespace Ciba.AspNetCore.Clients;

/// <summary>Where <c>AddClients</c> was told to take clients from.</summary>
internal sealed class ClientSources
{
    public List<IConfiguration> Sections { get; } = [];

    public List<CibaClient> Clients { get; } = [];
}

/// <summary>The clients of the configuration, read once. Secrets that need not be known are kept as their hash.</summary>
internal sealed class ConfiguredClients : ICibaClientStore
{
    private static readonly Setting Settings = Setting.Core.Members["Clients"].Item!;

    private readonly FrozenDictionary<string, CibaClient> _clients;

    public ConfiguredClients(ClientSources sources)
    {
        var problems = new List<string>();
        All = [.. sources.Sections.SelectMany(section => section.GetChildren()).Select(child => Read(child, problems)).OfType<CibaClient>(), .. sources.Clients];
        if (All.Count == 0 && problems.Count == 0)
        {
            problems.Add($"No client is configured: {Named(sources.Sections)} given to AddClients is empty or missing. It holds a list of clients.");
        }

        problems.AddRange(All.GroupBy(client => client.ClientId).Where(same => same.Count() > 1)
            .Select(same => $"Client '{same.Key}': ClientId is there {same.Count()} times."));
        foreach (var client in All)
        {
            KeepOnlyHashes(client);
            problems.AddRange(RegisteredClient.Of(client).Problems);
        }

        Problems = problems;
        _clients = All.Where(client => client.ClientId is not null).DistinctBy(client => client.ClientId).ToFrozenDictionary(client => client.ClientId, StringComparer.Ordinal);
    }

    public IReadOnlyList<CibaClient> All { get; }

    public IReadOnlyList<string> Problems { get; }

    public ValueTask<CibaClient?> FindAsync(string clientId, CancellationToken cancellationToken) => new(_clients.GetValueOrDefault(clientId));

    private static CibaClient? Read(IConfigurationSection section, List<string> problems)
    {
        var name = section[nameof(CibaClient.ClientId)] ?? section.Path;
        if (!section.GetChildren().Any())
        {
            problems.Add($"Client '{name}': it is no object with the settings of a client.");
            return null;
        }

        var read = new SettingsReader(Settings, "a client", "").Read(section);
        problems.AddRange(read.Problems.Select(problem => $"Client '{name}': {problem}"));
        return new ConfigurationBuilder().AddInMemoryCollection(read.Values).Build().Get<CibaClient>();
    }

    private static string Named(IEnumerable<IConfiguration> sections) =>
        string.Join(", ", sections.OfType<IConfigurationSection>().Select(section => $"the section {section.Path}")) is { Length: > 0 } named ? named : "the section";

    private static void KeepOnlyHashes(CibaClient client)
    {
        if (client.TokenEndpointAuthMethod != CibaClientAuthenticationMethods.ClientSecretJwt && client.ClientSecrets is { } secrets)
        {
            client.ClientSecrets = [.. secrets.Select(secret => string.IsNullOrEmpty(secret) || ClientSecret.IsHash(secret) || ClientSecret.IsBrokenHash(secret) ? secret : ClientSecret.Hash(secret))];
        }
    }
}
