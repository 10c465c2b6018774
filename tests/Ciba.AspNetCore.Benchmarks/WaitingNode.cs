using System.Diagnostics;
using System.Net;
using System.Reflection;
using System.Security.Claims;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Benchmarks;

/// <summary>A provider in a process of its own, over plain http on loopback, whose users are known by a header.</summary>
internal sealed record WaitingNode(Process Process, string Url) : IDisposable
{
    public const string Memory = "memory";
    public const string Client = "client";
    public const string Secret = "bench-secret-bench-secret-bench-secret-1";
    public const string UserHeader = "X-User";

    private const string KeyPrefix = "bench-waiting";

    /// <summary>Starts this program once more, as a node.</summary>
    public static async Task<WaitingNode> StartProcessAsync(string store)
    {
        string[] program = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [Assembly.GetExecutingAssembly().Location] : [];
        var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. program, "waiting-node", store]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        return await process.StandardOutput.ReadLineAsync() is { } url ? new WaitingNode(process, url) : throw new InvalidOperationException("The node did not start.");
    }

    /// <summary>What the process does: tells its address, and serves until its input ends, which is with the program that started it at the latest.</summary>
    public static async Task<int> ServeAsync(string store)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddRoutingCore();
        var ciba = builder.Services
            .AddCiba(options =>
            {
                options.Issuer = "http://localhost";
                options.LongPolling.Timeout = TimeSpan.FromMinutes(5);
                options.RequestLifetime = options.MaxRequestLifetime;
                options.Limits.PendingPerClient = 0;
            })
            .AddClients([new CibaClient { ClientId = Client, ClientSecrets = [Secret], TokenEndpointAuthMethod = CibaClientAuthenticationMethods.ClientSecretPost, BackchannelTokenDeliveryMode = CibaTokenDeliveryModes.Poll }])
            .AddUserLookup<Everybody>()
            .AddDeviceNotifier<Everybody>()
            .AddJwtTokenIssuer();
        if (store != Memory)
        {
            ciba.AddRedisStore(store, options => options.KeyPrefix = KeyPrefix);
        }

        await using var app = builder.Build();
        app.Use((context, next) =>
        {
            if (context.Request.Headers[UserHeader] is [{ } user])
            {
                context.User = new ClaimsPrincipal(new ClaimsIdentity([new("sub", user)], "bench"));
            }

            return next(context);
        });
        app.UseRouting();
        app.MapCiba();
        app.MapCibaDevice("/device");
        await app.StartAsync();
        Console.WriteLine(app.Urls.Single());
        await Console.In.ReadLineAsync();
        return 0;
    }

    public void Dispose() => Process.Dispose();

    private sealed class Everybody : ICibaUserLookup, ICibaDeviceNotifier
    {
        public ValueTask<CibaUserLookupResult> FindAsync(CibaHint hint, CibaClient client, CancellationToken cancellationToken) =>
            new(CibaUserLookupResult.Found(new CibaUser { Subject = hint.Value }));

        public ValueTask<bool> IsActiveAsync(string subject, CancellationToken cancellationToken) => new(true);

        public ValueTask<bool> IsUserCodeAsync(string subject, string userCode, CancellationToken cancellationToken) => new(false);

        public Task NotifyAsync(CibaDeviceRequest request, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
