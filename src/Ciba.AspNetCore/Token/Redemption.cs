using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Token;

/// <summary>The lease on one approved request: ended once, with success or by giving it back.</summary>
internal sealed partial class Redemption(ICibaRequestStore store, CibaRequest request, string lease, Signals signals, ILogger logger)
{
    private bool _ended;
    private bool _completed;

    public async ValueTask<bool> CompleteAsync(CancellationToken cancellationToken)
    {
        if (_ended)
        {
            return _completed;
        }

        try
        {
            _completed = await store.CompleteAsync(request.Id, lease, cancellationToken);
        }
        catch (CibaStoreUnavailableException)
        {
            // Whether the step was taken is not known. What was not is given back, and the caller, who has waited long
            // enough, does not wait for it.
            _ = GiveBackAsync().AsTask();
            throw;
        }

        _ended = true;
        if (_completed)
        {
            signals.Redeemed(request);
            Redeemed(request.ClientId, CibaLog.Short(request.Id));
        }
        else
        {
            LeaseLost(request.ClientId, CibaLog.Short(request.Id));
        }

        return _completed;
    }

    public async ValueTask GiveBackAsync()
    {
        if (_ended)
        {
            return;
        }

        _ended = true;
        try
        {
            await store.ReleaseAsync(request.Id, lease, CancellationToken.None);
        }
        catch (Exception exception)
        {
            // The lease returns by itself; what made it fail is being reported already.
            NotReleased(CibaLog.Short(request.Id), exception is CibaStoreUnavailableException ? null : exception);
        }
    }

    [LoggerMessage(11, LogLevel.Information, "Request {Request} redeemed by client {ClientId}")]
    private partial void Redeemed(string clientId, string request);

    [LoggerMessage(12, LogLevel.Warning, "The lease on request {Request} of client {ClientId} ran out before its tokens were there: they were thrown away")]
    private partial void LeaseLost(string clientId, string request);

    [LoggerMessage(13, LogLevel.Warning, "The lease on request {Request} could not be given back and will run out")]
    private partial void NotReleased(string request, Exception? exception);
}
