using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>Sections 10.2, 10.3 and 12: one <c>POST</c> to a client notification endpoint, and what its answer means.</summary>
internal sealed class CallbackSender(IHttpClientFactory clients, IOptions<CibaOptions> options, TimeProvider time)
{
    public async Task<CallbackAnswer> PostAsync(string endpoint, string notificationToken, byte[] json)
    {
        using var timeout = new CancellationTokenSource(options.Value.Callbacks.Timeout, time);
        using var client = clients.CreateClient(CibaCallbackOptions.HttpClientName);
        using var request = new HttpRequestMessage(HttpMethod.Post, endpoint) { Content = new ByteArrayContent(json) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", notificationToken);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        try
        {
            // A body is of no interest, and is not waited for.
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token).WaitAsync(timeout.Token);
            return Judge(response);
        }
        catch (Exception exception)
        {
            // Of any type: the host may have put handlers of its own into this client.
            return new CallbackAnswer(CallbackAnswerKind.Unreachable, timeout.IsCancellationRequested ? "it did not answer in time" : OutgoingConnections.Reason(exception));
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
        return response.StatusCode == HttpStatusCode.TooManyRequests || status >= 500
            ? new CallbackAnswer(CallbackAnswerKind.TryAgain, reason, RetryAfter(response))
            : new CallbackAnswer(CallbackAnswerKind.Refused, reason);
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - time.GetUtcNow(),
        _ => LongRetryAfter(response),
    };

    // The parser takes seconds of more than 31 bits for no header at all, and the receiver would be called too soon.
    private static TimeSpan? LongRetryAfter(HttpResponseMessage response)
    {
        if (!response.Headers.NonValidated.TryGetValues("Retry-After", out var values) || values.Count != 1
            || values.First().Trim() is not { Length: > 0 } digits || !digits.All(char.IsAsciiDigit))
        {
            return null;
        }

        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds(seconds) : TimeSpan.MaxValue;
    }
}

/// <summary>What a callback met with.</summary>
/// <param name="Kind">What it means.</param>
/// <param name="Reason">A sentence for the operator; nothing of the callback's content, and nothing that the receiver said.</param>
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
