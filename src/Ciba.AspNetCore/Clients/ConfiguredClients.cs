using System.Collections.Frozen;
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
    private static readonly FrozenSet<string> KnownSettings = new[]
    {
        nameof(CibaClient.ClientId), nameof(CibaClient.ClientName), nameof(CibaClient.ClientSecrets), nameof(CibaClient.TokenEndpointAuthMethod),
        nameof(CibaClient.TokenEndpointAuthSigningAlg), nameof(CibaClient.GrantTypes), nameof(CibaClient.BackchannelTokenDeliveryMode),
        nameof(CibaClient.BackchannelClientNotificationEndpoint), nameof(CibaClient.BackchannelAuthenticationRequestSigningAlg),
        nameof(CibaClient.BackchannelUserCodeParameter), nameof(CibaClient.IdTokenSignedResponseAlg), nameof(CibaClient.Scopes),
        nameof(CibaClient.Jwks), nameof(CibaClient.JwksUri), nameof(CibaClient.SubjectType), nameof(CibaClient.LogoUri),
        nameof(CibaClient.AuthorizationDetailsTypes), nameof(CibaClient.Resources), nameof(CibaClient.TlsClientAuthSubjectDn),
        nameof(CibaClient.TlsClientAuthSanDns), nameof(CibaClient.TlsClientAuthSanUri), nameof(CibaClient.TlsClientAuthSanIp),
        nameof(CibaClient.TlsClientAuthSanEmail), nameof(CibaClient.TlsClientCertificateBoundAccessTokens),
        nameof(CibaClient.DpopBoundAccessTokens), nameof(CibaClient.Profile),
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> Lists = new[]
    {
        nameof(CibaClient.ClientSecrets), nameof(CibaClient.GrantTypes), nameof(CibaClient.Scopes), nameof(CibaClient.AuthorizationDetailsTypes),
        nameof(CibaClient.Resources),
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private readonly FrozenDictionary<string, CibaClient> _clients;

    public ConfiguredClients(ClientSources sources)
    {
        var problems = new List<string>();
        All = [.. sources.Sections.SelectMany(section => section.GetChildren()).Select(child => Read(child, problems)).OfType<CibaClient>(), .. sources.Clients];
        if (All.Count == 0 && problems.Count == 0)
        {
            problems.Add("No client is configured: the section given to AddClients is empty or missing. It holds a list of clients.");
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

        problems.AddRange(section.GetChildren().Select(Problem).OfType<string>().Select(problem => $"Client '{name}': {problem}."));

        try
        {
            return section.Get<CibaClient>();
        }
        catch (InvalidOperationException exception)
        {
            problems.Add($"Client '{name}': {exception.Message}");
            return null;
        }
    }

    // The binder passes over a value of the wrong shape, and the client would have the default: all grant types, say.
    private static string? Problem(IConfigurationSection setting) => setting.Key switch
    {
        var key when !KnownSettings.Contains(key) => $"{key} is not a setting of a client; correct its name or leave it out",
        var key when !Lists.Contains(key) => setting.GetChildren().Any() ? $"{key} is a list or an object; a single value is expected" : null,
        var key when !string.IsNullOrEmpty(setting.Value) => $"{key} is a single value; a list is expected",
        var key => setting.GetChildren().Any(entry => entry.GetChildren().Any()) ? $"{key} holds a list or an object; texts are expected" : null,
    };

    private static void KeepOnlyHashes(CibaClient client)
    {
        if (client.TokenEndpointAuthMethod != CibaClientAuthenticationMethods.ClientSecretJwt && client.ClientSecrets is { } secrets)
        {
            client.ClientSecrets = [.. secrets.Select(secret => string.IsNullOrEmpty(secret) || ClientSecret.IsHash(secret) || ClientSecret.IsBrokenHash(secret) ? secret : ClientSecret.Hash(secret))];
        }
    }
}
