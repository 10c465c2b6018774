namespace ExistingIdentityServer;

/// <summary>A row of the client table: a client, and its registration as a JSON document.</summary>
public sealed class OAuthClient
{
    public required string Id { get; init; }

    public required string Registration { get; set; }
}

/// <summary>What this server looks for in a registration. Each client has a secret, and sends it by HTTP Basic.</summary>
public sealed class ClientRegistration
{
    public required string ClientId { get; init; }

    public required string ClientName { get; init; }

    /// <summary><c>sha256:</c> and a hash in hexadecimal for each secret. They are of a machine's making, so a fast hash will do.</summary>
    public required string[] ClientSecrets { get; init; }

    public required string[] GrantTypes { get; init; }

    public required string[] Scopes { get; init; }

    public string[] RedirectUris { get; init; } = [];

    public bool HasSecret(string secret) => ClientSecrets.Any(registered => Hash.Matches(registered, secret));
}
