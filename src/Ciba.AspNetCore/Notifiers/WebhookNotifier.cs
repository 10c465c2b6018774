using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ciba.AspNetCore.Callbacks;
using Ciba.AspNetCore.Device;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Notifiers;

/// <summary>Tells the user's device through a service of the host: one signed <c>POST</c>.</summary>
internal sealed class WebhookNotifier(IHttpClientFactory clients, IOptions<CibaWebhookOptions> options, TimeProvider time) : ICibaDeviceNotifier
{
    public async Task NotifyAsync(CibaDeviceRequest request, CancellationToken cancellationToken)
    {
        var body = Body(request);
        using var client = clients.CreateClient(CibaWebhookOptions.HttpClientName);
        using var message = new HttpRequestMessage(HttpMethod.Post, options.Value.Url) { Content = new ByteArrayContent(body) };
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        message.Headers.Add(CibaWebhookSignature.HeaderName, CibaWebhookSignature.Create(Guid.NewGuid().ToString("N"), options.Value, body, time.GetUtcNow()));

        // A body is of no interest, and is not waited for.
        using var response = await SendAsync(client, message, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw new HttpRequestException($"The webhook answered with status {(int)response.StatusCode}.", null, response.StatusCode);
        }
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, HttpRequestMessage message, CancellationToken cancellationToken)
    {
        try
        {
            return await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (Exception exception)
        {
            // In words of our own: what is thrown here repeats what the other side has said.
            cancellationToken.ThrowIfCancellationRequested();
            throw new HttpRequestException($"The webhook was not reached: {OutgoingConnections.Reason(exception)}.");
        }
    }

    /// <summary>The request as the device API has it, whom it is for, and what only the host may know.</summary>
    private static byte[] Body(CibaDeviceRequest request)
    {
        var json = JsonSerializer.SerializeToNode(DeviceRequestResponse.Of(request), DeviceJson.Relaxed.DeviceRequestResponse)!.AsObject();
        json.Insert(0, "type", "ciba.request");
        json.Insert(1, "sub", request.Subject);
        if (request.Issuer is not null)
        {
            json.Insert(2, "issuer", request.Issuer);
        }

        if (request.RequestContext is { } context)
        {
            json.Add("request_context", JsonNode.Parse(context.GetRawText()));
        }

        return JsonSerializer.SerializeToUtf8Bytes(json, DeviceJson.Relaxed.JsonObject);
    }
}
