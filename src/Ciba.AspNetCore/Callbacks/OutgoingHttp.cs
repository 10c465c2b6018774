using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>The HTTP clients that call URLs which a client of the provider has chosen, or the host for its webhook.</summary>
internal static class OutgoingHttp
{
    private const int MaxDrainedBytes = 16 * 1024;
    private const int MaxHeaderKilobytes = 16;

    public static void AddTo(IServiceCollection services)
    {
        // A second AddCiba() would undo what the host has changed behind the first.
        if (services.Any(service => service.ServiceType == typeof(OutgoingConnections)))
        {
            return;
        }

        services.AddSingleton(static provider => new AddressRules(Callbacks(provider)?.AllowedNetworks));
        services.AddSingleton(static provider => new OutgoingConnections(
            provider.GetRequiredService<AddressRules>(), Callbacks(provider)!.ConnectTimeout, provider.GetRequiredService<TimeProvider>()));

        Add(services, CibaCallbackOptions.HttpClientName);
        Add(services, CibaWebhookOptions.HttpClientName);
        Add(services, CibaCallbackOptions.JwksUriHttpClientName);
    }

    // What the host gives to all of its clients is not for URLs that others have chosen: a handler or a header may hold a token,
    // and a handler that retries would send a callback twice. The factory's own log lines hold what the other side says.
    private static void Add(IServiceCollection services, string name) =>
        services.AddHttpClient(name, Reset)
            .ConfigurePrimaryHttpMessageHandler(Handler)
            .ConfigureAdditionalHttpMessageHandlers(static (handlers, _) => handlers.Clear())
            .RemoveAllLoggers();

    private static void Reset(HttpClient client)
    {
        client.BaseAddress = null;
        client.DefaultRequestHeaders.Clear();

        // HTTP/3 would not use the ConnectCallback.
        client.DefaultRequestVersion = HttpVersion.Version11;
        client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower;
        client.Timeout = Timeout.InfiniteTimeSpan;
    }

    private static SocketsHttpHandler Handler(IServiceProvider provider)
    {
        var connections = provider.GetRequiredService<OutgoingConnections>();
        return new SocketsHttpHandler
        {
            ConnectCallback = (context, cancellationToken) => connections.OpenAsync(context.DnsEndPoint, cancellationToken),
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = null,
            AutomaticDecompression = DecompressionMethods.None,
            MaxResponseHeadersLength = MaxHeaderKilobytes,
            MaxResponseDrainSize = MaxDrainedBytes,
            ResponseDrainTimeout = TimeSpan.FromSeconds(1),
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        };
    }

    private static CibaCallbackOptions? Callbacks(IServiceProvider provider) => provider.GetRequiredService<IOptions<CibaOptions>>().Value.Callbacks;
}
