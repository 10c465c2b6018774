using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>The HTTP clients that call URLs which a client of the provider has chosen, or the host for its webhook.</summary>
internal static partial class OutgoingHttp
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

        services.AddKeyedSingleton(CibaWebhookOptions.HttpClientName, static (provider, _) => new OutgoingConnections(
            rules: null, Callbacks(provider)!.ConnectTimeout, provider.GetRequiredService<TimeProvider>()));

        Add(services, CibaCallbackOptions.HttpClientName, ClientHandler);
        Add(services, CibaCallbackOptions.JwksUriHttpClientName, ClientHandler);

        // What the host has chosen itself is the host's business alone.
        Add(services, CibaWebhookOptions.HttpClientName, static provider => Handler(provider.GetRequiredKeyedService<OutgoingConnections>(CibaWebhookOptions.HttpClientName)));
    }

    /// <summary>Says what is open to URLs that clients choose, and seldom meant to be outside of development.</summary>
    public static void WarnOfRisks(CibaCallbackOptions callbacks, ILogger logger)
    {
        foreach (var entry in callbacks.AllowedNetworks)
        {
            if (AddressRules.FindRisk(entry) is { } risk)
            {
                RiskyNetwork(logger, entry, risk);
            }
        }
    }

    // What the host gives to all of its clients is not for URLs that others have chosen: a handler or a header may hold a token,
    // and a handler that retries would send a callback twice. The factory's own log lines hold what the other side says.
    private static void Add(IServiceCollection services, string name, Func<IServiceProvider, SocketsHttpHandler> handler) =>
        services.AddHttpClient(name, Reset)
            .ConfigurePrimaryHttpMessageHandler(handler)
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

    private static SocketsHttpHandler ClientHandler(IServiceProvider provider)
    {
        var handler = Handler(provider.GetRequiredService<OutgoingConnections>());
        handler.SslOptions.CertificateRevocationCheckMode = Callbacks(provider)!.RevocationMode;
        return handler;
    }

    private static SocketsHttpHandler Handler(OutgoingConnections connections) => new()
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

    [LoggerMessage(1, LogLevel.Warning, "CibaOptions: Callbacks.AllowedNetworks holds {Network}, which opens {Risk} to the URLs that clients choose, their jwks_uri included: name the addresses that clients have, with a port (10.1.2.0/24:8443)")]
    private static partial void RiskyNetwork(ILogger logger, string network, string risk);

    private static CibaCallbackOptions? Callbacks(IServiceProvider provider) => provider.GetRequiredService<IOptions<CibaOptions>>().Value.Callbacks;
}
