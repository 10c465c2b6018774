using Ciba.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>What the operator learns of the outbox.</summary>
internal sealed partial class OutboxWorker
{
    // 1 while an outage lasts that the operator knows of.
    private int _saidUnavailable;

    private void SayFailed(CibaOutboxEntry entry, TimeSpan wait, string reason)
    {
        var request = entry.Request;
        if (entry.Status == CibaRequestStatus.Pending)
        {
            NotNotified(CibaLog.Short(request.Id), wait, reason);
        }
        else
        {
            NotDelivered(request.TokenDeliveryMode, CibaLog.Short(request.Id), request.ClientId, wait, reason);
            _signals.Retried(request.TokenDeliveryMode);
        }
    }

    private void SayLater(CibaOutboxEntry entry, TimeSpan wait, string reason)
    {
        var request = entry.Request;
        if (entry.Status == CibaRequestStatus.Pending)
        {
            NotifiedLater(CibaLog.Short(request.Id), wait, reason);
        }
        else
        {
            LeftToOthers(request.TokenDeliveryMode, CibaLog.Short(request.Id), request.ClientId, wait, reason);
        }
    }

    private void SayGivenUp(CibaOutboxEntry entry, string reason)
    {
        var request = entry.Request;
        if (entry.Status == CibaRequestStatus.Pending)
        {
            NeverNotified(CibaLog.Short(request.Id), reason);
        }
        else
        {
            NeverDelivered(request.TokenDeliveryMode, CibaLog.Short(request.Id), request.ClientId, reason);
            _signals.Undelivered(request, request.TokenDeliveryMode, reason);
        }
    }

    private void SayUnavailable(Exception exception)
    {
        // Several looks meet with it at once.
        if (Interlocked.Exchange(ref _saidUnavailable, 1) == 0 || exception is not CibaStoreUnavailableException)
        {
            NotLooked(exception is CibaStoreUnavailableException ? exception.Message : "an unexpected failure", exception is CibaStoreUnavailableException ? null : exception);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The device could not be notified of request {Request}; the next try is in {Wait}: {Reason}")]
    private partial void NotNotified(string request, TimeSpan wait, string reason);

    [LoggerMessage(2, LogLevel.Error, "The device could not be notified of request {Request} in its lifetime: {Reason}")]
    private partial void NeverNotified(string request, string reason);

    [LoggerMessage(3, LogLevel.Warning, "The {Mode} for request {Request} of client {ClientId} was not delivered; the next try is in {Wait}: {Reason}")]
    private partial void NotDelivered(string mode, string request, string clientId, TimeSpan wait, string reason);

    [LoggerMessage(4, LogLevel.Error, "The {Mode} for request {Request} of client {ClientId} was not delivered and will not be: {Reason}")]
    private partial void NeverDelivered(string mode, string request, string clientId, string reason);

    [LoggerMessage(5, LogLevel.Warning, "What was to be done for request {Request} failed")]
    private partial void Threw(string request, Exception exception);

    [LoggerMessage(7, LogLevel.Information, "The device is not notified of request {Request} again before {Wait} have passed: {Reason}")]
    private partial void NotifiedLater(string request, TimeSpan wait, string reason);

    [LoggerMessage(6, LogLevel.Warning, "The outbox could not be read: {Reason}")]
    private partial void NotLooked(string reason, Exception? exception);

    [LoggerMessage(8, LogLevel.Warning, "The device was not notified again of request {Request}: too many notifications were running")]
    private partial void NotNotifiedAgain(string request);

    [LoggerMessage(9, LogLevel.Warning, "The {Mode} for request {Request} of client {ClientId} is left to other nodes for {Wait}: {Reason}")]
    private partial void LeftToOthers(string mode, string request, string clientId, TimeSpan wait, string reason);
}
