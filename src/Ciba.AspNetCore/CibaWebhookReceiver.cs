namespace Ciba.AspNetCore;

/// <summary>
/// What the service behind a webhook judges its calls by: signed by the provider, for this URL, not long ago, and not seen before. One
/// for all calls of a process; safe to use from many threads.
/// </summary>
/// <remarks>
/// It remembers the calls that it has accepted in memory, for twice the tolerance. Where several processes receive, let
/// <see cref="TryAccept(string?, ReadOnlySpan{byte}, out string?)"/> say the name of the call, and remember it where all of them look.
/// </remarks>
public sealed class CibaWebhookReceiver
{
    private readonly string _url;
    private readonly string[] _secrets;
    private readonly TimeSpan _tolerance;
    private readonly TimeProvider _time;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _accepted = new(StringComparer.Ordinal);
    private readonly Queue<(string Id, DateTimeOffset Until)> _due = new();

    /// <param name="url">The URL as <see cref="CibaWebhookOptions.Url"/> has it at the provider.</param>
    /// <param name="secrets">The secrets that may have signed: one, or while they change two.</param>
    /// <param name="tolerance">How far the time of a signature may be from the clock, before or after. The default is 5 min.</param>
    /// <param name="timeProvider">The clock. The default is that of the system.</param>
    /// <exception cref="ArgumentException">There is no secret, or an empty one.</exception>
    public CibaWebhookReceiver(string url, IEnumerable<string> secrets, TimeSpan? tolerance = null, TimeProvider? timeProvider = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(url);
        ArgumentNullException.ThrowIfNull(secrets);
        _url = url;
        _secrets = [.. secrets];
        if (_secrets.Length == 0 || _secrets.Any(string.IsNullOrEmpty))
        {
            throw new ArgumentException("At least one secret is needed, and none may be empty.", nameof(secrets));
        }

        _tolerance = tolerance ?? TimeSpan.FromMinutes(5);
        _time = timeProvider ?? TimeProvider.System;
    }

    /// <summary>Whether a call is the provider's and comes for the first time. A call that is not is to be answered with an error.</summary>
    /// <param name="header">The value of <see cref="CibaWebhookSignature.HeaderName"/>; null where there is none.</param>
    /// <param name="body">The body, byte by byte as it came.</param>
    public bool TryAccept(string? header, ReadOnlySpan<byte> body) => TryAccept(header, body, out _);

    /// <summary>Whether a call is the provider's and comes for the first time. A call that is not is to be answered with an error.</summary>
    /// <param name="header">The value of <see cref="CibaWebhookSignature.HeaderName"/>; null where there is none.</param>
    /// <param name="body">The body, byte by byte as it came.</param>
    /// <param name="id">The name of the call, which no other has; null where it is not the provider's.</param>
    public bool TryAccept(string? header, ReadOnlySpan<byte> body, out string? id)
    {
        var now = _time.GetUtcNow();
        id = CibaWebhookSignature.Verify(header, body, _url, _secrets, now, _tolerance);
        if (id is null)
        {
            return false;
        }

        lock (_gate)
        {
            while (_due.TryPeek(out var oldest) && oldest.Until <= now)
            {
                _accepted.Remove(_due.Dequeue().Id);
            }

            if (!_accepted.Add(id))
            {
                return false;
            }

            // Signed on a clock that is ahead by the tolerance, it counts for so much longer.
            _due.Enqueue((id, now + (_tolerance * 2) + TimeSpan.FromSeconds(1)));
            return true;
        }
    }
}
