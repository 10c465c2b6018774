using Ciba.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>
/// Whether the device may be notified once more of a request that is pending, by a resend or a retry: not while the user blocks the
/// client or wants to be left alone by it, and within the limits.
/// </summary>
internal sealed class RepeatedNotifications(ICibaRequestStore store, HostCalls host, IServiceProviderIsService registered, IOptions<CibaOptions> options, TimeProvider time)
{
    private readonly bool _canBlock = registered.IsService(typeof(ICibaClientBlocks));

    /// <summary>How long a retry may take until it is known whether it may be: a wait for a place, and the question to the host.</summary>
    public TimeSpan Timeout => _canBlock ? options.Value.Callbacks.Timeout + options.Value.DeviceNotificationTimeout : TimeSpan.Zero;

    /// <summary>Counts a resend, by the client or by the user.</summary>
    public async ValueTask<RepeatResult> TryResendAsync(CibaRequest request, bool byClient, ICibaClientBlocks? blocks, CancellationToken cancellationToken)
    {
        var isBlocked = blocks is not null && await IsBlockedAsync(request, blocks, cancellationToken);

        // Where users are concealed, the client does not learn that it is blocked.
        return !isBlocked ? await TryCountAsync(request, byClient, cancellationToken)
            : byClient && request.LimitGroup is not null ? await TryCountAsync(request.Conceal(), byClient, cancellationToken)
            : new(RepeatStatus.Blocked);
    }

    /// <summary>Counts a retry, off any request.</summary>
    public async ValueTask<RepeatResult> TryRetryAsync(CibaRequest request) =>
        _canBlock && await IsBlockedAsync(request) ? new(RepeatStatus.Blocked) : await TryCountAsync(request, byClient: false, CancellationToken.None);

    private static async ValueTask<bool> IsBlockedAsync(CibaRequest request, ICibaClientBlocks blocks, CancellationToken cancellationToken)
    {
        try
        {
            return await blocks.IsBlockedAsync(request.Subject, request.ClientId, cancellationToken);
        }
        catch (Exception exception) when (request.IsConcealed && exception is not OperationCanceledException)
        {
            // There may be no such user.
            return false;
        }
    }

    private async ValueTask<bool> IsBlockedAsync(CibaRequest request)
    {
        using var timeout = new CancellationTokenSource(Timeout, time);
        var token = timeout.Token;
        return await host.AskAsync(request, services => services.GetRequiredService<ICibaClientBlocks>().IsBlockedAsync(request.Subject, request.ClientId, token), token);
    }

    private async ValueTask<RepeatResult> TryCountAsync(CibaRequest request, bool byClient, CancellationToken cancellationToken)
    {
        var counted = await store.CountNotificationAsync(request, options.Value.Limits.Notifications, byClient, time.GetUtcNow(), cancellationToken);
        return counted.Status switch
        {
            CibaNotificationStatus.Counted => new(RepeatStatus.Allowed),
            CibaNotificationStatus.Concealed => new(RepeatStatus.Concealed),
            CibaNotificationStatus.Cooldown => new(RepeatStatus.Cooldown, counted.RetryAfter),
            _ => new(RepeatStatus.LimitReached, counted.RetryAfter),
        };
    }
}

/// <summary>Whether a device may be notified once more.</summary>
/// <param name="Status">Whether it may, or why not.</param>
/// <param name="RetryAfter">When it may.</param>
internal readonly record struct RepeatResult(RepeatStatus Status, TimeSpan RetryAfter = default);

internal enum RepeatStatus
{
    Allowed,

    /// <summary>It may not, and the client must not notice.</summary>
    Concealed,
    LimitReached,
    Cooldown,
    Blocked,
}
