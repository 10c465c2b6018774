using Ciba.AspNetCore.Callbacks;
using Ciba.AspNetCore.Store;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Device;

/// <summary>Tells the device again of a request that waits, because user or client ask for it, and not too often.</summary>
internal sealed class Resends(ICibaUserCodeLimiter limiter, OutboxWorker outbox, AuthReqIds ids, IOptions<CibaOptions> options)
{
    public const string ToldOften = "The device was told again as often as is allowed: there is no more of it for this request.";

    private int Seconds => (int)Math.Ceiling(options.Value.ResendInterval.TotalSeconds);

    /// <summary>What is said to who comes too soon, with <c>Retry-After</c>: the whole interval, as nobody keeps when it began.</summary>
    public string WaitFirst(HttpContext context)
    {
        context.Response.Headers.RetryAfter = Seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return $"The device was told again a moment ago: wait {Seconds} seconds.";
    }

    public async ValueTask<ResendResult> TryAsync(CibaRequest request, CancellationToken cancellationToken)
    {
        var limits = options.Value;
        var count = $"resends\n{request.Id}";

        // The count first: who has none left shall not wait for nothing.
        if (limits.MaxResends == 0 || !await limiter.TryBeginAsync(count, limits.MaxResends, limits.MaxRequestLifetime, cancellationToken))
        {
            return ResendResult.TooOften;
        }

        if (!await limiter.TryBeginAsync($"resent\n{request.Id}", 1, limits.ResendInterval, cancellationToken))
        {
            await limiter.SucceededAsync(count, cancellationToken);
            return ResendResult.TooSoon;
        }

        // Nobody has no device, which a client must not notice.
        if (!ids.IsDecoy(request.Subject))
        {
            outbox.NotifyAgain(request);
        }

        return ResendResult.Told;
    }
}

/// <summary>Whether the device is told again, or why not.</summary>
internal enum ResendResult
{
    Told,
    TooSoon,
    TooOften,
}
