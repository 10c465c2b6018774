using System.Text.Json;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;

namespace ExistingIdentityServer;

/// <summary>Users as ASP.NET Core Identity has them, the clients, and the codes and refresh tokens that are out.</summary>
public sealed class AppDb(DbContextOptions<AppDb> options) : IdentityDbContext<IdentityUser>(options)
{
    public DbSet<OAuthClient> Clients => Set<OAuthClient>();

    public DbSet<StoredToken> Tokens => Set<StoredToken>();

    public async Task<ClientRegistration?> FindClientAsync(string clientId, CancellationToken cancellationToken) =>
        await FindRegistrationAsync(clientId, cancellationToken) is { } registration ? JsonSerializer.Deserialize<ClientRegistration>(registration) : null;

    /// <summary>The JSON document of a client, or null. What no identifier can be is not looked for: PostgreSQL knows no U+0000.</summary>
    public async Task<string?> FindRegistrationAsync(string clientId, CancellationToken cancellationToken) =>
        clientId.Any(char.IsControl) ? null : (await Clients.FindAsync([clientId], cancellationToken))?.Registration;
}

/// <summary>An authorization code or a refresh token; both are good for one use.</summary>
public sealed class StoredToken
{
    /// <summary>The SHA-256 of what the client holds.</summary>
    public required string Id { get; init; }

    /// <summary>The grant type that it is for.</summary>
    public required string GrantType { get; init; }

    public required string ClientId { get; init; }

    public required string Subject { get; init; }

    public required string[] Scopes { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset? AuthTime { get; init; }

    public string? RedirectUri { get; init; }

    public string? CodeChallenge { get; init; }

    public string? Nonce { get; init; }
}
