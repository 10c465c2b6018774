using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>Sections 10.2, 10.3 and 12: one <c>POST</c> to a client notification endpoint, and what its answer means.</summary>
internal sealed class CallbackSender(IHttpClientFactory clients, IOptions<CibaOptions> options, TimeProvider time)
{
    private const HttpStatusCode TooManyRequests = HttpStatusCode.TooManyRequests;

    public async Task<CallbackAnswer> PostAsync(string endpoint, string notificationToken, byte[] json, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.Value.Callbacks.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var client = clients.CreateClient(CibaCallbackOptions.HttpClientName);
        using var request = new HttpRequestMessage(HttpMethod.Post, endpoint) { Content = new ByteArrayContent(json) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", notificationToken);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        try
        {
            // A body is of no interest, and is not waited for.
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token).WaitAsync(either.Token);
            return Judge(response);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return new CallbackAnswer(CallbackAnswerKind.Unreachable, "it did not answer in time");
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Of any type: the host may have put handlers of its own, such as for retries and time-outs, into this client.
            return new CallbackAnswer(CallbackAnswerKind.Unreachable, exception.GetBaseException().Message);
        }
    }

    private CallbackAnswer Judge(HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        if (response.IsSuccessStatusCode)
        {
            return new CallbackAnswer(CallbackAnswerKind.Delivered, "");
        }

        var reason = $"it answered with status {status}";
        return response.StatusCode is TooManyRequests || status >= 500
            ? new CallbackAnswer(CallbackAnswerKind.TryAgain, reason, RetryAfter(response))
            : new CallbackAnswer(CallbackAnswerKind.Refused, reason);
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - time.GetUtcNow(),
        _ => null,
    };
}

/// <summary>What a callback met with.</summary>
/// <param name="Kind">What it means.</param>
/// <param name="Reason">A sentence for the operator; nothing of the callback's content.</param>
/// <param name="RetryAfter">How long the receiver asks to be left alone.</param>
internal readonly record struct CallbackAnswer(CallbackAnswerKind Kind, string Reason, TimeSpan? RetryAfter = null);

internal enum CallbackAnswerKind
{
    /// <summary>2xx.</summary>
    Delivered,

    /// <summary>429 or 5xx.</summary>
    TryAgain,

    /// <summary>No answer at all.</summary>
    Unreachable,

    /// <summary>Any other status, which another try would not change: redirects are not followed.</summary>
    Refused,
}
