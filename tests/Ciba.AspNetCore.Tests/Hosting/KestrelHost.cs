using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Puts the real server under a <see cref="CibaHost"/>, for what the server in memory does not do.</summary>
public static class KestrelHost
{
    public static void Use(CibaBuilder ciba)
    {
        ciba.Services.Configure<CibaOptions>(options => options.RequireHttps = false);
        ciba.Services.Replace(ServiceDescriptor.Singleton<IServer>(services =>
        {
            var options = new KestrelServerOptions { ApplicationServices = services };
            options.Listen(System.Net.IPAddress.Loopback, 0);
            var logs = services.GetRequiredService<ILoggerFactory>();
            return new KestrelServer(Options.Create(options), new SocketTransportFactory(Options.Create(new SocketTransportOptions()), logs), logs);
        }));
    }

    public static async Task<HttpClient> HttpAsync(CibaHost host)
    {
        var server = (await host.ServicesAsync()).GetRequiredService<IServer>();
        return new HttpClient { BaseAddress = new Uri(server.Features.Get<IServerAddressesFeature>()!.Addresses.First()) };
    }
}
