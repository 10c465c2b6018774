using System.Collections.Frozen;
using Ciba.AspNetCore.Settings;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Clients;

/// <summary>Where <c>AddClients</c> was told to take clients from.</summary>
internal sealed class ClientSources
{
    public List<IConfiguration> Sections { get; } = [];

    public List<CibaClient> Clients { get; } = [];
}

/// <summary>The clients of the configuration, read once. Secrets that need not be known are kept as their hash.</summary>
internal sealed partial class ConfiguredClients : ICibaClientStore
{
    private static readonly Setting Settings = Setting.Core.Members["Clients"].Item!;

    private readonly FrozenDictionary<string, CibaClient> _clients;

    private readonly List<string> _weak = [];

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
            if (HasWeakSecret(client))
            {
                _weak.Add(client.ClientId);
            }

            KeepOnlyHashes(client);
            problems.AddRange(RegisteredClient.Of(client).Problems);
        }

        Problems = problems;
        _clients = All.Where(client => client.ClientId is not null).DistinctBy(client => client.ClientId).ToFrozenDictionary(client => client.ClientId, StringComparer.Ordinal);
    }

    public IReadOnlyList<CibaClient> All { get; }

    public IReadOnlyList<string> Problems { get; }

    public ValueTask<CibaClient?> FindAsync(string clientId, CancellationToken cancellationToken) => new(_clients.GetValueOrDefault(clientId));

    /// <summary>Warns of secrets that may be guessed. Those that are registered as a hash cannot be judged.</summary>
    public void WarnOfWeakSecrets(ILogger logger)
    {
        if (_weak.Count > 0)
        {
            WeakSecrets(logger, string.Join(", ", _weak));
        }
    }

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

    private static bool HasWeakSecret(CibaClient client) =>
        ClientRules.UsesSecret(client.TokenEndpointAuthMethod) && client.ClientSecrets is { } secrets && secrets.Any(secret => !string.IsNullOrEmpty(secret) && ClientSecret.IsWeak(secret));

    [LoggerMessage(1, LogLevel.Warning, "These clients have a secret of less than 128 bits, by its length and characters, which may be guessed: {ClientIds}. Use random secrets, such as 32 bytes in base64")]
    private static partial void WeakSecrets(ILogger logger, string clientIds);
}
