using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Moq;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Puts the real server with TLS under a <see cref="CibaHost"/>: it takes client certificates of anybody, so that CIBA is left to check them.</summary>
public static class TlsHost
{
    public static void Use(CibaBuilder ciba, X509Certificate2 certificate, ClientCertificateMode mode = ClientCertificateMode.AllowCertificate) => Use(
        ciba,
        new HttpsConnectionAdapterOptions { ServerCertificate = certificate, ClientCertificateMode = mode }.UseCibaClientCertificates());

    public static void Use(CibaBuilder ciba, HttpsConnectionAdapterOptions https)
    {
        // All that it needs of a host's builder are the services.
        var builder = new Mock<IWebHostBuilder>();
        builder.Setup(host => host.ConfigureServices(It.IsAny<Action<IServiceCollection>>()))
            .Callback((Action<IServiceCollection> configure) => configure(ciba.Services))
            .Returns(() => builder.Object);
        builder.Object.UseKestrelCore();
        ciba.Services.Configure<KestrelServerOptions>(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(https)));
    }

    /// <summary>A client that shows this certificate, whatever the server asks for.</summary>
    public static Task<HttpClient> HttpAsync(CibaHost host, X509Certificate2? certificate, Version? version = null) => HttpAsync(
        host,
        tls => tls.LocalCertificateSelectionCallback = certificate is null ? null : (_, _, _, _, _) => certificate,
        version);

    /// <summary>A client that shows this certificate and asks nobody about it itself.</summary>
    public static Task<HttpClient> HttpWithContextAsync(CibaHost host, SslStreamCertificateContext certificate) =>
        HttpAsync(host, tls => tls.ClientCertificateContext = certificate, null);

    private static async Task<HttpClient> HttpAsync(CibaHost host, Action<SslClientAuthenticationOptions> show, Version? version)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.Subject == "CN=localhost";
        show(handler.SslOptions);
        var server = (await host.ServicesAsync()).GetRequiredService<IServer>();
        return new HttpClient(handler)
        {
            BaseAddress = new Uri(server.Features.Get<IServerAddressesFeature>()!.Addresses.First()),
            DefaultRequestVersion = version ?? HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    public static async Task<Answer> PostAsync(HttpClient http, string path, params (string Name, string? Value)[] form)
    {
        using var content = new FormUrlEncodedContent(form.Where(field => field.Value is not null).Select(field => KeyValuePair.Create(field.Name, field.Value!)));
        var response = await http.PostAsync(path, content);
        return new Answer(response, await response.Content.ReadAsStringAsync());
    }

    public static Task<Answer> AuthorizeAsync(HttpClient http, params (string Name, string? Value)[] more) =>
        PostAsync(http, ClientCalls.Authorize, [("client_id", "client"), ("scope", "openid"), ("login_hint", "alice"), .. more]);

    public static Task<Answer> PollAsync(HttpClient http, string authReqId, params (string Name, string? Value)[] more) =>
        PostAsync(http, ClientCalls.Token, [("client_id", "client"), ("grant_type", CibaHost.GrantType), ("auth_req_id", authReqId), .. more]);
}
