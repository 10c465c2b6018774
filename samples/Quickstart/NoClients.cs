using Ciba.AspNetCore;

namespace Quickstart;

/// <summary>The clients of a Quickstart without configured ones and without the built-in ones.</summary>
public sealed class NoClients : ICibaClientStore
{
    public ValueTask<CibaClient?> FindAsync(string clientId, CancellationToken cancellationToken) => new((CibaClient?)null);
}
