using System.Net;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>The notification endpoints of all clients, or the webhook: keeps what they are sent, and answers what a test says.</summary>
public sealed class FakeReceiver : HttpMessageHandler
{
    public const string Endpoint = "https://rp.example/cb";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly Channel<ReceivedCall> _received = Channel.CreateUnbounded<ReceivedCall>();
    private int _calls;

    /// <summary>What answers a call; 204 unless a test says otherwise.</summary>
    public Func<ReceivedCall, CancellationToken, Task<HttpResponseMessage>> OnCall { get; set; } = (_, _) => Answer(204);

    /// <summary>How often anybody was called.</summary>
    public int Calls => Volatile.Read(ref _calls);

    public static Task<HttpResponseMessage> Answer(int status, string? retryAfter = null)
    {
        var response = new HttpResponseMessage((HttpStatusCode)status) { Content = new ByteArrayContent([]) };
        if (retryAfter is not null)
        {
            response.Headers.TryAddWithoutValidation("Retry-After", retryAfter);
        }

        return Task.FromResult(response);
    }

    public static CibaClient PingClient(string id = "client", string endpoint = Endpoint) => Client(id, CibaTokenDeliveryModes.Ping, endpoint);

    public static CibaClient PushClient(string id = "client", string endpoint = Endpoint) => Client(id, CibaTokenDeliveryModes.Push, endpoint);

    /// <summary>Puts this receiver in the place of the network.</summary>
    public void Use(CibaBuilder builder) => Use(builder, CibaCallbackOptions.HttpClientName);

    /// <summary>Puts this receiver in the place of the network for one client.</summary>
    public void Use(CibaBuilder builder, string httpClientName) =>
        builder.Services.AddHttpClient(httpClientName).ConfigurePrimaryHttpMessageHandler(() => this);

    /// <summary>Waits for the next call, which may be without its answer yet.</summary>
    public Task<ReceivedCall> NextAsync() => _received.Reader.ReadAsync().AsTask().WaitAsync(Bound);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = await request.Content!.ReadAsStringAsync(CancellationToken.None);
        var headers = request.Headers.NonValidated.Concat(request.Content.Headers.NonValidated).Select(header => $"{header.Key}: {header.Value}");
        var call = new ReceivedCall(Interlocked.Increment(ref _calls), request.Method, request.RequestUri!, [.. headers], body);
        _received.Writer.TryWrite(call);
        return await OnCall(call, cancellationToken);
    }

    private static CibaClient Client(string id, string mode, string endpoint)
    {
        var client = CibaHost.Client(id);
        (client.BackchannelTokenDeliveryMode, client.BackchannelClientNotificationEndpoint) = (mode, endpoint);
        return client;
    }
}

/// <summary>One call of a notification endpoint; the first has number 1.</summary>
public sealed record ReceivedCall(int Number, HttpMethod Method, Uri Url, IReadOnlyList<string> Headers, string Body)
{
    /// <summary>The body, to be read as what the token endpoint answers.</summary>
    public Answer Tokens => new(new HttpResponseMessage(), Body);
}
