using System.Collections.Concurrent;
using Ciba.AspNetCore;

namespace Quickstart;

/// <summary>The clients that users have blocked from their phones, as long as this process lives.</summary>
public sealed class Blocks : ICibaClientBlocks
{
    private readonly ConcurrentDictionary<(string Subject, string ClientId), string> _names = [];

    public ValueTask BlockAsync(CibaDeviceRequest request, CancellationToken cancellationToken)
    {
        _names[(request.Subject, request.ClientId)] = request.ClientName;
        return default;
    }

    public ValueTask<bool> IsBlockedAsync(string subject, string clientId, CancellationToken cancellationToken) =>
        new(_names.ContainsKey((subject, clientId)));

    public IEnumerable<BlockedClient> Of(string subject) =>
        _names.Where(block => block.Key.Subject == subject).Select(block => new BlockedClient(block.Key.ClientId, block.Value));

    public void Remove(string subject, string clientId) => _names.TryRemove((subject, clientId), out _);
}

/// <summary>A client that a user wants to hear nothing more of.</summary>
public sealed record BlockedClient(string Id, string Name);
