namespace Ciba.AspNetCore.Store;

/// <summary>
/// One attempt that several limits count. What it began is given back at its end, whether it was refused, failed or turned out to be
/// none, unless it <see cref="Counts"/>.
/// </summary>
internal sealed class CountedAttempt(ICibaUserCodeLimiter limiter) : IAsyncDisposable
{
    private readonly string _name = Guid.NewGuid().ToString("N");
    private readonly List<string> _begun = [];

    public bool Counts { get; set; }

    public async ValueTask<bool> TryBeginAsync(string key, int limit, TimeSpan window, CancellationToken cancellationToken)
    {
        if (!await limiter.TryBeginAsync(key, _name, limit, window, cancellationToken))
        {
            return false;
        }

        _begun.Add(key);
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        if (Counts)
        {
            return;
        }

        foreach (var key in _begun)
        {
            await limiter.SucceededAsync(key, _name, CancellationToken.None);
        }
    }
}
